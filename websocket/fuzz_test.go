package websocket_test

import (
	"io"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/websocket"
)

var fuzzConfig = bobtail.Config{Workers: 2, Sockets: 4, OutputBlocks: 256}

// FuzzDriver sends any bytes after the handshake, whole and cut anywhere, over a
// network without and with faults. An echo of whole messages must answer the
// same, one of pieces must end with the same close frame, nothing may hang, and
// the next client is served.
func FuzzDriver(f *testing.F) {
	for i, x := range exchanges {
		f.Add([]byte(x.in), uint64(i))
		f.Add([]byte(x.in+exchanges[(i*7+3)%len(exchanges)].in+frame(closing, closeFrame(1000, "bye"))), uint64(i))
		f.Add([]byte(x.in+"\x83\x00"), uint64(i))
	}
	site := func(f *fixture) {
		f.Handle("GET /message", f.ws.Upgrade(websocket.Options{}, echoes[0].h))
		f.Handle("GET /data", f.ws.Upgrade(websocket.Options{}, echoes[1].h))
		f.Handle("GET /straight", f.ws.Straight(websocket.Options{}, echoStraight))
	}
	paths := []string{"/message", "/data", "/straight"}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		if len(in) > 4<<10 {
			return
		}
		whole := make([]string, len(paths))
		runMemory(t, memory.Config{Pipe: 1 << 16}, fuzzConfig, websocket.Config{}, func(t *testing.T, f *fixture) {
			site(f)
			for i, path := range paths {
				var err error
				if whole[i], err = f.dialPath(path).Talk(string(in), func(left int) int { return left }); err != nil {
					t.Fatalf("%s: %q, then %v", path, whole[i], err)
				}
			}
		})
		rng := seed
		mem := memory.Config{Pipe: 1 << 16, Seed: seed, Lanes: 1 + int(seed%2), Holds: int(seed>>1%2) * (1 << 16)}
		mem.Faults = memory.Faults{ShortReads: 300, ShortWrites: 300, WouldBlock: 200, Spurious: 100}
		runMemory(t, mem, fuzzConfig, websocket.Config{}, func(t *testing.T, f *fixture) {
			site(f)
			for i, path := range paths {
				got, err := f.dialPath(path).Talk(string(in), func(left int) int {
					rng = rng*6364136223846793005 + 1442695040888963407
					return min(left, 1+int(rng>>33)%40)
				})
				if err != nil {
					t.Fatalf("%s in pieces: %q, then %v", path, got, err)
				}
				if path != "/message" {
					got, whole[i] = lastClose(got), lastClose(whole[i])
				}
				if got != whole[i] {
					t.Errorf("%s in pieces: got %q, want %q", path, got, whole[i])
				}
			}
			c := f.dialPath("/message")
			c.Send(frame(text, "next"))
			c.Want(plain(text, "next"))
		})
	})
}

// lastClose is the close frame at the end of what a server has sent.
func lastClose(s string) string {
	r := strings.NewReader(s)
	for {
		op, p, err := readFrame(r)
		switch {
		case err == io.EOF:
			return "none"
		case err != nil:
			return "cut off"
		case op == closing:
			rest, _ := io.ReadAll(r)
			return string(p[:min(len(p), 2)]) + string(rest)
		}
	}
}
