// WS shakes hands, takes frames apart and puts them together, in both roles and
// in memory that is there from the start, for TinyGo to compile: see the tests
// of the folder above.
package main

import (
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/house/small/heap"
	"github.com/bobtail-go/bobtail/ws"
)

// field is a field line of a handshake.
type field struct{ name, value string }

var offered = [...]field{
	{"Host", "a:8080"}, {"Upgrade", "websocket"}, {"Connection", "keep-alive, Upgrade"}, {"Sec-WebSocket-Version", "13"},
	{"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}, {"Sec-WebSocket-Protocol", "other, chat"},
	{"Sec-WebSocket-Extensions", "x; y=\"z\""}, {"Sec-WebSocket-Extensions", "permessage-deflate"}, {"Origin", "http://a:8080"},
}

const answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n"

var (
	server    = ws.Rules{Role: ws.RoleServer, MaxMessage: 100}
	client    = ws.Rules{Role: ws.RoleClient}
	decoder   ws.Decoder
	encoder   ws.Encoder
	offer     ws.Offer
	request   ws.ClientRequest
	protocols = [...]string{"chat", "better"}
	fields    = [...]ws.Field{{Name: "Cookie", Value: "a=b"}}
	nonce     = [16]byte{'t', 'h', 'e', ' ', 's', 'a', 'm', 'p', 'l', 'e', ' ', 'n', 'o', 'n', 'c', 'e'}

	key             [ws.KeySize]byte
	wire, back, out [512]byte
	echoed          [512]byte
)

func main() {
	heap.Seal()
	shake()
	for cut := 0; echo(cut); cut++ {
	}
	refuse()
	end()
	println("ok")
}

// shake is the handshake of both ends.
func shake() {
	offer = ws.Offer{Get: true, HTTP11: true}
	for i := range offered {
		offer.Field(ascii.Bytes(offered[i].name), ascii.Bytes(offered[i].value))
	}
	check(offer.Check())
	must(offer.Protocol(protocols[:]) == 0, "protocol")
	must(ws.SameOrigin(offer.Origin, offer.Host), "origin")
	must(ascii.Equal(offer.Extensions.Joined(out[:0]), "x; y=\"z\",permessage-deflate"), "extensions")
	must(ascii.Equal(ws.AppendAccept(out[:0], offer.Key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "accept")

	request = ws.ClientRequest{Host: "a:8080", Target: "/chat", Protocols: protocols[:], Fields: fields[:]}
	request.Key = ws.AppendKey(key[:0], nonce)
	b, err := ws.AppendRequest(out[:0], &request)
	check(err)
	must(len(b) == ws.RequestSize(&request), "size")
	in := ascii.Bytes(answer)
	for i := range in {
		_, n, err := ws.ParseAnswer(in[:i])
		check(err)
		must(n == 0, "early answer")
	}
	a, n, err := ws.ParseAnswer(in)
	check(err)
	must(n == len(in) && a.Status == 101 && a.Location() == nil, "answer")
	i, err := a.Check(&request)
	check(err)
	must(i == 0, "chosen protocol")
	request.Key = request.Key[:10]
	_, err = ws.AppendRequest(out[:0], &request)
	is(err, ws.ErrRequestKey)
}

// echo is a message in two fragments with a ping between them to a server, in
// two reads, whose answers a client reads. It reports whether there is a later
// cut.
func echo(cut int) bool {
	const hello, world = "κόσμε, or as we say: ", "Hello, World!"
	b := wire[:0]
	b = send(b, true, ws.OpText, false, hello)
	b = ws.AppendFrame(b, ws.Header{Op: ws.OpPing, Fin: true, Masked: true, Key: 0x01020304}, ascii.Bytes("?"))
	b = send(b, true, ws.OpText, true, world)
	decoder = ws.Decoder{}
	e := ws.Encoder{}
	answers := back[:0]
	for at, end := 0, cut; ; {
		p, n, err := decoder.Next(b[at:end], &server)
		check(err)
		at += n
		switch p.Kind {
		case ws.NeedMore:
			if end == len(b) {
				must(at == end && decoder.Idle(), "end")
				hear(answers, hello, world)
				return cut < len(b)
			}
			end = len(b)
		case ws.Ping:
			answers = ws.AppendFrame(answers, ws.Header{Op: ws.OpPong, Fin: true}, p.Payload)
		case ws.Data:
			h, err := e.Data(p.Op, p.Last, p.Compressed)
			check(err)
			answers = ws.AppendFrame(answers, h, p.Payload)
		default:
			must(false, "kind")
		}
	}
}

// hear is the client's end of echo.
func hear(b []byte, hello, world string) {
	decoder = ws.Decoder{}
	text := echoed[:0]
	pongs := 0
	for {
		p, n, err := decoder.Next(b, &client)
		check(err)
		b = b[n:]
		switch p.Kind {
		case ws.NeedMore:
			must(pongs == 1 && len(text) == len(hello)+len(world), "sizes")
			must(ascii.Equal(text[:len(hello)], hello) && ascii.Equal(text[len(hello):], world), "text")
			return
		case ws.Pong:
			pongs++
		case ws.Data:
			text = append(text, p.Payload...)
		default:
			must(false, "kind")
		}
	}
}

func send(dst []byte, masked bool, op ws.Opcode, fin bool, text string) []byte {
	h, err := encoder.Data(op, fin, false)
	check(err)
	h.Masked, h.Key = masked, 0x3D21FA37
	return ws.AppendFrame(dst, h, ascii.Bytes(text))
}

// refuse has a peer break rules.
func refuse() {
	decoder = ws.Decoder{}
	_, _, err := decoder.Next(append(wire[:0], 0x81, 0x01, 0xFF), &client)
	is(err, ws.ErrUTF8)
	decoder = ws.Decoder{}
	_, _, err = decoder.Next(append(wire[:0], 0x81, 0x01, 'a'), &server)
	is(err, ws.ErrUnmasked)
	decoder = ws.Decoder{}
	_, _, err = decoder.Next(append(wire[:0], 0x82, 0xFE, 0xFF, 0xFF), &server)
	is(err, ws.ErrMessageTooBig)
	_, err = encoder.Data(ws.OpPing, true, false)
	is(err, ws.ErrOrder)
}

// end is the close handshake.
func end() {
	s, ok := ws.StateOpen.Next(ws.EventSendClose)
	must(ok, "state")
	payload := ws.AppendClose(out[:0], ws.CodeGoingAway, "good bye")
	b := ws.AppendFrame(wire[:0], ws.Header{Op: ws.OpClose, Fin: true}, payload)
	decoder = ws.Decoder{}
	p, n, err := decoder.Next(b, &client)
	check(err)
	must(n == len(b) && p.Kind == ws.Close && p.Code == ws.CodeGoingAway && ascii.Equal(p.Payload, "good bye"), "close")
	s, ok = s.Next(ws.EventReceiveClose)
	must(ok && s == ws.StateFinished, "state")
}

// is wants an error, and what to tell the peer of it.
func is(err error, want ws.Error) {
	e, ok := err.(ws.Error)
	must(ok && e == want && e.Code().MayBeSent(), "error")
}

func check(err error) {
	if err != nil {
		must(false, err.Error())
	}
}

func must(ok bool, what string) {
	if !ok {
		println("not so:", what)
		panic("ws")
	}
}
