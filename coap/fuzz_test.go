package coap_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// FuzzTCP wants a stream to be the same messages however it is cut, each to be
// written as it was read, and nothing outside of it to be touched.
func FuzzTCP(f *testing.F) {
	for _, c := range tcpMessages {
		if len(c.wire) < 1000 {
			f.Add([]byte(c.wire+c.wire+"\x00\xE1"), uint16(len(c.wire)/2))
		}
	}
	f.Add([]byte("\xF0\xFF\xFF\xFF\xFF\x01rest"), uint16(3))
	f.Add([]byte("\x0F"), uint16(0))
	f.Add([]byte("\x10\x01\xFF"), uint16(2))
	f.Add([]byte("\x20\x01\xE0\x00\x00\x01"), uint16(5))
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		g := splittest.Guard(b)
		for at := 0; at < len(b); {
			rest := g.Bytes[at:]
			m, n, err := coap.ParseTCP(rest)
			h, head, headErr := coap.ParseTCPHeader(rest)
			if (headErr != nil || head == 0) && n != 0 {
				t.Fatalf("%x has no header, but is a message of %d", rest, n)
			}
			part := rest[:min(int(cut), len(rest))]
			if _, k, e := coap.ParseTCP(part); (n == 0 || len(part) < n) && k != 0 || e != nil && e != err {
				t.Fatalf("%x is %d, %v, but %x is %d, %v", rest, n, err, part, k, e)
			}
			if err != nil || n == 0 {
				if err == nil && head != 0 && h.Size() <= uint64(len(rest)) {
					t.Fatalf("%x of %d bytes needs more than %d", rest, h.Size(), len(rest))
				}
				break
			}
			if h.Code != m.Code || h.TokenLength != len(m.Token) || h.Size() != uint64(n) || coap.SizeTCP(m) != uint64(n) {
				t.Fatalf("%x is %+v of %d, %+v", rest[:n], h, h.Size(), m)
			}
			checkMessage(t, m, rest[n-int(h.Length):n])
			// Lengths have one spelling in a header, and so has a message of
			// what was checked.
			if got := coap.AppendTCP(nil, m); !bytes.Equal(got, rest[:n]) {
				t.Fatalf("%x is written %x", rest[:n], got)
			}
			if head := coap.AppendTCPHeader(nil, m.Code, m.Token, int(h.Length)); !bytes.HasPrefix(rest, head) || len(head)+int(h.Length) != n {
				t.Fatalf("%x has the header %x", rest[:n], head)
			}
			at += n
		}
		if !g.Intact() || !bytes.Equal(g.Bytes, b) {
			t.Fatal("the input was written to")
		}
	})
}

// checkMessage wants a message to be what its body, which follows the token, says.
func checkMessage(t *testing.T, m coap.Message, body []byte) {
	t.Helper()
	if err := coap.CheckOptions(m.Options); err != nil {
		t.Fatalf("%x: %v", m.Options, err)
	}
	if got := coap.AppendPayload(append([]byte{}, m.Options...), m.Payload); !bytes.Equal(got, body) {
		t.Fatalf("%x becomes %x", body, got)
	}
	if got := options(decoded(m.Options)...); !bytes.Equal(got, m.Options) {
		t.Fatalf("%x is %v, written %x", m.Options, decoded(m.Options), got)
	}
}

// FuzzUDP wants what is taken to be written as it was read, and what is not to
// tell what to do about it.
func FuzzUDP(f *testing.F) {
	for _, c := range datagrams {
		if len(c.wire) < 1000 {
			f.Add([]byte(c.wire))
		}
	}
	f.Add([]byte("\x4F\x01\x00\x00"))
	f.Add([]byte("\x40\x00\x00\x00\xFF"))
	f.Fuzz(func(t *testing.T, b []byte) {
		g := splittest.Guard(b)
		d, err := coap.ParseUDP(g.Bytes)
		if !g.Intact() {
			t.Fatal("the input was written to")
		}
		if len(b) >= 4 && b[0]>>6 == 1 && (d.Type != coap.Type(b[0]>>4&3) || d.ID != uint16(b[2])<<8|uint16(b[3])) {
			t.Fatalf("%x has type %v and ID %d", b, d.Type, d.ID)
		}
		if err != nil {
			return
		}
		if got := coap.AppendUDP(nil, d); !bytes.Equal(got, b) || coap.SizeUDP(d.Message) != len(b) {
			t.Fatalf("%x is written %x, of %d", b, got, coap.SizeUDP(d.Message))
		}
		body := len(d.Options) + len(d.Payload)
		if len(d.Payload) != 0 {
			body++
		}
		checkMessage(t, d.Message, b[len(b)-body:])
	})
}

// FuzzOptions wants all that reads options to agree, also on those that nobody
// has checked, and an option that is put in to be where it belongs.
func FuzzOptions(f *testing.F) {
	for _, c := range optionVectors {
		if len(c.wire) < 1000 {
			f.Add([]byte(c.wire), uint16(12), []byte("value"))
		}
	}
	f.Add([]byte("\x10\xF1x"), uint16(3), []byte{})
	f.Add([]byte("\xE0\xFE\xF2\x00"), uint16(65535), []byte{1})
	f.Add([]byte("\xD0\x00\xC0\xC0"), uint16(13), bytes.Repeat([]byte{'x'}, 300))
	f.Fuzz(func(t *testing.T, b []byte, number uint16, value []byte) {
		g := splittest.Guard(b)
		o, n := coap.Options(g.Bytes), coap.Option(number)
		err := coap.CheckOptions(o)
		all := decoded(o)
		whole := options(all...)
		if !bytes.HasPrefix(b, whole) || (err == nil) != (len(whole) == len(b)) {
			t.Fatalf("%x is %v of %d bytes, %v", b, all, len(whole), err)
		}
		count, first := 0, -1
		for i, c := range all {
			if c.n == n && n.Fits(len(c.value)) {
				if count++; first < 0 {
					first = i
				}
			}
		}
		v, ok := o.Get(n)
		if o.Count(n) != count || o.Has(n) != (count != 0) || ok != (count != 0) || ok && string(v) != all[first].value {
			t.Fatalf("%x has %d of %d, the first %q, %v; want %d", b, o.Count(n), n, v, ok, count)
		}
		if u, ok := o.Uint(n); ok {
			again := coap.AppendUintOption(nil, 0, n, u)
			if w, ok := coap.Options(again).Uint(n); w != u || !ok && len(v) <= 8 && n.Fits(coap.SizeUint(u)) {
				t.Fatalf("%d is written %x, read %d", u, again, w)
			}
		}
		o.Critical([]coap.Option{n})
		path, query := o.AppendPath(nil), o.AppendQuery(nil)
		if path[0] != '/' || len(path) > 3*len(b)+1 || len(query) > 3*len(b) {
			t.Fatalf("%x is the path %q, query %q", b, path, query)
		}
		if !g.Intact() || len(value) > coap.MaxOptionValue {
			return
		}
		i := 0
		for i < len(all) && all[i].n <= n {
			i++
		}
		want := append(append(append([]option{}, all[:i]...), option{n, string(value)}), all[i:]...)
		if err == nil {
			got := coap.InsertOption(append(make([]byte, 0, len(b)+len(value)+coap.MaxOptionHeader), b...), n, value)
			if !bytes.Equal(got, options(want...)) {
				t.Fatalf("%v with %d %q is %x", all, n, value, got)
			}
		} else {
			coap.InsertOption(append([]byte{}, b...), n, value)
		}
	})
}

// FuzzBlock wants a block to be written as short as it may be.
func FuzzBlock(f *testing.F) {
	for _, s := range []string{"", "\x00", "\x0E", "\x1F", "\x00\x00\x08", "\xFF\xFF\xFF", "\x00\x00\x00\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		b, err := coap.ParseBlock(value)
		if (err != nil) != (len(value) > 3) {
			t.Fatalf("ParseBlock(%x) = %+v, %v", value, b, err)
		}
		o := coap.Options(coap.AppendUintOption(nil, 0, coap.OptBlock1, uint64(b.Uint())))
		v, ok := o.Get(coap.OptBlock1)
		if again, err := coap.ParseBlock(v); again != b || err != nil || !ok || len(v) != 0 && v[0] == 0 {
			t.Fatalf("%+v is written %x", b, v)
		}
		if b.SZX != coap.BERT && (coap.SZXOf(b.Size()) != b.SZX || b.Offset() != uint64(b.Num)*uint64(b.Size())) {
			t.Fatalf("%+v has size %d, offset %d", b, b.Size(), b.Offset())
		}
	})
}

// FuzzURI wants a URI to be read as it is written, and its options to lead to
// the same resource.
func FuzzURI(f *testing.F) {
	for _, s := range []string{
		"coap://[2001:db8::2:1]/", "coap://example.net/.well-known/core", "coap://198.51.100.1:61616//%2F//?%2F%2F&?%26",
		"coaps+tcp://EXAMPLE.com:/%7esensors/../temp.xml?a=b&c", "coap://[fe80::1%25eth0]:1/a/./b/..", "coap+tcp://h?", "coap://%41/%2e", "coap://h/a//../..//",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := coap.ParseURI(s)
		if err != nil {
			return
		}
		text := u.String()
		if again, err := coap.ParseURI(text); again != u || err != nil {
			t.Fatalf("%q is %+v, written %q, read %+v, %v", s, u, text, again, err)
		}
		o, err := u.AppendOptions(nil)
		if err != nil {
			if len(o) != 0 || err != coap.ErrURISegment && err != coap.ErrURIDots {
				t.Fatalf("%q: %x, %v", s, o, err)
			}
			return
		}
		if err := coap.CheckOptions(o); err != nil {
			t.Fatalf("%q: %x: %v", s, o, err)
		}
		if first, bad := coap.Options(o).Critical(nil); bad {
			t.Fatalf("%q: option %v", s, first)
		}
		// What the options say, said again, is the same.
		v := u
		v.Path, v.Query = string(coap.Options(o).AppendPath(nil)), string(coap.Options(o).AppendQuery(nil))
		if strings.Contains(v.Path+"/", "/./") || strings.Contains(v.Path+"/", "/../") {
			t.Fatalf("%q has the path %q", s, v.Path)
		}
		if again, err := v.AppendOptions(nil); err != nil || !bytes.Equal(again, o) {
			t.Fatalf("%q has the options %x, %q those of %x, %v", s, o, v, again, err)
		}
	})
}
