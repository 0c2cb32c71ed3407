package micro

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/bobtail-go/bobtail/ws"
	gobwas "github.com/gobwas/ws"
)

var messageSizes = []int{64, 1024, 65536}

// received are frames of a client that are taken apart, unmasked and, if they
// are text, checked. gobwas copies the payload to a buffer of its own and
// leaves the check to its callers, so that utf8.Valid stands for it here.
func received(testing.TB) (all []comparison) {
	for _, kind := range []struct {
		name string
		op   ws.Opcode
	}{{"text", ws.OpText}, {"binary", ws.OpBinary}} {
		for _, size := range messageSizes {
			payload := bytes.Repeat([]byte("a"), size)
			h := ws.Header{Op: kind.op, Fin: true, Masked: true, Key: 0x12345678}
			frame := ws.AppendFrame(nil, h, payload)

			rules := &ws.Rules{Role: ws.RoleServer, MaxMessage: 1 << 20}
			in := bytes.Clone(frame)
			var p ws.Part

			src := bytes.NewReader(nil)
			buf := make([]byte, size)
			var g gobwas.Header
			all = append(all, comparison{"kind=" + kind.name + "/bytes=" + strconv.Itoa(size), size, []side{{
				by: "bobtail",
				loop: func(n int) error {
					for range n {
						copy(in, frame) // the payload is unmasked where it lies
						var d ws.Decoder
						part, k, err := d.Next(in, rules)
						if err != nil || k != len(in) || !part.Last {
							return fmt.Errorf("not done: %v", err)
						}
						p = part
					}
					return nil
				},
				gave: func() (string, error) { return fmt.Sprint(int(p.Op), p.Last, string(p.Payload)), nil },
			}, {
				by: "gobwas",
				loop: func(n int) (err error) {
					for range n {
						src.Reset(frame)
						if g, err = gobwas.ReadHeader(src); err != nil {
							return err
						}
						if _, err := io.ReadFull(src, buf[:g.Length]); err != nil {
							return err
						}
						gobwas.Cipher(buf[:g.Length], g.Mask, 0)
						if g.OpCode == gobwas.OpText && !utf8.Valid(buf[:g.Length]) {
							return errors.New("not UTF-8")
						}
					}
					return nil
				},
				gave: func() (string, error) {
					return fmt.Sprint(int(g.OpCode), g.Fin, string(buf[:g.Length])), nil
				},
			}}})
		}
	}
	return all
}

func TestReceived(t *testing.T)      { same(t, received(t)) }
func BenchmarkReceived(b *testing.B) { measure(b, received(b)) }

// sent are frames of a server.
func sent(testing.TB) (all []comparison) {
	for _, size := range messageSizes {
		payload := bytes.Repeat([]byte("a"), size)
		ours := make([]byte, 0, size+ws.MaxHeader)
		var theirs bytes.Buffer
		all = append(all, comparison{"bytes=" + strconv.Itoa(size), size, []side{{
			by: "bobtail",
			loop: func(n int) error {
				for range n {
					ours = ws.AppendFrame(ours[:0], ws.Header{Op: ws.OpBinary, Fin: true}, payload)
				}
				return nil
			},
			gave: func() (string, error) { return string(ours), nil },
		}, {
			by: "gobwas",
			loop: func(n int) error {
				for range n {
					theirs.Reset()
					if err := gobwas.WriteFrame(&theirs, gobwas.NewBinaryFrame(payload)); err != nil {
						return err
					}
				}
				return nil
			},
			gave: func() (string, error) { return theirs.String(), nil },
		}}})
	}
	return all
}

func TestSent(t *testing.T)      { same(t, sent(t)) }
func BenchmarkSent(b *testing.B) { measure(b, sent(b)) }
