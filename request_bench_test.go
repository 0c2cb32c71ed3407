package bobtail_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// mill is a network of one client, who sends the same again and again, and to
// whom sending costs nothing: what is left is what this server costs.
type mill struct {
	*memory.Network
	in    string // what the client sends at once
	tag   uint64
	ready bool
	sent  int
	sends int
}

func (n *mill) Now() int64 { return 1e9 }

func (n *mill) Accept(transport.Listener) (transport.Stream, error) {
	if n.tag != 0 {
		return 0, transport.ErrWouldBlock
	}
	return 1, nil
}

func (n *mill) Attach(_ transport.Stream, _ int, tag uint64) error {
	n.tag = tag
	return nil
}

func (n *mill) Wait(_ int, ev []transport.Event, _ int64) (int, error) {
	if !n.ready {
		return 0, nil
	}
	n.ready = false
	ev[0] = transport.Event{Tag: n.tag, Ready: transport.Readable}
	if n.tag == 0 {
		ev[0] = transport.Event{Tag: 1 << 31, Ready: transport.Acceptable}
	}
	return 1, nil
}

func (n *mill) Receive(_ transport.Stream, b []byte) ([]byte, error) {
	return b[:copy(b, n.in)], nil
}

func (n *mill) Send(_ transport.Stream, bufs [][]byte) (int, error) {
	k := 0
	for _, b := range bufs {
		k += len(b)
	}
	n.sent += k
	n.sends++
	return k, nil
}

func (n *mill) Consume(transport.Stream, int)    {}
func (n *mill) Holds() int                       { return 0 }
func (n *mill) CloseStream(transport.Stream)     {}
func (n *mill) Abort(transport.Stream)           {}
func (n *mill) Arm(transport.Listener, bool)     {}
func (n *mill) CloseListener(transport.Listener) {}

// The heads of those who measure servers, and of a browser.
const (
	shortHead   = "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n"
	browserHead = "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\nCache-Control: max-age=0\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
		"Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nSec-Fetch-Dest: document\r\n" +
		"Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.8\r\n" +
		"Cookie: session=4f0c8a2e9b7d4c1f8e6a5b3d2c1f0e9d; theme=dark; consent=1\r\n\r\n"
)

// BenchmarkTurn is a turn of the server, from the event to the answers in one
// send, without the network. The time is that of one request.
func BenchmarkTurn(b *testing.B) {
	for _, c := range []struct {
		name, head string
		pipelined  int
	}{
		{"short", shortHead, 1}, {"short", shortHead, 16}, {"browser", browserHead, 1},
	} {
		b.Run(c.name+"/"+strconv.Itoa(c.pipelined), func(b *testing.B) {
			n := &mill{Network: memory.New(memory.Config{}), in: strings.Repeat(c.head, c.pipelined)}
			defer n.Network.Close()
			wall := time.Now().UnixNano()
			srv, err := bobtail.New(bobtail.Config{Backend: n, Workers: 1, Sockets: 4, Lanes: 1, Wall: func() int64 { return wall }})
			if err != nil {
				b.Fatal(err)
			}
			defer srv.Close()
			if err := srv.Handle("GET /plaintext", func(w bobtail.Response, _ *bobtail.Request) error {
				return w.Status(200).Header("Content-Type", "text/plain").Text("Hello, World!")
			}); err != nil {
				b.Fatal(err)
			}
			if _, err := srv.Listen("127.0.0.1:0"); err != nil {
				b.Fatal(err)
			}
			turn := func() {
				n.ready = true
				if _, err := srv.Poll(1e9); err != nil {
					b.Fatal(err)
				}
			}
			turn()
			n.sent, n.sends = 0, 0
			turn()
			one := n.sent
			if n.sends != 1 {
				b.Fatalf("%d sends for one turn", n.sends)
			}
			b.ReportAllocs()
			b.ResetTimer()
			turns := 0
			for i := 0; i < b.N; i += c.pipelined {
				turn()
				turns++
			}
			if n.sent != (turns+1)*one || int(srv.Stats().Requests[2]) < turns*c.pipelined {
				b.Fatal("not all was answered")
			}
		})
	}
}
