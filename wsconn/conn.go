package wsconn

import (
	"io"
	"sync"
	"sync/atomic"

	"github.com/bobtail-go/bobtail/internal/opaque"
	"github.com/bobtail-go/bobtail/ws"
)

// Config is what a connection is made with. It is not changed while in use.
type Config struct {
	// Role is which end of the connection this is.
	Role ws.Role

	// In holds what was received and not used yet, Out what is gathered before
	// it is sent. At least MinIn and MinOut bytes; larger ones cost fewer calls
	// of the stream, and small messages that fit into Out but for MinOut bytes
	// are one such call. Their contents are lost.
	In, Out []byte

	// Rand is the source of masking keys and of the key of the handshake, which
	// nobody must be able to guess (RFC 6455 section 10.3). A client must have
	// it, a server has no use for it. It is used by one goroutine at a time.
	Rand io.Reader

	// MaxFrame and MaxMessage are the most bytes of payload that a frame and a
	// message of the peer may have, compressed and also, for the message, when
	// it is inflated. More fails the connection (1009). 0 is no limit.
	MaxFrame, MaxMessage uint64

	// Fragment is the most bytes of payload that are sent in one frame, at
	// least 1; longer messages are sent in several. Pings are not answered
	// inside of a frame, so that it should not take long to send. 0 stands for
	// DefaultFragment.
	Fragment int

	// Codec compresses and decompresses, as was agreed on by Params, which must
	// be those that it was bound to. Without one there is no compression.
	Codec  Codec
	Params Params

	// Threshold is the least size in bytes at which WriteMessage compresses.
	// Streamed messages are always compressed. 0 stands for what the method
	// Threshold of the Extension says, if it has one, or DefaultThreshold; if it
	// is negative, nothing that is sent is compressed.
	Threshold int

	// Extension, if it is not nil, is what a client offers in Dial. If the
	// server agrees, Dial finds a Codec for the Params: one of the Extension's
	// that is kept for the connection, or binds that of this Config, or makes
	// one, which allocates, and uses it again.
	Extension Extension

	// Ping and Pong, if they are not nil, are called by the methods that read
	// with the payload of each such frame that came, valid during the call. A
	// ping is answered in any case. They may send, but not read or CloseWith.
	Ping, Pong func(payload []byte)

	// Background, if it is not nil, runs a function in a goroutine of its own, at
	// most two at a time: it answers pings. Without it the methods that read do,
	// and wait until the stream takes the answer. If both ends of a connection
	// may do so at once, while other goroutines keep the stream between them
	// full, they wait for ever.
	Background func(f func())
}

// The least sizes of the buffers, in bytes.
const (
	MinIn  = ws.MaxPending                     // the longest control frame
	MinOut = ws.MaxPending + ws.MaxHeader + 16 // the same, and a frame of data
)

// Defaults.
const (
	// DefaultFragment is a compromise: a pong waits at most 2 seconds for it at
	// a megabit a second, and the header is nothing beside it.
	DefaultFragment = 256 << 10

	// DefaultThreshold is where compression begins to be worth its work for
	// text, without context takeover.
	DefaultThreshold = 256
)

// keysAhead is how many masking keys are made at a time: a call of the source
// of entropy may be a system call, or cost a block of a generator.
const keysAhead = 16

// Conn is a connection. Methods that read (Next, Read, WriteTo, ReadMessage)
// are for one goroutine at a time; the others may be called from any. It must
// not be copied.
type Conn struct {
	rw     io.ReadWriter
	config Config
	rules  ws.Rules

	// Reading, guarded by reading, which whoever reads holds while he does: so
	// CloseWith can read on for him who does not.
	reading sync.Mutex
	// in[pos:end] are bytes that were received and not looked at yet.
	in       []byte
	pos, end int
	decoder  ws.Decoder
	piece    []byte // payload of the message at hand that was not read yet, a view of in
	at       place
	packed   bool // the message at hand is compressed
	done     bool // all of it was read, inflated or not; also before the first
	op       ws.Opcode
	text     ws.UTF8 // of an inflated message
	inflated uint64  // bytes of it
	codec    Codec   // nil if there is no compression
	payload  payload
	gatherer gatherer
	fault    error // why nothing more can be read
	closed   CloseError
	scratch  [64]byte // for content that nobody wants

	// A message that is being sent, guarded by writing, which its writer holds
	// from its beginning to its end.
	writing sync.Mutex
	writer  Writer
	sendOp  ws.Opcode
	pack    bool // it is compressed
	// data is the part of Out that frames of data are put together in: room for
	// the header first, then size bytes of payload, then what is free.
	data []byte
	size int
	most int // payload of a frame that is gathered

	// Sending, guarded by sending, held for a frame.
	sending sync.Mutex
	state   ws.State
	encoder ws.Encoder
	control []byte // the part of Out that control frames are put together in
	stop    error  // why nothing more may be sent
	keys    [4 * keysAhead]byte
	keysAt  int

	over atomic.Bool // stop is set, for who has not the lock
	sent atomic.Bool // our close frame is sent: what comes is discarded

	// What is owed, since a frame was being sent when it came: pongs, of many the
	// newest (RFC 6455 section 5.5.3), or the end of the stream. Guarded by
	// owing; behind what sets owes is a call of remind.
	owing    sync.Mutex
	owes     atomic.Bool
	owedSize int
	owed     [1 + ws.MaxControl]byte // each with its length before it
	gone     error                   // why the stream has ended, if it has
	pay      func()                  // look at it, for Background

	// What Dial has come by.
	refused   RefusedError
	extension Extension // that reserves agreed
	agreed    Params    // to be released
	taken     Codec     // to be put back
	spare     Codec     // bound anew for each connection
}

// place is where the reader is.
type place uint8

const (
	placeBetween place = iota // no message is at hand
	placeInside               // in a message
	placeLast                 // its last payload is in piece, or was
)

// New makes a connection without a stream: see Reset and Dial. It keeps the
// buffers of c, which are its own from now on.
func New(c Config) (*Conn, error) {
	n := new(Conn)
	if err := n.Init(c); err != nil {
		return nil, err
	}
	return n, nil
}

// Init is New for a Conn that is part of something else, or is to be used
// again with another Config.
func (c *Conn) Init(config Config) error {
	if config.Fragment == 0 {
		config.Fragment = DefaultFragment
	}
	if config.Threshold == 0 {
		config.Threshold = DefaultThreshold
		if x, ok := config.Extension.(interface{ Threshold() int }); ok {
			config.Threshold = x.Threshold()
		}
	}
	switch {
	case len(config.In) < MinIn || len(config.Out) < MinOut:
		return ErrBuffer
	case config.Role > ws.RoleClient || config.Fragment < 0:
		return ErrConfig
	case config.Role == ws.RoleClient && config.Rand == nil:
		return ErrRand
	}
	c.Release()
	c.config = config
	c.rules = ws.Rules{Role: config.Role, MaxFrame: config.MaxFrame, MaxMessage: config.MaxMessage}
	c.in = config.In
	c.control = config.Out[:ws.MaxPending]
	c.data = config.Out[ws.MaxPending:]
	c.most = min(config.Fragment, len(c.data)-ws.MaxHeader)
	c.writer.c = c
	c.payload.Pointer, c.gatherer.Pointer = opaque.To(c), opaque.To(c)
	c.keysAt = len(c.keys)
	c.spare, c.pay = nil, nil
	if config.Background != nil {
		c.pay = c.payer()
	}
	return nil
}

// payer is for Init, which otherwise would have its receiver on the heap under
// TinyGo.
func (c *Conn) payer() func() { return func() { c.lock(); c.unlock() } }

// Reset begins a new connection over rw, on which the handshake is over, and
// which the Conn does not close. rest is what was received of it already; it
// is copied, and fails with ErrBuffer if it does not fit into In. Nobody else
// must be using the Conn.
func (c *Conn) Reset(rw io.ReadWriter, rest []byte) error {
	if len(rest) > len(c.in) {
		return ErrBuffer
	}
	c.Release()
	c.pos, c.end = 0, copy(c.in, rest)
	c.codec = c.config.Codec
	c.open(rw)
	return nil
}

// open makes everything new that shut has not, but what was received.
func (c *Conn) open(rw io.ReadWriter) {
	c.rw = rw
	c.decoder = ws.Decoder{}
	c.decoder.SetCompressed(c.codec != nil)
	c.piece, c.at, c.packed, c.done, c.op = nil, placeBetween, false, true, 0
	c.fault, c.closed = nil, CloseError{}
	c.state, c.encoder, c.stop = ws.StateOpen, ws.Encoder{}, nil
	c.over.Store(false)
}

// shut makes a Conn without a stream, of which every use says err.
func (c *Conn) shut(err error) {
	c.rw = nil
	c.piece, c.at, c.packed, c.done, c.codec = nil, placeBetween, false, true, nil
	c.fault = err
	c.state, c.stop = ws.StateConnecting, err
	c.over.Store(true)
	c.sent.Store(false)
	c.owes.Store(false)
	c.owedSize, c.gone = 0, nil
	if c.writer.open { // a message that its writer has left behind
		c.writer.open = false
		c.writing.Unlock()
	}
}

// State is where the connection is in its life. It waits for a frame that is
// being sent.
func (c *Conn) State() ws.State {
	c.lock()
	s := c.state
	c.unlock()
	return s
}

// advance moves the state; sending is held.
func (c *Conn) advance(e ws.Event) {
	if next, ok := c.state.Next(e); ok {
		c.state = next
	}
}

// IsOpen reports whether messages may be sent, as far as is known: no close
// frame was sent, none has come, and nothing has failed.
func (c *Conn) IsOpen() bool { return !c.over.Load() }
