//go:build linux && (amd64 || arm64)

// Server answers every request with one page, over the backend for Linux: a
// loop a lane and nothing above it, for TinyGo to compile. See the tests of the
// folder above.
package main

import (
	"bytes"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/epoll"
)

const lanes = 2

var (
	end    = []byte("\r\n\r\n")
	answer = [][]byte{[]byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!")}
)

// The tag of a stream is its name; the listener's is none of those.
const listenerTag = 1 << 32

func main() {
	b, err := epoll.New(epoll.Config{Lanes: lanes})
	check(err)
	l, err := b.Listen(transport.IPv4(127, 0, 0, 1, 0), listenerTag)
	check(err)
	b.Arm(l, true)
	var text [transport.MaxAddrText]byte
	println(string(b.ListenerAddr(l).AppendTo(text[:0])))
	for lane := 1; lane < lanes; lane++ {
		go serve(b, l, lane)
	}
	serve(b, l, 0)
}

func serve(b *epoll.Backend, l transport.Listener, lane int) {
	events := make([]transport.Event, 16)
	buf := make([]byte, 1024)
	for next := 0; ; {
		n, err := b.Wait(lane, events, transport.Forever)
		check(err)
		for _, ev := range events[:n] {
			if ev.Tag != listenerTag {
				receive(b, transport.Stream(ev.Tag), buf)
				continue
			}
			s, err := b.Accept(l)
			if err == nil {
				check(b.Attach(s, next, uint64(s)))
				next = (next + 1) % lanes
			}
		}
	}
}

// receive answers the requests at hand, each of which a packet holds whole.
func receive(b *epoll.Backend, s transport.Stream, buf []byte) {
	for {
		in, err := b.Receive(s, buf)
		if err == transport.ErrWouldBlock {
			return
		}
		if err != nil {
			b.CloseStream(s)
			return
		}
		for range bytes.Count(in, end) {
			if _, err := b.Send(s, answer); err != nil {
				b.CloseStream(s)
				return
			}
		}
	}
}

func check(err error) {
	if err != nil {
		panic(err.Error())
	}
}
