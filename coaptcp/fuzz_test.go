package coaptcp_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// FuzzServe sends any bytes, whole and cut anywhere, over a network without and
// with faults. What is answered must be the same and must be messages, nothing may
// hang or be left behind, and the next client is served.
func FuzzServe(f *testing.F) {
	for i, x := range exchanges {
		f.Add([]byte(x.in), uint64(i))
		f.Add([]byte(csm(coap.Settings{BlockWise: true, MaxMessage: 1 << uint(i+8)})+x.in+exchanges[(i*7+3)%len(exchanges)].in+observe("o")), uint64(i))
		f.Add([]byte(x.in+"\x0f"), uint64(i))
		f.Add([]byte(x.in+message(coap.CodeRelease, "")+x.in), uint64(i))
	}
	f.Add([]byte(get("t", "hello")+message(coap.CodeAbort, "", "x")+get("u", "hello")), uint64(13))
	f.Add([]byte(message(coap.CodePUT, "u", coap.OptURIPath, "data", coap.OptBlock1, 8, strings.Repeat("x", 16))+
		message(coap.CodePUT, "u", coap.OptURIPath, "data", coap.OptBlock1, 16, strings.Repeat("y", 16))), uint64(1))
	f.Add([]byte(message(coap.CodeGET, "u", coap.OptURIPath, "long", coap.OptBlock2, 0x16)+later("1", "a")+later("1", "b")), uint64(1))
	x := world{cfg: bobtail.Config{Workers: 2, Sockets: 4, OutputBlocks: 256}, coap: coaptcp.Config{InFlight: 2}}
	x.site = func(f *fixture, r *resource.Router) {
		r.Gather, r.Gathers = 4096, 2
		observeSite(resource.TopicOptions{})(f, r)
		handle(f.T, r, "GET /later/{name}", func(_ resource.Response, r *resource.Request) error {
			_, err := r.Later(int64(time.Second))
			return err
		})
		if err := r.Add(resource.Route{Pattern: "PUT /data", Data: func(resource.Response, *resource.Request, resource.Part) error { return nil }}); err != nil {
			f.T.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		if len(in) > 4<<10 {
			return
		}
		whole := ""
		x.mem = memory.Config{Pipe: 1 << 17}
		runMemory(t, x, func(t *testing.T, f *fixture) {
			var err error
			if whole, err = f.connect().Talk(string(in), func(left int) int { return left }); err != nil {
				t.Fatalf("%q, then %v", whole, err)
			}
			for b := []byte(whole); len(b) > 0; {
				_, n, err := coap.ParseTCP(b)
				if n == 0 {
					t.Fatalf("answered %q, %v", b, err)
				}
				b = b[n:]
			}
		})
		rng := seed
		x.mem = memory.Config{Pipe: 1 << 17, Seed: seed, Lanes: 1 + int(seed%2), Holds: int(seed>>1%2) * (1 << 16)}
		x.mem.Faults = memory.Faults{ShortReads: 300, ShortWrites: 300, WouldBlock: 200, Spurious: 100}
		runMemory(t, x, func(t *testing.T, f *fixture) {
			got, err := f.connect().Talk(string(in), func(left int) int {
				rng = rng*6364136223846793005 + 1442695040888963407
				return min(left, 1+int(rng>>33)%40)
			})
			if err != nil {
				t.Fatalf("in pieces: %q, then %v", got, err)
			}
			if got != whole {
				t.Errorf("in pieces: got %q, want %q", got, whole)
			}
			c := f.dial()
			c.Send(get("next", "hello"))
			c.wantMessage(coap.CodeContent, "next", "Hello, world")
		})
	})
}
