package micro

import (
	"encoding/binary"
	"strconv"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
	gobwas "github.com/gobwas/ws"
)

func masks(testing.TB) (all []comparison) {
	key := [4]byte{0x12, 0x34, 0x56, 0x78}
	word := binary.LittleEndian.Uint32(key[:])
	for _, size := range []int{7, 64, 125, 1024, 65536} {
		// Behind a header, where the payload of a short frame from a client is.
		payload := func() []byte { return make([]byte, size+6)[6:] }
		by := func(name string, mask func(b []byte)) side {
			b := payload()
			return side{
				by: name,
				loop: func(n int) error {
					for range n {
						mask(b)
					}
					return nil
				},
				gave: func() (string, error) {
					clear(b)
					mask(b)
					return string(b), nil
				},
			}
		}
		all = append(all, comparison{"bytes=" + strconv.Itoa(size), size, []side{
			by("bobtail", func(b []byte) { ws.Mask(b, ws.Key(word)) }),
			by("gobwas", func(b []byte) { gobwas.Cipher(b, key, 0) }),
			by("gws", func(b []byte) { gwsMask(b, key[:]) }),
			by("gorilla", func(b []byte) { gorillaMask(key, 0, b) }),
			by("coder", func(b []byte) { coderMask(b, word) }),
			by("nbio", func(b []byte) { nbioMask(b, key[:]) }),
		}})
	}
	return all
}

func TestMasks(t *testing.T)      { same(t, masks(t)) }
func BenchmarkMasks(b *testing.B) { measure(b, masks(b)) }
