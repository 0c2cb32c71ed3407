package coap_test

import (
	"bytes"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
)

// The messages of benchmarks: a GET as clients send it, and an answer of 1 KB.
var (
	smallOptions = options(opt(coap.OptURIHost, "localhost"), opt(coap.OptURIPath, "sensors"), opt(coap.OptURIPath, "temperature"), opt(coap.OptURIQuery, "unit=K"), opt(coap.OptAccept, "\x3C"))
	small        = coap.Message{Code: coap.CodeGET, Token: []byte{1, 2, 3, 4}, Options: smallOptions}
	large        = coap.Message{
		Code: coap.CodeContent, Token: []byte{1, 2, 3, 4},
		Options: options(opt(coap.OptETag, "\x01\x02\x03\x04"), opt(coap.OptContentFormat, "\x2A"), opt(coap.OptMaxAge, "\x3C"), opt(coap.OptBlock2, "\x1E")),
		Payload: bytes.Repeat([]byte{'x'}, 1024),
	}
)

func eachMessage(b *testing.B, f func(b *testing.B, m coap.Message)) {
	for _, c := range []struct {
		name string
		m    coap.Message
	}{{"GET", small}, {"1 KB", large}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			f(b, c.m)
		})
	}
}

func BenchmarkParseTCP(b *testing.B) {
	eachMessage(b, func(b *testing.B, m coap.Message) {
		wire := coap.AppendTCP(nil, m)
		for b.Loop() {
			if m, n, err := coap.ParseTCP(wire); n != len(wire) || err != nil || len(m.Token) != 4 {
				b.Fatal(m, n, err)
			}
		}
	})
}

func BenchmarkParseUDP(b *testing.B) {
	eachMessage(b, func(b *testing.B, m coap.Message) {
		wire := coap.AppendUDP(nil, coap.Datagram{Message: m, ID: 7})
		for b.Loop() {
			if d, err := coap.ParseUDP(wire); err != nil || d.ID != 7 {
				b.Fatal(d, err)
			}
		}
	})
}

func BenchmarkAppendTCP(b *testing.B) {
	eachMessage(b, func(b *testing.B, m coap.Message) {
		dst := make([]byte, 0, 2048)
		for b.Loop() {
			if len(coap.AppendTCP(dst, m)) == 0 {
				b.Fatal("nothing")
			}
		}
	})
}

func BenchmarkAppendUDP(b *testing.B) {
	eachMessage(b, func(b *testing.B, m coap.Message) {
		dst := make([]byte, 0, 2048)
		for b.Loop() {
			if len(coap.AppendUDP(dst, coap.Datagram{Message: m, ID: 7})) == 0 {
				b.Fatal("nothing")
			}
		}
	})
}

func BenchmarkIter(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		it := smallOptions.Iter()
		for it.Next() {
			n += len(it.Value)
		}
		if n != 34 {
			b.Fatal(n)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if v, ok := smallOptions.Uint(coap.OptAccept); v != 60 || !ok {
			b.Fatal(v, ok)
		}
	}
}

func BenchmarkCritical(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if o, ok := smallOptions.Critical(nil); ok {
			b.Fatal(o)
		}
	}
}

func BenchmarkAppendOptions(b *testing.B) {
	path, path2, value := []byte("sensors"), []byte("temperature"), []byte("unit=K")
	dst := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		o := coap.AppendOption(dst, 0, coap.OptURIPath, path)
		o = coap.AppendOption(o, coap.OptURIPath, coap.OptURIPath, path2)
		o = coap.AppendOption(o, coap.OptURIPath, coap.OptURIQuery, value)
		o = coap.AppendUintOption(o, coap.OptURIQuery, coap.OptAccept, 60)
		if len(o) != 29 {
			b.Fatal(len(o))
		}
	}
}

func BenchmarkInsertOption(b *testing.B) {
	path, value := []byte("sensors"), []byte("unit=K")
	dst := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		o := coap.InsertOption(dst, coap.OptURIQuery, value)
		o = coap.InsertOption(o, coap.OptURIPath, path)
		if len(o) != 15 {
			b.Fatal(len(o))
		}
	}
}

func BenchmarkAppendPath(b *testing.B) {
	dst := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		if len(smallOptions.AppendPath(dst)) != 20 {
			b.Fatal("path")
		}
	}
}

func BenchmarkParseURI(b *testing.B) {
	dst := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		u, err := coap.ParseURI("coap+tcp://localhost/sensors/temperature?unit=K")
		if err != nil {
			b.Fatal(err)
		}
		if o, err := u.AppendOptions(dst); err != nil || len(o) != len(smallOptions)-2 {
			b.Fatal(o, err)
		}
	}
}
