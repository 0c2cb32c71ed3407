// Gnet is the server of the comparison that is written with gnet, and scans
// for the blank line as gnet's own example of HTTP does: no parser, no router.
package main

import (
	"bytes"
	"flag"
	"log"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"
)

// server answers whatever has a blank line. The answers to one read are
// gathered and sent together.
type server struct {
	gnet.BuiltinEventEngine
	answer atomic.Pointer[[]byte] // with the Date of this second
}

func (s *server) OnBoot(gnet.Engine) gnet.Action {
	s.OnTick()
	return gnet.None
}

func (s *server) OnTick() (time.Duration, gnet.Action) {
	b := time.Now().UTC().AppendFormat([]byte("HTTP/1.1 200 OK\r\nDate: "), "Mon, 02 Jan 2006 15:04:05 GMT")
	b = append(b, "\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!"...)
	s.answer.Store(&b)
	return time.Second, gnet.None
}

// conn is what a connection keeps between reads.
type conn struct{ out []byte }

var blank = []byte("\r\n\r\n")

func (s *server) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	c.SetContext(new(conn))
	return nil, gnet.None
}

func (s *server) OnTraffic(c gnet.Conn) gnet.Action {
	k := c.Context().(*conn)
	b, _ := c.Peek(-1)
	n := 0
	k.out = k.out[:0]
	for {
		i := bytes.Index(b[n:], blank)
		if i < 0 {
			break
		}
		n += i + len(blank)
		k.out = append(k.out, *s.answer.Load()...)
	}
	c.Discard(n)
	if len(k.out) > 0 {
		c.Write(k.out)
	}
	return gnet.None
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`HOST:PORT` to listen on")
	flag.Parse()
	log.Fatal(gnet.Run(new(server), "tcp://"+*addr, gnet.WithMulticore(true), gnet.WithTicker(true)))
}
