package wsconn

import (
	"io"

	"github.com/bobtail-go/bobtail/ws"
)

// Params is what two ends have agreed on for the compression of messages; 0
// is none. What its bits mean is the Extension's business. Equal Params mean
// equal agreements.
type Params uint32

// Extension compresses messages (RFC 7692). Package ws/deflate has it, which
// only programs that name it link. Its methods may be called from any
// goroutine.
type Extension interface {
	// Accept chooses, for a server, among the offers of a client: the value of
	// Sec-WebSocket-Extensions, its lines joined by commas. It returns 0 if
	// there is none to be taken. What connections with context takeover need is
	// reserved until Release.
	Accept(offers []byte) Params

	// AppendAccept appends the value of the server's field for what Accept has
	// chosen.
	AppendAccept(dst []byte, p Params) []byte

	// AppendOffer appends the value of a client's field.
	AppendOffer(dst []byte) []byte

	// Agree reads the value of a server's answer to AppendOffer. It fails if
	// the answer is not one to that (RFC 7692 section 5.1): the client must
	// fail the connection. It reserves as Accept does.
	Agree(answer []byte) (Params, error)

	// Release gives back what Accept or Agree has reserved. It is called once
	// for each Params other than 0 that they returned, after the last use.
	Release(p Params)

	// Stateful reports whether an end of the role keeps something for p between
	// messages: then the connection needs a Codec of its own, from Take.
	Stateful(role ws.Role, p Params) bool

	// Shared reports whether a message that an end of the role has compressed
	// may go to other connections too, all whose key is the same.
	Shared(role ws.Role, p Params) (key Params, ok bool)

	// Codec makes a Codec, for one worker or one goroutine. It allocates.
	Codec() Codec

	// Take is a Codec for a connection whose Params are Stateful, bound to it:
	// one of those that were reserved. Put gives it back, before Release.
	Take(role ws.Role, p Params) Codec
	Put(c Codec)
}

// Codec compresses and decompresses, one message at a time in each direction.
// It is used by one goroutine at a time in each direction.
type Codec interface {
	// Bind makes the Codec that of an end of the role, with these Params, and
	// forgets what it knew. It is not called for one that came from Take.
	Bind(role ws.Role, p Params)

	// Compress writes what b, the next piece of a message, compresses to, as
	// payload of its frames (RFC 7692 section 7.2.1). last says that no more
	// follows; the next call begins another message.
	Compress(w io.Writer, b []byte, last bool) error

	// Decompress begins a message, whose payload r gives until io.EOF. Read
	// then gives its content until io.EOF; its errors are those of r, and
	// ws.Error values for payload that is not compressed properly or inflates
	// to more than the Extension allows.
	Decompress(r io.Reader)
	Read(p []byte) (int, error)
}
