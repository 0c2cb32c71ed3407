package http1

// Limits bound what a peer may send. The zero value of each field means its
// default; negative values are refused by Validate. Limits are not changed
// while in use.
type Limits struct {
	// Head is the length of a whole head in bytes, of what is dropped as well
	// as of what is kept, from its first byte to its empty line. The default is
	// DefaultHead, the most is MaxHead.
	Head int

	// Fields is the number of field lines of a head. The default is
	// DefaultFieldCount, the most is MaxFields.
	Fields int

	// Target is the length of a request target in bytes. The default is
	// DefaultTarget, the least that RFC 9112 section 3 recommends; the most is
	// MaxTarget.
	Target int

	// Trailer is the length of a trailer section in bytes. The default is
	// DefaultTrailer, the most is MaxHead.
	Trailer int

	// ChunkOverhead is the number of bytes of chunk framing that a content may
	// have beyond a fair share: each chunk earns 16 bytes and twice its size.
	// The default is DefaultChunkOverhead, the most is MaxHead.
	ChunkOverhead int

	// Body is the length of content in bytes. The default is no limit other
	// than 2^63-1, which is also the most.
	Body uint64
}

// The defaults and the bounds of Limits.
const (
	DefaultHead          = 64 << 10 // what Apache allows for the sum is more, nginx 32 KiB
	DefaultFieldCount    = 100      // as Apache httpd
	DefaultTarget        = 8000     // RFC 9112 section 3
	DefaultTrailer       = 8 << 10
	DefaultChunkOverhead = 16 << 10 // as package net/http

	MaxHead   = 1 << 30       // counters are 32 bits wide
	MaxFields = 1<<16 - 1     // counted in 16 bits
	MaxTarget = MaxHeadBuffer // a target is always kept
)

// Validate tells which field is out of its range, if any.
func (l *Limits) Validate() error {
	switch {
	case l.Head < 0 || l.Head > MaxHead:
		return ErrLimitHead
	case l.Fields < 0 || l.Fields > MaxFields:
		return ErrLimitFields
	case l.Target < 0 || l.Target > MaxTarget:
		return ErrLimitTarget
	case l.Trailer < 0 || l.Trailer > MaxHead:
		return ErrLimitTrailer
	case l.ChunkOverhead < 0 || l.ChunkOverhead > MaxHead:
		return ErrLimitChunk
	case l.Body > maxLength:
		return ErrLimitBody
	}
	return nil
}

// maxLength is the greatest length of content: what fits an int64, so that
// every program can hold it in one.
const maxLength = 1<<63 - 1

func (l *Limits) head() int          { return orDefault(l.Head, DefaultHead) }
func (l *Limits) fields() int        { return orDefault(l.Fields, DefaultFieldCount) }
func (l *Limits) target() int        { return orDefault(l.Target, DefaultTarget) }
func (l *Limits) trailer() int       { return orDefault(l.Trailer, DefaultTrailer) }
func (l *Limits) chunkOverhead() int { return orDefault(l.ChunkOverhead, DefaultChunkOverhead) }

func (l *Limits) body() uint64 {
	if l.Body == 0 {
		return maxLength
	}
	return l.Body
}

func orDefault(v, d int) int {
	if v == 0 {
		return d
	}
	return v
}
