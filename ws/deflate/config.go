package deflate

import (
	"compress/flate"
	"runtime"

	"github.com/bobtail-go/bobtail/ws"
)

// Config is what New needs. The zero value is fit for most programs: no
// connection keeps anything between messages.
type Config struct {
	// Level is how hard to compress: flate.BestSpeed (1) to
	// flate.BestCompression (9), flate.DefaultCompression or flate.HuffmanOnly.
	// 0 stands for BestSpeed; to send without compression, do not ask for an
	// extension. What follows from the agreement with a peer may change it: with
	// context takeover BestSpeed becomes 2, since compress/flate's BestSpeed
	// forgets everything after a message of less than 128 bytes, and for windows
	// of less than 4 KB the levels above BestSpeed become BestSpeed, since they
	// take too long to begin anew.
	Level int

	// Threshold is the least size in bytes of a whole message that is worth
	// being compressed. It is for those who send, to whom Extension.Threshold
	// gives it: an Extension does as it is told. 0 stands for DefaultThreshold.
	Threshold int

	// ServerTakeover and ClientTakeover allow context takeover for messages of
	// the server and of the client, in either role. Without them an Extension
	// agrees on server_no_context_takeover and client_no_context_takeover (RFC
	// 7692 section 7.1.1). A sender makes no use of it with HuffmanOnly, which
	// refers to nothing, or windows of less than 4 KB.
	ServerTakeover, ClientTakeover bool

	// ServerWindowBits and ClientWindowBits are the base-2 logarithm of the
	// largest window for messages of the server and of the client, 8 to 15 (RFC
	// 7692 section 7.1.2). 0 stands for 15. A smaller window saves memory of a
	// receiver with context takeover, and costs compression. A receiver without
	// context takeover asks for it but takes a larger one.
	ServerWindowBits, ClientWindowBits int

	// MaxInflated is the most bytes that a message may inflate to: one that has
	// more fails the connection (1009). So does one whose blocks end a stream of
	// DEFLATE (BFINAL, which takes time, and nobody needs) more than 16 times
	// and once for each 1024 of these bytes. 0 stands for DefaultMaxInflated, -1
	// for no limit.
	MaxInflated int64

	// Contexts is how many connections may have context takeover at a time, in
	// one direction or both. When it is reached, the next ones agree on doing
	// without. It must be at least 1 if takeover is allowed.
	Contexts int

	// Idle is how many compressors, and how many decompressors, are kept when
	// no message needs them. More are made when more messages are under way at
	// once, and left to the garbage collector. 0 stands for as many as
	// goroutines run at once, runtime.GOMAXPROCS.
	Idle int
}

// Defaults of a Config.
const (
	DefaultThreshold   = 256     // bytes; shorter text of its own seldom gets shorter by more than a few bytes
	DefaultMaxInflated = 1 << 20 // bytes; a payload of 1 KB can inflate to it
)

// maxWindowBits is the window of DEFLATE, and of compress/flate: 32 KB.
const maxWindowBits = 15

// minAnewBits is the smallest window at which the levels above BestSpeed are
// used: for them to begin anew takes as long as to compress about 500 bytes.
const minAnewBits = 12

// Validate reports the first field that cannot be used, by one of the errors of
// this package.
func (c *Config) Validate() error {
	badBits := func(n int) bool { return n != 0 && (n < 8 || n > maxWindowBits) }
	switch {
	case c.Level < flate.HuffmanOnly || c.Level > flate.BestCompression:
		return ErrLevel
	case c.Threshold < 0:
		return ErrThreshold
	case badBits(c.ServerWindowBits) || badBits(c.ClientWindowBits):
		return ErrWindowBits
	case c.MaxInflated < -1:
		return ErrMaxInflated
	case c.Contexts < 0 || c.Contexts == 0 && (c.ServerTakeover || c.ClientTakeover):
		return ErrContexts
	case c.Idle < 0:
		return ErrIdle
	}
	return nil
}

// fill puts defaults where a field is 0.
func (c *Config) fill() {
	if c.Level == 0 {
		c.Level = flate.BestSpeed
	}
	if c.Threshold == 0 {
		c.Threshold = DefaultThreshold
	}
	if c.ServerWindowBits == 0 {
		c.ServerWindowBits = maxWindowBits
	}
	if c.ClientWindowBits == 0 {
		c.ClientWindowBits = maxWindowBits
	}
	if c.MaxInflated == 0 {
		c.MaxInflated = DefaultMaxInflated
	}
	if c.Idle == 0 {
		c.Idle = runtime.GOMAXPROCS(0)
	}
}

// carries reports whether a sender with a window of 1<<bits bytes gains from
// context takeover.
func (c *Config) carries(bits int) bool {
	return c.Level != flate.HuffmanOnly && bits >= minAnewBits
}

// level is that of the compressor for a window of 1<<bits bytes, and with
// context takeover or not.
func (c *Config) level(bits int, takeover bool) int {
	switch {
	case takeover && c.Level == flate.BestSpeed:
		return 2
	case bits < minAnewBits && c.Level != flate.HuffmanOnly:
		return flate.BestSpeed
	}
	return c.Level
}

// What compress/flate of Go 1.26 allocates, and we beside it, in bytes.
const (
	deflaterSize        = 797 << 10  // levels 2 to 9
	deflaterSizeSpeed   = 1181 << 10 // BestSpeed
	deflaterSizeHuffman = 723 << 10  // HuffmanOnly
	inflaterSize        = 82 << 10
	codecSize           = 256
)

func deflaterMemory(level int) int {
	switch level {
	case flate.BestSpeed:
		return deflaterSizeSpeed
	case flate.HuffmanOnly:
		return deflaterSizeHuffman
	}
	return deflaterSize
}

// Memory is what the Extension takes in bytes at most while no message is under
// way, if its connections have the role: idle for what it keeps ready, and
// context for each connection with context takeover, of which there are at most
// Config.Contexts. While a message is under way that found nothing ready, it
// takes a compressor or decompressor more.
func (e *Extension) Memory(role ws.Role) (idle, context int) {
	c := &e.config
	idle = c.Idle * (deflaterMemory(c.Level) + inflaterSize)
	if l := c.level(8, false); l != c.Level {
		idle += c.Idle * deflaterMemory(l)
	}
	send, receive := ends(role, c.ServerTakeover, c.ClientTakeover)
	sendBits, receiveBits := ends(role, c.ServerWindowBits, c.ClientWindowBits)
	if send && c.carries(sendBits) {
		context += deflaterMemory(c.level(sendBits, true))
	}
	if receive {
		context += historySize(receiveBits)
	}
	if context > 0 {
		context += codecSize
	}
	return idle, context
}

// ends turns what is so for the server and for the client into what is so for
// the messages that an end of the role sends and receives.
func ends[T any](role ws.Role, server, client T) (send, receive T) {
	if role == ws.RoleClient {
		return client, server
	}
	return server, client
}
