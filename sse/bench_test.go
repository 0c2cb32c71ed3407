package sse_test

import (
	"fmt"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/sse"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

func BenchmarkAppendEvent(b *testing.B) {
	e := sse.Event{ID: "12345", Name: "tick", Data: []byte("some data of some length, as chats have it")}
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	b.SetBytes(int64(sse.SizeEvent(e)))
	for b.Loop() {
		sse.AppendEvent(buf, e)
	}
}

// null is a network whose streams take everything at once: what is left is the
// cost of publishing.
type null struct{ *memory.Network }

func (null) Send(_ transport.Stream, bufs [][]byte) (n int, err error) {
	for _, p := range bufs {
		n += len(p)
	}
	return n, nil
}

func BenchmarkPublish(b *testing.B) {
	for _, subscribers := range []int{1, 100, 10000} {
		b.Run(fmt.Sprint(subscribers), func(b *testing.B) {
			n := memory.New(memory.Config{Pipe: 300, Streams: subscribers + 1})
			srv, err := bobtail.New(bobtail.Config{Sockets: subscribers, Workers: 1, Backend: null{n}})
			if err != nil {
				b.Fatal(err)
			}
			defer srv.Close()
			topic, err := sse.New(srv, sse.Options{})
			if err != nil {
				b.Fatal(err)
			}
			srv.Handle("GET /", topic.Subscribe)
			a, err := srv.Listen("127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			for range subscribers {
				p, err := n.Connect(a)
				if err != nil {
					b.Fatal(err)
				}
				srv.Poll(srv.Now())
				p.TryWrite([]byte(get("/", "")))
				srv.Poll(srv.Now())
			}
			e := sse.Event{Name: "tick", Data: []byte("some data of some length, as chats have it")}
			b.ReportAllocs()
			for b.Loop() {
				if k, err := topic.Publish(e); k != subscribers || err != nil {
					b.Fatal(k, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*subscribers), "ns/subscriber")
		})
	}
}
