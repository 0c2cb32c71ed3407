package ws_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
)

// sizes are those of the payloads that benchmarks use.
var sizes = []int{7, 64, 125, 1024, 65536}

func BenchmarkMask(b *testing.B) {
	for _, n := range sizes {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			p := make([]byte, n+6)[6:] // behind a header
			k := ws.Key(0x12345678)
			b.SetBytes(int64(n))
			for b.Loop() {
				k = ws.Mask(p, k)
			}
		})
	}
}

func BenchmarkMaskCopy(b *testing.B) {
	for _, n := range sizes {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			p, q := make([]byte, n+6)[6:], make([]byte, n)
			k := ws.Key(0x12345678)
			b.SetBytes(int64(n))
			for b.Loop() {
				k = ws.MaskCopy(p, q, k)
			}
		})
	}
}

func BenchmarkUTF8(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"ASCII", "The quick brown fox jumps over the lazy dog. "},
		{"Latin", "Falsches Üben von Xylophonmusik quält jeden größeren Zwerg. "},
		{"Cyrillic", "Съешь же ещё этих мягких французских булок, да выпей чаю. "},
		{"Chinese", "视野无限广，窗外有蓝天；我能吞下玻璃而不伤身体。"},
		{"emoji", "😀😁😂🤣😃"},
	} {
		for _, n := range []int{64, 65536} {
			text := []byte(strings.Repeat(c.text, 1+n/len(c.text)))[:n]
			b.Run(c.name+"/"+strconv.Itoa(n), func(b *testing.B) {
				b.SetBytes(int64(n))
				for b.Loop() {
					var u ws.UTF8
					if !u.Check(text) {
						b.Fatal("not UTF-8")
					}
				}
			})
		}
	}
}

func BenchmarkNext(b *testing.B) {
	for _, c := range []struct {
		name string
		op   ws.Opcode
		role ws.Role
	}{
		{"text to server", ws.OpText, ws.RoleServer}, {"binary to server", ws.OpBinary, ws.RoleServer},
		{"text to client", ws.OpText, ws.RoleClient}, {"ping to server", ws.OpPing, ws.RoleServer},
	} {
		for _, n := range sizes {
			if c.op.IsControl() && n > ws.MaxControl {
				continue
			}
			b.Run(c.name+"/"+strconv.Itoa(n), func(b *testing.B) {
				h := ws.Header{Op: c.op, Fin: true, Masked: c.role == ws.RoleServer, Key: 0x12345678}
				frame := ws.AppendFrame(nil, h, []byte(strings.Repeat("a", n)))
				rules := &ws.Rules{Role: c.role, MaxMessage: 1 << 20}
				at := ws.HeaderSize(ws.Header{Masked: h.Masked, Length: uint64(n)})
				var d ws.Decoder
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					p, m, err := d.Next(frame, rules)
					if err != nil || m != len(frame) || len(p.Payload) != n {
						b.Fatal(p, m, err)
					}
					if h.Masked {
						ws.Mask(frame[at:], h.Key)
					}
				}
			})
		}
	}
}

func BenchmarkAppendFrame(b *testing.B) {
	for _, masked := range []bool{false, true} {
		for _, n := range sizes {
			b.Run("masked "+strconv.FormatBool(masked)+"/"+strconv.Itoa(n), func(b *testing.B) {
				payload, dst := make([]byte, n), make([]byte, 0, n+ws.MaxHeader)
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					if len(ws.AppendFrame(dst, ws.Header{Op: ws.OpBinary, Fin: true, Masked: masked, Key: 1}, payload)) < n {
						b.Fatal("short")
					}
				}
			})
		}
	}
}
