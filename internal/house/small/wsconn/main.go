// WSConn has a client and a server talk over a stream in memory, for TinyGo to
// compile: see the tests of the folder above.
package main

import (
	"io"

	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/house/small/heap"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// half is one direction of the stream. It has room for all that is sent before
// somebody reads, and gives pieces of a size.
type half struct {
	buf      [4096]byte
	from, to int
	size     int
}

func (h *half) take(p []byte) (int, error) {
	if h.from == h.to {
		return 0, io.EOF
	}
	n := copy(p, h.buf[h.from:min(h.to, h.from+h.size)])
	if h.from += n; h.from == h.to {
		h.from, h.to = 0, 0
	}
	return n, nil
}

func (h *half) put(p []byte) (int, error) {
	must(len(p) <= len(h.buf)-h.to, "room")
	h.to += copy(h.buf[h.to:], p)
	return len(p), nil
}

// stream is one end.
type stream struct{ in, out *half }

func (s *stream) Read(p []byte) (int, error)  { return s.in.take(p) }
func (s *stream) Write(p []byte) (int, error) { return s.out.put(p) }

// entropy is the nonce of RFC 6455 section 1.3, and then something.
type entropy struct{ n int }

const nonce = "the sample nonce"

func (e *entropy) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e.n) * 37
		if e.n < len(nonce) {
			p[i] = nonce[e.n]
		}
		e.n++
	}
	return len(p), nil
}

const answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n"

const refusal = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n\r\n"

// plain is a codec that changes nothing.
type plain struct{ r io.Reader }

func (p *plain) Bind(ws.Role, wsconn.Params) {}
func (p *plain) Compress(w io.Writer, b []byte, last bool) error {
	_, err := w.Write(b)
	return err
}
func (p *plain) Decompress(r io.Reader)     { p.r = r }
func (p *plain) Read(b []byte) (int, error) { return p.r.Read(b) }

var (
	there, back half
	near        = stream{&back, &there}
	far         = stream{&there, &back}
	random      entropy
	codecs      [2]plain
	protocols   = [...]string{"chat"}
	request     = ws.ClientRequest{Host: "a:8080", Target: "/ws", Protocols: protocols[:]}

	clientIn, clientOut, serverIn, serverOut [512]byte
	text                                     [2000]byte
	pongs                                    int
)

func pong(p []byte) {
	must(ascii.Equal(p, "?"), "pong")
	pongs++
}

func main() {
	client, err := wsconn.New(wsconn.Config{Role: ws.RoleClient, In: clientIn[:], Out: clientOut[:], Rand: &random, Pong: pong})
	check(err)
	server, err := wsconn.New(wsconn.Config{In: serverIn[:], Out: serverOut[:wsconn.MinOut], MaxMessage: 1000, Pong: pong})
	check(err)
	packing, err := wsconn.New(wsconn.Config{Role: ws.RoleClient, In: clientIn[:], Out: clientOut[:], Rand: &random, Codec: &codecs[0], Threshold: 1, Pong: pong})
	check(err)
	unpacking, err := wsconn.New(wsconn.Config{In: serverIn[:], Out: serverOut[:], Codec: &codecs[1]})
	check(err)
	heap.Seal()
	for size := 1; size <= len(there.buf); size *= 3 {
		there.size, back.size = size, size
		dial(client, refusal, 503)
		dial(client, answer, 101)
		check(server.Reset(&far, nil))
		talk(client, server)
		end(client, server, client)

		dial(client, answer, 101)
		check(server.Reset(&far, nil))
		talk(client, server)
		end(client, server, server)

		dial(client, answer, 101)
		check(server.Reset(&far, nil))
		refuse(client, server)

		empty()
		check(packing.Reset(&near, nil))
		check(unpacking.Reset(&far, nil))
		talk(packing, unpacking)
		end(packing, unpacking, packing)
	}
	println("ok")
}

// empty drops what nobody has read.
func empty() { there.from, there.to, back.from, back.to = 0, 0, 0, 0 }

// dial has the server's answer wait for the request.
func dial(client *wsconn.Conn, answer string, status int) {
	random.n = 0
	empty()
	back.put(ascii.Bytes(answer))
	a, protocol, err := client.Dial(&near, &request)
	if status == 101 {
		check(err)
		must(a.Status == 101 && protocol == 0, "answer")
	} else {
		e, ok := err.(*wsconn.RefusedError)
		must(ok && e.Err == ws.ErrRefused && e.Answer.Status == status && ascii.Equal(e.Answer.RetryAfter(), "1"), "refusal")
	}
	must(there.to == ws.RequestSize(&request)+len("dGhlIHNhbXBsZSBub25jZQ=="), "request")
	there.from, there.to = 0, 0
}

// talk sends messages there, whole and in pieces, and the same back.
func talk(client, server *wsconn.Conn) {
	const hello, piece = "κόσμε", "Hello, World! "
	check(client.WriteText(hello))
	check(client.Ping(ascii.Bytes("?")))
	w, err := client.Begin(ws.OpText)
	check(err)
	for i := range 60 {
		_, err = w.WriteString(piece)
		check(err)
		if i == 30 {
			check(w.Flush())
			check(client.Ping(ascii.Bytes("?")))
		}
	}
	check(w.Close())

	op, msg, err := server.ReadMessage(text[:])
	check(err)
	must(op == ws.OpText && ascii.Equal(msg, hello), "whole message")
	check(server.WriteMessage(op, msg))
	op, err = server.Next()
	check(err)
	w, err = server.Begin(op)
	check(err)
	_, err = io.Copy(w, server)
	check(err)
	check(w.Close())

	pongs = 0
	op, msg, err = client.ReadMessage(text[:])
	check(err)
	must(op == ws.OpText && ascii.Equal(msg, hello), "echo")
	op, err = client.Next()
	check(err)
	n := 0
	for {
		k, err := client.Read(text[n:min(n+16, len(text))])
		n += k
		if err == io.EOF {
			break
		}
		check(err)
	}
	must(op == ws.OpText && n == 60*len(piece), "size of the echo")
	must(pongs == 2, "pongs")
	for i := range n {
		must(text[i] == piece[i%len(piece)], "streamed echo")
	}
}

// end closes from one end.
func end(client, server, first *wsconn.Conn) {
	second := client
	if first == client {
		second = server
	}
	check(first.StartClose(ws.CodeGoingAway, "good bye"))
	_, err := second.Next()
	e, ok := err.(*wsconn.CloseError)
	must(ok && e.Code == ws.CodeGoingAway && ascii.Equal(e.Reason, "good bye"), "close")
	check(first.CloseWith(ws.CodeNormal, ""))
	must(first.State() == ws.StateFinished && second.State() == ws.StateFinished && !first.IsOpen(), "state")
	must(first.WriteText("x") == wsconn.ErrClosed, "message behind close")
}

// refuse breaks the server's limit.
func refuse(client, server *wsconn.Conn) {
	check(client.WriteMessage(ws.OpBinary, text[:1001]))
	_, err := server.Next()
	if err == nil {
		_, err = server.Read(text[:])
	}
	must(err == ws.ErrMessageTooBig, "limit")
	_, err = client.Next()
	e, ok := err.(*wsconn.CloseError)
	must(ok && e.Code == ws.CodeTooBig && wsconn.CodeOf(err) == ws.CodeTooBig, "close code")
}

func check(err error) {
	if err != nil {
		must(false, err.Error())
	}
}

func must(ok bool, what string) {
	if !ok {
		println("not so:", what)
		panic("wsconn")
	}
}
