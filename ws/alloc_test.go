//go:build !race

package ws_test

import (
	"bytes"
	"testing"

	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/ws"
)

func TestNoAllocs(t *testing.T) {
	must := func(ok bool, err error) {
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	var (
		payload = []byte("some text, κόσμε, of more than thirty-two bytes")
		frame   = ws.AppendFrame(nil, ws.Header{Op: ws.OpText, Fin: true, Masked: true, Key: testKey}, payload)
		ping    = ws.AppendFrame(nil, ws.Header{Op: ws.OpPing, Fin: true, Masked: true, Key: testKey}, payload)
		refused = []byte{0x80}
		in      = make([]byte, 0, 256)
		out     = make([]byte, 0, 256)
		rules   = &ws.Rules{MaxFrame: 1 << 10, MaxMessage: 1 << 10}
		host    = []byte("Host")
		request = &ws.ClientRequest{Host: "a", Key: []byte(rfcKey), Protocols: []string{"chat"}, Extensions: []byte("x"), Fields: []ws.Field{{Name: "Cookie", Value: "b=c"}}}
		answers = []byte(rfcAnswer)
		names   = [][]byte{[]byte("upgrade"), []byte("connection"), []byte("sec-websocket-key"), []byte("sec-websocket-version"), []byte("sec-websocket-protocol"), []byte("sec-websocket-extensions"), []byte("origin")}
		values  = [][]byte{[]byte("websocket"), []byte("keep-alive, Upgrade"), []byte(rfcKey), []byte("13"), []byte("chat, superchat"), []byte("a;b=c"), []byte("http://example.com")}
		ours    = []string{"superchat", "chat"}
	)
	for _, c := range []struct {
		name string
		f    func()
	}{
		{"a message and its echo", func() {
			var d ws.Decoder
			var e ws.Encoder
			p, n, err := d.Next(append(in, frame...), rules)
			must(n == len(frame) && p.Last && bytes.Equal(p.Payload, payload), err)
			h, err := e.Data(p.Op, true, false)
			must(h.Op == ws.OpText, err)
			must(len(ws.AppendFrame(out, h, p.Payload)) == len(frame)-4, nil)
		}},
		{"a ping and its pong, by the byte", func() {
			var d ws.Decoder
			b := append(in, ping...)
			for end := range len(b) {
				p, n, err := d.Next(b[:end], rules)
				must(p.Kind == ws.NeedMore && n == 0, err)
			}
			p, n, err := d.Next(b, rules)
			must(n == len(b) && p.Kind == ws.Ping, err)
			must(len(ws.AppendFrame(out, ws.Header{Op: ws.OpPong, Fin: true}, p.Payload)) != 0, nil)
		}},
		{"a frame that is refused", func() {
			var d ws.Decoder
			_, _, err := d.Next(refused, rules)
			must(err == ws.ErrContinuation && err.(ws.Error).Code() == ws.CodeProtocolError, nil)
		}},
		{"a close frame", func() {
			b := ws.AppendClose(out, ws.CodeGoingAway, "good bye")
			c, reason, err := ws.ParseClose(b)
			must(c == ws.CodeGoingAway && len(reason) == 8, err)
		}},
		{"the server's handshake", func() {
			o := ws.Offer{Get: true, HTTP11: true}
			o.Field(host, host)
			for i := range names {
				o.Field(names[i], values[i])
			}
			must(o.Protocol(ours) == 0 && !ws.SameOrigin(o.Origin, o.Host), o.Check())
			must(len(ws.AppendAccept(out, o.Key)) == ws.AcceptSize, nil)
		}},
		{"the client's handshake", func() {
			must(len(ws.AppendKey(out, [16]byte{1})) == ws.KeySize, nil)
			b, err := ws.AppendRequest(out, request)
			must(len(b) == ws.RequestSize(request), err)
			a, n, err := ws.ParseAnswer(answers)
			must(n == len(answers), err)
			i, err := a.Check(request)
			must(i == 0, err)
		}},
	} {
		alloctest.Zero(t, c.name, c.f)
	}
}
