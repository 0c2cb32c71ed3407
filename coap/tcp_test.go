package coap_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// tcpMessages are messages over reliable transports, each the one spelling of
// its bytes. Long parts of the wire are given by their byte and length.
var tcpMessages = []struct {
	name string
	wire string
	want sample
}{
	{"RFC 8323 section 3.2, the example", "\x01\x43\x7F", sample{coap.CodeValid, "\x7F", nil, ""}},
	{"empty message", "\x00\x00", sample{}},
	{"CSM without options", "\x00\xE1", sample{code: coap.CodeCSM}},
	{"CSM with Max-Message-Size of 1152", "\x30\xE1\x22\x04\x80", sample{coap.CodeCSM, "", []option{{2, "\x04\x80"}}, ""}},
	{"RFC 7252 figure 16, over TCP", "\xC0\x01\xBBtemperature", sample{coap.CodeGET, "", []option{{coap.OptURIPath, "temperature"}}, ""}},
	{"RFC 7252 figure 17, over TCP", "\x71\x45\x20\xFF22.3 C", sample{coap.CodeContent, "\x20", nil, "22.3 C"}},
	{"options and payload", "\x82\x02\x01\x02\xB1a\x01b\x10\xFFxy", sample{coap.CodePOST, "\x01\x02", []option{{11, "a"}, {11, "b"}, {12, ""}}, "xy"}},
	{"payload that begins like a marker", "\x20\x45\xFF\xFF", sample{coap.CodeContent, "", nil, "\xFF"}},
	{"code that nobody has defined", "\x00\xFF", sample{code: 0xFF}},

	{"token of 8", "\x08\x0112345678", sample{coap.CodeGET, "12345678", nil, ""}},
	{"token of 9", "\x09\x01123456789", sample{coap.CodeGET, "123456789", nil, ""}},
	{"token of 12", "\x0C\x01123456789abc", sample{coap.CodeGET, "123456789abc", nil, ""}},
	{"token of 13", "\x0D\x01\x00" + rep('t', 13), sample{coap.CodeGET, rep('t', 13), nil, ""}},
	{"token of 268", "\x0D\x01\xFF" + rep('t', 268), sample{coap.CodeGET, rep('t', 268), nil, ""}},
	{"token of 269", "\x0E\x01\x00\x00" + rep('t', 269), sample{coap.CodeGET, rep('t', 269), nil, ""}},
	{"token of 527", "\x0E\x01\x01\x02" + rep('t', 527), sample{coap.CodeGET, rep('t', 527), nil, ""}},
	{"token of 65804", "\x0E\x01\xFF\xFF" + rep('t', 65804), sample{coap.CodeGET, rep('t', 65804), nil, ""}},

	{"length of 12", "\xC0\x45\xFF" + rep('p', 11), sample{coap.CodeContent, "", nil, rep('p', 11)}},
	{"length of 13", "\xD0\x00\x45\xFF" + rep('p', 12), sample{coap.CodeContent, "", nil, rep('p', 12)}},
	{"length of 268", "\xD0\xFF\x45\xFF" + rep('p', 267), sample{coap.CodeContent, "", nil, rep('p', 267)}},
	{"length of 269", "\xE0\x00\x00\x45\xFF" + rep('p', 268), sample{coap.CodeContent, "", nil, rep('p', 268)}},
	{"length of 527", "\xE0\x01\x02\x45\xFF" + rep('p', 526), sample{coap.CodeContent, "", nil, rep('p', 526)}},
	{"length of 65804", "\xE0\xFF\xFF\x45\xFF" + rep('p', 65803), sample{coap.CodeContent, "", nil, rep('p', 65803)}},
	{"length of 65805", "\xF0\x00\x00\x00\x00\x45\xFF" + rep('p', 65804), sample{coap.CodeContent, "", nil, rep('p', 65804)}},
	{"length of 131340, extended token", "\xFE\x00\x00\xFF\xFF\x45\x00\x00" + rep('t', 269) + "\xFF" + rep('p', 131339), sample{coap.CodeContent, rep('t', 269), nil, rep('p', 131339)}},
}

// sample is what a test wants of a message.
type sample struct {
	code    coap.Code
	token   string
	options []option
	payload string
}

func rep(c byte, n int) string { return strings.Repeat(string(rune(c)), n) }

// message is m as coap has it.
func (m sample) message() coap.Message {
	return coap.Message{Code: m.code, Token: []byte(m.token), Options: options(m.options...), Payload: []byte(m.payload)}
}

func (m sample) equal(got coap.Message) bool {
	if got.Code != m.code || string(got.Token) != m.token || string(got.Payload) != m.payload || !bytes.Equal(got.Options, options(m.options...)) {
		return false
	}
	all := decoded(got.Options)
	for i, o := range all {
		if i >= len(m.options) || o != m.options[i] {
			return false
		}
	}
	return len(all) == len(m.options)
}

// short cuts a long text for a failure.
func short[T ~string | ~[]byte](s T) string { return string(s[:min(len(s), 40)]) }

// Every message is read whole, by the byte, cut anywhere, and in front of others.
func TestParseTCP(t *testing.T) {
	for _, c := range tcpMessages {
		for _, behind := range append([]string{"", "\x00\x00", "\xFF\xFF"}, splittest.Trailing...) {
			g := splittest.Guard(c.wire + behind)
			m, n, err := coap.ParseTCP(g.Bytes)
			if n != len(c.wire) || err != nil || !c.want.equal(m) || !g.Intact() {
				t.Errorf("%s in front of %q: ParseTCP(%x) = %+v, %d, %v", c.name, behind, short(c.wire), m, n, err)
			}
			// A view goes no further than what it shows.
			if cap(m.Token) != len(m.Token) || cap(m.Options) != len(m.Options) || cap(m.Payload) != len(m.Payload) {
				t.Errorf("%s: views of %d, %d and %d bytes more", c.name, cap(m.Token)-len(m.Token), cap(m.Options)-len(m.Options), cap(m.Payload)-len(m.Payload))
			}
		}
		for _, n := range cuts(len(c.wire)) {
			if m, n, err := coap.ParseTCP(splittest.Guard(c.wire[:n]).Bytes); n != 0 || err != nil || m.Token != nil || m.Options != nil || m.Payload != nil {
				t.Errorf("%s: %d bytes of %x are %+v, %d, %v", c.name, n, short(c.wire), m, n, err)
			}
		}
		h, n, err := coap.ParseTCPHeader([]byte(c.wire))
		if h.Code != c.want.code || h.TokenLength != len(c.want.token) || h.Size() != uint64(len(c.wire)) || err != nil {
			t.Errorf("%s: ParseTCPHeader(%x) = %+v, %d, %v", c.name, short(c.wire), h, n, err)
		}
		if want := len(c.wire) - len(c.want.token) - int(h.Length); n != want || n > coap.MaxTCPHeader {
			t.Errorf("%s: header of %d bytes, want %d", c.name, n, want)
		}
		for i := range n {
			if _, m, err := coap.ParseTCPHeader(splittest.Guard(c.wire[:i]).Bytes); m != 0 || err != nil {
				t.Errorf("%s: ParseTCPHeader of %d bytes = %d, %v", c.name, i, m, err)
			}
		}
	}
}

// cuts are all lengths below n, or those near the ends of a long input.
func cuts(n int) (all []int) {
	for i := range n {
		if i < 400 || n-i < 10 {
			all = append(all, i)
		}
	}
	return all
}

func TestAppendTCP(t *testing.T) {
	for _, c := range tcpMessages {
		m := c.want.message()
		if got := coap.AppendTCP([]byte("dst"), m); string(got) != "dst"+c.wire {
			t.Errorf("%s: AppendTCP = %x, want %x", c.name, short(got[3:]), short(c.wire))
		}
		if n := coap.SizeTCP(m); n != uint64(len(c.wire)) {
			t.Errorf("%s: SizeTCP = %d, want %d", c.name, n, len(c.wire))
		}
		h, n, _ := coap.ParseTCPHeader([]byte(c.wire))
		head := coap.AppendTCPHeader([]byte("dst"), m.Code, m.Token, int(h.Length))
		if string(head) != "dst"+c.wire[:n+len(m.Token)] {
			t.Errorf("%s: AppendTCPHeader = %x", c.name, short(head[3:]))
		}
	}
}

func TestParseTCPErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		wire string
		err  error
	}{
		{"reserved token length", "\x0F", coap.ErrTokenLength},
		{"reserved token length, of a long message", "\xFF\xFF\xFF\xFF\xFF\x01", coap.ErrTokenLength},
		{"reserved delta", "\x10\x01\xF0", coap.ErrOptionDelta},
		{"reserved delta behind an option", "\x30\x01\xB0\xF1a", coap.ErrOptionDelta},
		{"reserved length", "\x10\x01\x0F", coap.ErrOptionLength},
		{"option without its extended delta", "\x10\x01\xD0", coap.ErrOptionEnd},
		{"option with half its extended delta", "\x20\x01\xE0\x00", coap.ErrOptionEnd},
		{"option without its extended length", "\x10\x01\x0D", coap.ErrOptionEnd},
		{"option with half its extended length", "\x20\x01\x0E\x00", coap.ErrOptionEnd},
		{"option without its value", "\x10\x01\xB1", coap.ErrOptionEnd},
		{"option with half its value", "\x20\x01\xB2a", coap.ErrOptionEnd},
		{"number of 65536", "\x30\x01\xE0\xFE\xF3", coap.ErrOptionNumber},
		{"number of 65536 by a short delta", "\x40\x01\xE0\xFE\xF2\x10", coap.ErrOptionNumber},
		{"marker at the end", "\x10\x01\xFF", coap.ErrPayloadMarker},
		{"marker at the end of options", "\x30\x01\xB1a\xFF", coap.ErrPayloadMarker},
		{"long option that looks like a marker", "\x30\x01\xFE\x00\x00", coap.ErrOptionDelta},
	} {
		// The bytes behind the message would mend it.
		for _, behind := range []string{"", rep('x', 300)} {
			g := splittest.Guard(c.wire + behind)
			m, n, err := coap.ParseTCP(g.Bytes)
			if err != c.err || n != 0 || m.Code != 0 || m.Token != nil || m.Options != nil || m.Payload != nil {
				t.Errorf("%s: ParseTCP(%x) = %+v, %d, %v, want %v", c.name, c.wire, m, n, err, c.err)
			}
		}
	}
	if h, n, err := coap.ParseTCPHeader([]byte{0x0F}); n != 0 || err != coap.ErrTokenLength || h != (coap.Header{}) {
		t.Errorf("ParseTCPHeader = %+v, %d, %v", h, n, err)
	}
}

// Lengths above what an int of 32 bits has are neither cut nor negative.
func TestHugeTCP(t *testing.T) {
	for _, c := range []struct {
		wire   string
		length uint64
		size   uint64
	}{
		{"\xF0\x01\x02\x03\x04\x01", 0x01020304 + 65805, 0x01020304 + 65805 + 6},
		{"\xF0\x7F\xFE\xFE\xF2\x01", 1<<31 - 1, 1<<31 + 5},
		{"\xF0\x7F\xFE\xFE\xF3\x01", 1 << 31, 1<<31 + 6},
		{"\xF0\xFF\xFE\xFE\xF2\x01", 1<<32 - 1, 1<<32 + 5},
		{"\xF0\xFF\xFE\xFE\xF3\x01", 1 << 32, 1<<32 + 6},
		{"\xF0\xFF\xFF\xFF\xFF\x01", 1<<32 - 1 + 65805, 1<<32 + 65810},
		{"\xFE\xFF\xFF\xFF\xFF\x01\xFF\xFF", 1<<32 - 1 + 65805, 1<<32 + 65812 + 65804},
	} {
		h, n, err := coap.ParseTCPHeader([]byte(c.wire))
		if n != len(c.wire) || err != nil || h.Length != c.length || h.Size() != c.size {
			t.Errorf("ParseTCPHeader(%x) = %+v of %d, %d, %v, want %d of %d", c.wire, h, h.Size(), n, err, c.length, c.size)
		}
		if c.length < 1<<31 {
			if got := coap.AppendTCPHeader(nil, h.Code, nil, int(c.length)); string(got) != c.wire {
				t.Errorf("AppendTCPHeader of %d = %x, want %x", c.length, got, c.wire)
			}
		}
		b := append([]byte(c.wire), make([]byte, 70000)...)
		if m, n, err := coap.ParseTCP(b); n != 0 || err != nil {
			t.Errorf("ParseTCP(%x) = %+v, %d, %v", c.wire, m, n, err)
		}
	}
}

func TestLongTokens(t *testing.T) {
	long := make([]byte, coap.MaxExtendedToken+1)
	for name, f := range map[string]func(){
		"AppendTCP":       func() { coap.AppendTCP(nil, coap.Message{Token: long}) },
		"AppendTCPHeader": func() { coap.AppendTCPHeader(nil, 1, long, 0) },
		"AppendUDP":       func() { coap.AppendUDP(nil, coap.Datagram{Message: coap.Message{Token: long}}) },
	} {
		wantPanic(t, name, f)
	}
}

func wantPanic(t *testing.T, name string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s does not panic", name)
		}
	}()
	f()
}
