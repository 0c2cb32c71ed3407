package conformance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/host/wsdial"
)

// longCases are the cases of group 9: large messages, in one frame, in frames
// and in chops of many sizes, and many small ones, each sent when the last is
// back. The suite wants the payload's length alone. Where part is not 1, sizes
// and counts are so many times less.
func longCases(part int) []wsCase {
	var all []wsCase
	closed := gotClose(1000)
	repeat := func(s string, n int) string { return strings.Repeat(s, n/len(s)+1)[:n] }
	one := func(id string, c cut, binary bool, s string, size int) {
		op, want := byte(opText), gotText(s)
		if binary {
			op, want = opBinary, gotBin(s)
		}
		all = append(all, wsCase{id, c, fragments(op, s, size), []string{want, closed}})
	}
	const letters, octetsOfAll = "BAsd7&jh23", "\x00\xfe\x23\xfa\xf0"
	for i, n := range []int{64 << 10, 256 << 10, 1 << 20, 4 << 20, 8 << 20, 16 << 20} {
		n /= part
		one(fmt.Sprintf("9.1.%d", i+1), together, false, repeat(letters, n), n)
		one(fmt.Sprintf("9.2.%d", i+1), together, true, repeat(octetsOfAll, n), n)
	}
	n := 4 << 20 / part
	for i, size := range []int{64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20} {
		one(fmt.Sprintf("9.3.%d", i+1), together, false, strings.Repeat("*", n), size)
		one(fmt.Sprintf("9.4.%d", i+1), together, true, strings.Repeat("\xfe", n), size)
	}
	n = 1 << 20 / part
	for i := range 6 {
		one(fmt.Sprintf("9.5.%d", i+1), cut(64<<i), false, repeat(letters, n), n)
		one(fmt.Sprintf("9.6.%d", i+1), cut(64<<i), true, repeat(octetsOfAll, n), n)
	}
	for i, size := range []int{0, 16, 64, 256, 1024, 4096} {
		stars := wsCase{id: fmt.Sprintf("9.7.%d", i+1)}
		bytes := wsCase{id: fmt.Sprintf("9.8.%d", i+1)}
		s, b := strings.Repeat("*", size), strings.Repeat("\xfe", size)
		for j := range 1000 / part {
			stars.send, stars.want = append(stars.send, txt(s).after(j)), append(stars.want, gotText(s))
			bytes.send, bytes.want = append(bytes.send, bin(b).after(j)), append(bytes.want, gotBin(b))
		}
		stars.want, bytes.want = append(stars.want, closed), append(bytes.want, closed)
		all = append(all, stars, bytes)
	}
	return all
}

// fragments are the frames of a message, with as many bytes each.
func fragments(op byte, s string, size int) []frame {
	f := []frame{begin(op, s[:min(size, len(s))])}
	for s = s[len(f[0].payload):]; len(s) > 0; s = s[min(size, len(s)):] {
		f = append(f, more(s[:min(size, len(s))]))
	}
	f[len(f)-1].first |= fin
	return f
}

// TestServerLong sends the cases of group 9: whole to the evented echo on
// epoll, and a sixteenth of each to the others.
func TestServerLong(t *testing.T) {
	onPaths(t, func(t *testing.T, url string) {
		part := 16
		if strings.HasSuffix(t.Name(), "epoll/ws") {
			part = 1
		}
		for _, c := range longCases(part) {
			w, err := upgrade(url)
			if err != nil {
				t.Fatal(err)
			}
			w.listen()
			if bad := w.conversation(c.send, c.cut, c.want); bad != "" {
				t.Errorf("%s: %s", c.id, bad)
			}
		}
	})
}

// TestClientLong does the same to clients.
func TestClientLong(t *testing.T) {
	for name, part := range map[string]int{"streamed": 1, "whole": 16} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, clients[name])
			for _, c := range longCases(part) {
				w := s.dial(wsdial.Config{}, nil)
				w.listen()
				if bad := w.conversation(c.send, c.cut, c.want); bad != "" {
					t.Errorf("%s: %s", c.id, bad)
				}
				<-s.done
			}
		})
	}
}
