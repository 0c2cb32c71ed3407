package coapudp

import (
	"net"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
)

// BenchmarkServer has requests one after the other, and many at a time, through
// sockets of the system. The client is part of the time.
func BenchmarkServer(b *testing.B) {
	for _, v := range []struct {
		name    string
		clients int
	}{{"lockstep", 1}, {"16 clients", 16}} {
		b.Run(v.name, func(b *testing.B) {
			_, a := onLoopback(b, "127.0.0.1:0", ServerConfig{Resources: echoing()})
			b.ReportAllocs()
			b.SetParallelism(v.clients)
			one := func(next func() bool) {
				u, err := net.DialUDP("udp", nil, a)
				if err != nil {
					b.Error(err)
					return
				}
				defer u.Close()
				request := coap.AppendUDP(nil, con(0, get("hello")))
				in := make([]byte, 1500)
				for id := uint16(0); next(); id++ {
					request[2], request[3] = byte(id>>8), byte(id)
					if _, err := u.Write(request); err != nil {
						b.Error(err)
						return
					}
					if _, err := u.Read(in); err != nil {
						b.Error(err)
						return
					}
				}
			}
			if v.clients == 1 {
				one(b.Loop)
				return
			}
			b.RunParallel(func(p *testing.PB) { one(p.Next) })
		})
	}
}
