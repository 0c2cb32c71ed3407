package bobtail_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/mill"
)

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
			n := mill.New(1)
			text := []byte(strings.Repeat(c.head, c.pipelined))
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
				n.Turn(text)
				if _, err := srv.Poll(1e9); err != nil {
					b.Fatal(err)
				}
			}
			turn()
			n.Sent, n.Sends = 0, 0
			turn()
			one := n.Sent
			if n.Sends != 1 {
				b.Fatalf("%d sends for one turn", n.Sends)
			}
			b.ReportAllocs()
			b.ResetTimer()
			turns := 0
			for i := 0; i < b.N; i += c.pipelined {
				turn()
				turns++
			}
			if n.Sent != (turns+1)*one || int(srv.Stats().Requests[2]) < turns*c.pipelined {
				b.Fatal("not all was answered")
			}
		})
	}
}
