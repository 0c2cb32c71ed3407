package coap_test

import (
	"bytes"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
)

// FuzzSession gives a stream of messages to a session, and wants nothing but
// what its table allows.
func FuzzSession(f *testing.F) {
	for _, c := range sessions {
		var wire []byte
		for _, st := range c.steps {
			wire = append(wire, st.wire...)
		}
		f.Add(wire, c.strict)
	}
	f.Fuzz(func(t *testing.T, in []byte, strict bool) {
		var s coap.Session
		before := bytes.Clone(in)
		for b := in; len(b) > 0; {
			m, n, err := coap.ParseTCP(b)
			if n == 0 || err != nil {
				break
			}
			b = b[n:]
			was, peer := s.State(), s.Peer
			a, err := s.Take(&m, strict)
			is := s.State()
			if (a == coap.ActReject) != (err != nil) || (a == coap.ActReject) != (is == coap.StateFailed && was != is) {
				t.Fatalf("%q in %v: %v, %v, %v", before, was, a, err, is)
			}
			if is == coap.StateIllegal || is == coap.StateClosed || is < was && is != was {
				t.Fatalf("%q leads from %v to %v", before, was, is)
			}
			if s.Peer != peer && (m.Code != coap.CodeCSM || err != nil) {
				t.Fatalf("%q: %v changes %+v to %+v", before, m.Code, peer, s.Peer)
			}
			if s.Peer.Token() < coap.MaxToken || s.Peer.Token() > coap.MaxExtendedToken || s.Peer.Message() < 2 {
				t.Fatalf("%q: %+v", before, s.Peer)
			}
			switch a {
			case coap.ActRequest:
				if !m.Code.IsRequest() || is >= coap.StateReleaseReceived {
					t.Fatalf("%q: a request of code %v in %v", before, m.Code, is)
				}
			case coap.ActResponse:
				if !m.Code.IsResponse() {
					t.Fatalf("%q: a response of code %v", before, m.Code)
				}
			case coap.ActRelease:
				r := coap.ParseRelease(m.Options)
				for a, ok := r.Addresses.Next(); ok; a, ok = r.Addresses.Next() {
					if len(a) == 0 || len(a) > coap.MaxAddress || r.HoldOff > coap.MaxHoldOff {
						t.Fatalf("%q: %q, %d", before, a, r.HoldOff)
					}
				}
			case coap.ActReject:
				abort, n, err := coap.ParseTCP(coap.AppendAbort(nil, s.Bad, err.Error()))
				if n == 0 || err != nil || coap.ParseAbort(abort.Options) != s.Bad {
					t.Fatalf("%q: the Abort is %+v, %v", before, abort, err)
				}
			}
		}
		if !bytes.Equal(in, before) {
			t.Fatalf("%q becomes %q", before, in)
		}
	})
}

// FuzzLinks reads a document, writes what was read, and reads that again.
func FuzzLinks(f *testing.F) {
	for _, c := range rfc6690 {
		f.Add([]byte(c.text), []byte("rt=x*"))
	}
	f.Add([]byte(` </a,;> ; ct = 40 ; title="say \"a\\b\"" , <b>;obs`), []byte("href=/a"))
	f.Fuzz(func(t *testing.T, in, query []byte) {
		want, err := describe(in)
		var again []byte
		l := coap.ParseLinks(in)
		for l.Next() {
			if again != nil {
				again = append(again, ',')
			}
			at := len(again)
			again = append(append(append(again, '<'), l.Link.Target...), '>')
			for p := l.Link.Params(); p.Next(); {
				again = append(append(again, ';'), p.Name...)
				if p.Quoted {
					again = append(append(append(again, '=', '"'), p.Value...), '"')
				} else if p.Value != nil {
					again = append(append(again, '='), p.Value...)
				}
			}
			one := coap.ParseLinks(again[at:])
			if !one.Next() || one.Link.Match(query) != l.Link.Match(query) {
				t.Fatalf("%q: %q does not match %q as it does in %q", in, query, again[at:], in)
			}
		}
		if got, err2 := describe(again); got != want || err == nil && err2 != nil {
			t.Fatalf("%q is %q, and written as %q it is %q, %v", in, want, again, got, err2)
		}
		// What the writer makes of anything is a link.
		b := coap.AppendLinkParam(coap.AppendLink(nil, string(in)), "title", string(query))
		w := coap.ParseLinks(b)
		if !w.Next() || w.Next() || w.Err() != nil {
			t.Fatalf("%q is no link: %v", b, w.Err())
		}
	})
}
