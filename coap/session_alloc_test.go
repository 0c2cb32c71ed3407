//go:build !race

package coap_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/alloctest"
)

func TestSessionNoAllocs(t *testing.T) {
	must := func(ok bool) {
		if !ok {
			t.Fatal("a call fails")
		}
	}
	var (
		out     = make([]byte, 0, 512)
		token   = []byte{0x42}
		wires   [][]byte
		address = string(make([]byte, 200))
		links   = []byte(`</a>;rt="x y";ct=40,</b>;obs;title="a \"b\""`)
		query   = []byte("rt=y*")
		broken  = []byte("</a>;x=")
		refused = []byte("\x20\xe1\x11a")
		huge    = []byte("\xf0\xff\xff\xff\xff\x45")
	)
	for _, c := range sessions {
		for _, st := range c.steps {
			wires = append(wires, []byte(st.wire))
		}
	}
	for _, c := range []struct {
		name string
		f    func()
	}{
		{"each message of the scripts", func() {
			for _, w := range wires {
				var s coap.Session
				m, n, err := coap.ParseTCP(w)
				must(n == len(w) && err == nil)
				a, err := s.Take(&m, false)
				must(a != 0 && (err == nil) == (a != coap.ActReject))
				s.Advance(coap.EventClose)
				must(s.State() == coap.StateClosed)
			}
		}},
		{"a refused message, and its Abort", func() {
			var s coap.Session
			m, _, _ := coap.ParseTCP(refused)
			a, err := s.Take(&m, true)
			must(a == coap.ActReject && len(coap.AppendAbort(out, s.Bad, err.Error())) > 8)
		}},
		{"every signal", func() {
			b := coap.AppendCSM(out, coap.Settings{MaxMessage: 1 << 20, BlockWise: true, ExtendedToken: 64})
			b = coap.AppendPing(b, token, true)
			b = coap.AppendPong(b, token, true)
			b = coap.AppendRelease(b, address, 1000)
			b = coap.AppendAbort(b, 3, "why")
			must(len(b) > 200)
		}},
		{"a Release", func() {
			m, _, err := coap.ParseTCP(coap.AppendRelease(out, address, 5))
			r := coap.ParseRelease(m.Options)
			a, ok := r.Addresses.Next()
			must(err == nil && ok && len(a) == 200 && r.HoldOff == 5)
		}},
		{"what is longer than was announced", func() {
			h, _, err := coap.ParseTCPHeader(huge)
			must(err == nil && coap.Settings{}.Check(h) == coap.ErrMessageTooBig)
		}},
		{"links written", func() {
			b := coap.AppendLink(out, "/a b")
			b = coap.AppendLinkParam(b, "rt", `x "y"`)
			must(len(coap.AppendLinkParam(b, "ct", "40")) > 20)
		}},
		{"links read", func() {
			n := 0
			l := coap.ParseLinks(links)
			for l.Next() {
				if l.Link.Match(query) {
					n++
				}
				v, _ := l.Link.Param("title")
				must(len(coap.AppendUnquoted(out, v)) < 8)
			}
			must(n == 1 && l.Err() == nil)
		}},
		{"links that are malformed", func() {
			l := coap.ParseLinks(broken)
			must(!l.Next() && l.Err() == coap.ErrLinkParam)
		}},
	} {
		alloctest.Zero(t, c.name, c.f)
	}
}
