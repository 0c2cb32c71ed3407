package micro

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/gobwas/ws/wsutil"
)

// texts are checked to be UTF-8. utf8.Valid is what gws calls; it and ws.UTF8
// have the text at hand, wsutil.UTF8Reader copies it.
func texts(testing.TB) (all []comparison) {
	for _, c := range []struct{ name, text string }{
		{"ASCII", "The quick brown fox jumps over the lazy dog. "},
		{"Latin", "Falsches Üben von Xylophonmusik quält jeden größeren Zwerg. "},
		{"Cyrillic", "Съешь же ещё этих мягких французских булок, да выпей чаю. "},
		{"Chinese", "视野无限广，窗外有蓝天；我能吞下玻璃而不伤身体。"},
		{"emoji", "😀😁😂🤣😃"},
	} {
		for _, size := range []int{64, 65536} {
			// Whole characters, and the last of them cut: that is no text.
			text := []byte(strings.Repeat(c.text, size/len(c.text)+1))
			whole := text[:size]
			for !utf8.Valid(whole) {
				whole = whole[:len(whole)-1]
			}
			broken := bytes.Clone(whole)
			broken[len(broken)/2] = 0xFF

			buf := make([]byte, 65536)
			src := bytes.NewReader(nil)
			r := wsutil.NewUTF8Reader(src)
			by := func(name string, valid func(b []byte) bool) side {
				return side{
					by: name,
					loop: func(n int) error {
						for range n {
							if !valid(whole) {
								return errors.New("not UTF-8")
							}
						}
						return nil
					},
					gave: func() (string, error) {
						return fmt.Sprint(valid(whole), valid(broken), valid(text[:0])), nil
					},
				}
			}
			all = append(all, comparison{"text=" + c.name + "/bytes=" + strconv.Itoa(size), len(whole), []side{
				by("bobtail", func(b []byte) bool {
					var u ws.UTF8
					return u.Check(b) && u.Whole()
				}),
				by("utf8.Valid", utf8.Valid),
				by("gobwas", func(b []byte) bool {
					src.Reset(b)
					r.Reset(src)
					for {
						if _, err := r.Read(buf); err == io.EOF {
							return r.Valid()
						} else if err != nil {
							return false
						}
					}
				}),
			}})
		}
	}
	return all
}

func TestTexts(t *testing.T)      { same(t, texts(t)) }
func BenchmarkTexts(b *testing.B) { measure(b, texts(b)) }
