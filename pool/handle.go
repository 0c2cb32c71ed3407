package pool

// A Handle names one connection for all time: the index of its slot, and the
// generation of the slot when the connection got it. A handle whose
// connection is over is stale, and stays an error for ever after; it never
// names the stranger who has the slot now. (Generations wrap after 2^32
// connections of one slot.) The zero Handle is nobody's.
type Handle uint64

func newHandle(index int, generation uint32) Handle {
	return Handle(generation)<<32 | Handle(uint32(index))
}

// Index is the number of the slot, below the pool's size.
func (h Handle) Index() int { return int(uint32(h)) }

// Generation counts the connections that the slot has had.
func (h Handle) Generation() uint32 { return uint32(h >> 32) }

// Error is an error of the pool. Its values are constants.
type Error uint8

// The errors of the pool.
const (
	_          Error = iota
	ErrStale         // the connection of the handle is over
	ErrFull          // no slot, stash or output block is free
	ErrBacklog       // the peer does not take its output: the high-water mark is passed
	ErrConfig        // a count or a size is out of its bounds
	ErrSealed        // the last message is in the queue already
	numErrors
)

var errorTexts = [numErrors]string{
	ErrStale:   "pool: stale handle",
	ErrFull:    "pool: full",
	ErrBacklog: "pool: output high-water mark passed",
	ErrConfig:  "pool: configuration out of bounds",
	ErrSealed:  "pool: output sealed",
}

// Is reports whether err is e.
func (e Error) Is(err error) bool {
	x, ok := err.(Error)
	return ok && x == e
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e < numErrors && errorTexts[e] != "" {
		return errorTexts[e]
	}
	return "pool: unknown error"
}
