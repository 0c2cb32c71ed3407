package deflate_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/ws/deflate"
)

func BenchmarkCodec(b *testing.B) {
	for _, level := range []int{1, 2, 6} {
		e := extension(b, deflate.Config{Level: level, ServerTakeover: true, Contexts: 1})
		for _, takeover := range []bool{false, true} {
			for _, n := range []int{64, 1 << 10, 64 << 10} {
				offer := "permessage-deflate"
				if !takeover {
					offer += "; server_no_context_takeover"
				}
				p := e.Accept([]byte(offer))
				r := rand.New(rand.NewPCG(1, 1))
				var messages, payloads [16][]byte
				from, to := connection(e, ws.RoleServer, p), connection(e, ws.RoleClient, p)
				sum := 0
				for i := range messages {
					messages[i] = text(r, n)
					payloads[i] = compress(b, from, messages[i], n)
					sum += len(payloads[i])
				}
				of := fmt.Sprintf("level=%d/takeover=%v/%d", level, takeover, n)
				b.Run("compress/"+of, func(b *testing.B) {
					b.SetBytes(int64(n))
					b.ReportAllocs()
					b.ReportMetric(float64(sum)/16/float64(n), "ratio")
					for i := range b.N {
						if err := from.Compress(io.Discard, messages[i%16], true); err != nil {
							b.Fatal(err)
						}
					}
				})
				if level == 1 {
					in := bytes.NewReader(nil)
					into := make([]byte, 4096)
					b.Run("decompress/"+of, func(b *testing.B) {
						b.SetBytes(int64(n))
						b.ReportAllocs()
						for i := range b.N {
							if takeover && i%16 == 0 {
								e.Put(to)
								to = e.Take(ws.RoleClient, p)
							}
							in.Reset(payloads[i%16])
							to.Decompress(in)
							for err := error(nil); err != io.EOF; {
								if _, err = to.Read(into); err != nil && err != io.EOF {
									b.Fatal(err)
								}
							}
						}
					})
				}
				e.Release(p)
			}
		}
	}
}
