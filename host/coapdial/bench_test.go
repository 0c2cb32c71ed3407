package coapdial_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/host/coapdial"
)

// BenchmarkGet asks the server of the root package, over loopback, one request
// after the other and many at a time.
func BenchmarkGet(b *testing.B) {
	c := dial(b, serveDriver(b, newSite(b)), coapdial.Config{})
	get := func(b *testing.B) bool {
		resp, err := c.Get(b.Context(), "/hello/you")
		if err != nil || string(resp.Body) != "hello you" {
			b.Error(err)
			return false
		}
		return true
	}
	b.Run("lockstep", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !get(b) {
				return
			}
		}
	})
	b.Run("many", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(25)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if !get(b) {
					return
				}
			}
		})
	})
}
