package coap_test

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// signals are whole messages as they are written, and what is read from them.
var signals = []struct {
	name string
	got  func(dst []byte) []byte
	want string
}{
	{"CSM that says nothing", func(b []byte) []byte { return coap.AppendCSM(b, coap.Settings{}) }, "\x00\xe1"},
	{"Max-Message-Size", func(b []byte) []byte { return coap.AppendCSM(b, coap.Settings{MaxMessage: 1152}) }, "\x30\xe1\x22\x04\x80"},
	{"Max-Message-Size of four bytes", func(b []byte) []byte { return coap.AppendCSM(b, coap.Settings{MaxMessage: 1<<32 - 1}) }, "\x50\xe1\x24\xff\xff\xff\xff"},
	{"Block-Wise-Transfer", func(b []byte) []byte { return coap.AppendCSM(b, coap.Settings{BlockWise: true}) }, "\x10\xe1\x40"},
	{"Extended-Token-Length", func(b []byte) []byte { return coap.AppendCSM(b, coap.Settings{ExtendedToken: 64}) }, "\x20\xe1\x61\x40"},
	{"Extended-Token-Length below its bounds", func(b []byte) []byte { return coap.AppendCSM(b, coap.Settings{ExtendedToken: 1}) }, "\x20\xe1\x61\x08"},
	{"Extended-Token-Length above its bounds", func(b []byte) []byte { return coap.AppendCSM(b, coap.Settings{ExtendedToken: 1 << 30}) }, "\x40\xe1\x63\x01\x01\x0c"},
	{"all of it", func(b []byte) []byte {
		return coap.AppendCSM(b, coap.Settings{MaxMessage: 1 << 24, BlockWise: true, ExtendedToken: 65804})
	}, "\xa0\xe1\x24\x01\x00\x00\x00\x20\x23\x01\x01\x0c"},
	{"Ping, of RFC 8323 section 5.7", func(b []byte) []byte { return coap.AppendPing(b, []byte{0x42}, false) }, "\x01\xe2\x42"},
	{"Pong, of RFC 8323 section 5.7", func(b []byte) []byte { return coap.AppendPong(b, []byte{0x42}, false) }, "\x01\xe3\x42"},
	{"Ping without a token", func(b []byte) []byte { return coap.AppendPing(b, nil, false) }, "\x00\xe2"},
	{"Ping that asks for custody", func(b []byte) []byte { return coap.AppendPing(b, []byte("12345678"), true) }, "\x18\xe212345678\x20"},
	{"Pong that has it", func(b []byte) []byte { return coap.AppendPong(b, nil, true) }, "\x10\xe3\x20"},
	{"Release", func(b []byte) []byte { return coap.AppendRelease(b, "", 0) }, "\x00\xe4"},
	{"Release with Alternative-Address", func(b []byte) []byte { return coap.AppendRelease(b, "[::1]:5683", 0) }, "\xb0\xe4\x2a[::1]:5683"},
	{"Release with Hold-Off", func(b []byte) []byte { return coap.AppendRelease(b, "", 300) }, "\x30\xe4\x42\x01\x2c"},
	{"Release with both", func(b []byte) []byte { return coap.AppendRelease(b, "a", 5) }, "\x40\xe4\x21a\x21\x05"},
	{"Release with too much of both", func(b []byte) []byte { return coap.AppendRelease(b, strings.Repeat("a", 300), 1<<31) },
		"\xd0\xf8\xe4\x2d\xf2" + strings.Repeat("a", 255) + "\x23\xff\xff\xff"},
	{"Abort", func(b []byte) []byte { return coap.AppendAbort(b, 0, "") }, "\x00\xe5"},
	{"Abort with a diagnostic", func(b []byte) []byte { return coap.AppendAbort(b, 0, "no") }, "\x30\xe5\xffno"},
	{"Abort with Bad-CSM-Option", func(b []byte) []byte { return coap.AppendAbort(b, 7, "") }, "\x20\xe5\x21\x07"},
	{"Abort with both", func(b []byte) []byte { return coap.AppendAbort(b, 0xFFFF, "no") }, "\x60\xe5\x22\xff\xff\xffno"},
}

func TestAppendSignals(t *testing.T) {
	for _, c := range signals {
		t.Run(c.name, func(t *testing.T) {
			got := c.got([]byte("before"))
			if string(got) != "before"+c.want {
				t.Fatalf("%q, want %q", got[len("before"):], c.want)
			}
			for _, w := range splittest.Ways(len(c.want)) {
				for i, end := range w.Ends {
					_, n, err := coap.ParseTCP([]byte(c.want[:end]))
					if want := i == len(w.Ends)-1; err != nil || (n == len(c.want)) != want || (n == 0) == want {
						t.Fatalf("%s: ParseTCP of %d bytes = %d, %v", w.Name, end, n, err)
					}
				}
			}
		})
	}
	if n := len(coap.AppendCSM(nil, coap.Settings{MaxMessage: 1<<32 - 1, BlockWise: true, ExtendedToken: 1 << 20})); n != coap.MaxCSM {
		t.Errorf("the longest CSM has %d bytes, want %d", n, coap.MaxCSM)
	}
	if n := len(coap.AppendPong(nil, make([]byte, coap.MaxToken), true)); n != coap.MaxPing {
		t.Errorf("the longest Pong has %d bytes, want %d", n, coap.MaxPing)
	}
}

// message reads a whole message.
func message(t *testing.T, wire string) coap.Message {
	t.Helper()
	m, n, err := coap.ParseTCP([]byte(wire))
	if err != nil || n != len(wire) {
		t.Fatalf("ParseTCP(%q) = %d, %v", wire, n, err)
	}
	return m
}

func TestUpdate(t *testing.T) {
	before := coap.Settings{MaxMessage: 2000, ExtendedToken: 16}
	for _, c := range []struct {
		name    string
		options string
		want    coap.Settings
		bad     coap.Option
		err     error
	}{
		{"nothing (section 5.3)", "", before, 0, nil},
		{"Max-Message-Size", "\x22\x04\x80", coap.Settings{MaxMessage: 1152, ExtendedToken: 16}, 0, nil},
		{"Max-Message-Size of four bytes", "\x24\xff\xff\xff\xff", coap.Settings{MaxMessage: 1<<32 - 1, ExtendedToken: 16}, 0, nil},
		{"Max-Message-Size with leading zeros (RFC 7252 section 3.2)", "\x24\x00\x00\x04\x80", coap.Settings{MaxMessage: 1152, ExtendedToken: 16}, 0, nil},
		{"the least Max-Message-Size", "\x21\x02", coap.Settings{MaxMessage: 2, ExtendedToken: 16}, 0, nil},
		{"Max-Message-Size in which no message fits", "\x21\x01", before, coap.OptMaxMessageSize, coap.ErrSettings},
		{"Max-Message-Size of no bytes, which is 0", "\x20", before, coap.OptMaxMessageSize, coap.ErrSettings},
		{"Max-Message-Size of five bytes", "\x25\x00\x00\x00\x04\x80", before, coap.OptMaxMessageSize, coap.ErrSettings},
		{"Max-Message-Size twice (RFC 7252 section 5.4.5)", "\x21\x80\x01\x90", coap.Settings{MaxMessage: 128, ExtendedToken: 16}, 0, nil},
		{"Block-Wise-Transfer", "\x40", coap.Settings{MaxMessage: 2000, ExtendedToken: 16, BlockWise: true}, 0, nil},
		{"Block-Wise-Transfer twice", "\x40\x00", coap.Settings{MaxMessage: 2000, ExtendedToken: 16, BlockWise: true}, 0, nil},
		{"Block-Wise-Transfer with a value", "\x41\x00", before, coap.OptBlockWiseTransfer, coap.ErrSettings},
		{"Extended-Token-Length", "\x62\x01\x00", coap.Settings{MaxMessage: 2000, ExtendedToken: 256}, 0, nil},
		{"Extended-Token-Length below 8 is ignored (RFC 8974 section 2.2.1)", "\x61\x07", before, 0, nil},
		{"Extended-Token-Length of no bytes is ignored", "\x60", before, 0, nil},
		{"Extended-Token-Length back to 8", "\x61\x08", coap.Settings{MaxMessage: 2000, ExtendedToken: 8}, 0, nil},
		{"Extended-Token-Length above 65804 is that (RFC 8974 section 2.2.1)", "\x63\xff\xff\xff", coap.Settings{MaxMessage: 2000, ExtendedToken: 65804}, 0, nil},
		{"Extended-Token-Length of four bytes", "\x64\x00\x00\x00\x20", before, coap.OptExtendedTokenLength, coap.ErrSettings},
		{"Extended-Token-Length twice", "\x61\x20\x01\x30", coap.Settings{MaxMessage: 2000, ExtendedToken: 32}, 0, nil},
		{"unknown elective options", "\x83abc\xe0\x01\x01", before, 0, nil},
		{"unknown critical option", "\x22\x04\x80\x11a", before, 3, coap.ErrSignalOption},
		{"unknown critical option of a great number", "\xe0\xfe\xf2", before, 0xFFFF, coap.ErrSignalOption},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := coap.CheckOptions([]byte(c.options)); err != nil {
				t.Fatal(err)
			}
			s := before
			bad, err := s.Update(coap.Options(c.options))
			if s != c.want || bad != c.bad || err != c.err {
				t.Errorf("%+v, %d, %v, want %+v, %d, %v", s, bad, err, c.want, c.bad, c.err)
			}
		})
	}
}

// TestSettingsRoundTrip wants what one end writes to be what the other reads.
func TestSettingsRoundTrip(t *testing.T) {
	for _, s := range []coap.Settings{{}, {MaxMessage: 2}, {MaxMessage: 1153, BlockWise: true}, {MaxMessage: 1<<32 - 1, ExtendedToken: 65804}, {ExtendedToken: 8}, {BlockWise: true}} {
		m := message(t, string(coap.AppendCSM(nil, s)))
		var got coap.Settings
		if bad, err := got.Update(m.Options); m.Code != coap.CodeCSM || got != s || bad != 0 || err != nil {
			t.Errorf("%+v comes as %+v, %d, %v", s, got, bad, err)
		}
	}
}

func TestSettingsInForce(t *testing.T) {
	for _, c := range []struct {
		name           string
		s              coap.Settings
		message, token uint32
		bert           bool
	}{
		{"base values (sections 5.3.1 and 5.3.2)", coap.Settings{}, 1152, 8, false},
		{"no BERT without Block-Wise-Transfer", coap.Settings{MaxMessage: 1 << 20}, 1 << 20, 8, false},
		{"no BERT at 1152 (section 5.3.2)", coap.Settings{MaxMessage: 1152, BlockWise: true}, 1152, 8, false},
		{"no BERT where nothing is said of messages", coap.Settings{BlockWise: true}, 1152, 8, false},
		{"BERT above 1152 (section 5.3.2)", coap.Settings{MaxMessage: 1153, BlockWise: true, ExtendedToken: 9}, 1153, 9, true},
	} {
		if c.s.Message() != c.message || c.s.Token() != c.token || c.s.BERT() != c.bert {
			t.Errorf("%s: %d, %d, %v", c.name, c.s.Message(), c.s.Token(), c.s.BERT())
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name string
		s    coap.Settings
		wire string // the beginning of a message
		want error
	}{
		{"message of 1152 bytes", coap.Settings{}, "\xe0\x03\x6f\x45", nil}, // 4 + 269 + 0x36f
		{"message of 1153 bytes (section 5.3.1)", coap.Settings{}, "\xe0\x03\x70\x45", coap.ErrMessageTooBig},
		{"message of 4 GB", coap.Settings{MaxMessage: 1<<32 - 1}, "\xf0\xff\xff\xff\xff\x45", coap.ErrMessageTooBig},
		{"message as long as it may be", coap.Settings{MaxMessage: 3}, "\x01\x01", nil},
		{"token that makes it too long", coap.Settings{MaxMessage: 3}, "\x02\x01", coap.ErrMessageTooBig},
		{"token of 8 bytes", coap.Settings{}, "\x08\x01", nil},
		{"token of 9 bytes (RFC 8974 section 2.2.1)", coap.Settings{}, "\x09\x01", coap.ErrTokenLong},
		{"token of 9 bytes in a Ping", coap.Settings{}, "\x09\xe2", coap.ErrTokenLong},
		{"token of 9 bytes in an empty message", coap.Settings{}, "\x09\x00", coap.ErrTokenLong},
		{"token of 9 bytes in a response, whose choice is ours", coap.Settings{}, "\x09\x45", nil},
		{"token as it was announced", coap.Settings{ExtendedToken: 20}, "\x0d\x01\x07", nil},
		{"token above what was announced", coap.Settings{ExtendedToken: 20}, "\x0d\x01\x08", coap.ErrTokenLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, n, err := coap.ParseTCPHeader([]byte(c.wire))
			if n == 0 || err != nil {
				t.Fatal(n, err)
			}
			if err := c.s.Check(h); err != c.want {
				t.Errorf("%+v of %d bytes: %v, want %v", h, h.Size(), err, c.want)
			}
		})
	}
}

func TestCustody(t *testing.T) {
	for _, c := range []struct {
		name    string
		options string
		want    bool
	}{
		{"no options", "", false},
		{"Custody", "\x20", true},
		{"Custody behind another", "\x11a\x10", true},
		{"another", "\x40", false},
		{"Custody with a value (RFC 7252 section 5.4.3)", "\x21a", false},
	} {
		if got := coap.Custody(coap.Options(c.options)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestParseRelease(t *testing.T) {
	long := strings.Repeat("a", 256)
	for _, c := range []struct {
		name    string
		options string
		want    string // addresses, with commas
		holdOff uint32
	}{
		{"nothing", "", "", 0},
		{"one address", "\x2ahost.test:", "host.test:", 0},
		{"three, of which any may be chosen (section 5.5)", "\x21a\x01b\x01c", "a,b,c", 0},
		{"address and Hold-Off", "\x21a\x22\x01\x00", "a", 256},
		{"Hold-Off", "\x43\xff\xff\xff", "", coap.MaxHoldOff},
		{"Hold-Off of four bytes is none (RFC 7252 section 5.4.3)", "\x44\x01\x01\x01\x01", "", 0},
		{"of two the first (RFC 7252 section 5.4.5)", "\x41\x05\x01\x06", "", 5},
		{"addresses of no bytes, and of 256", "\x20\x0d\xf3" + long + "\x01b", "b", 0},
		{"others around them", "\x10\x11a\x11b\x11\x07\x20", "a", 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := coap.CheckOptions([]byte(c.options)); err != nil {
				t.Fatal(err)
			}
			r := coap.ParseRelease(coap.Options(c.options))
			var got []string
			for a, ok := r.Addresses.Next(); ok; a, ok = r.Addresses.Next() {
				got = append(got, string(a))
			}
			if s := strings.Join(got, ","); s != c.want || r.HoldOff != c.holdOff {
				t.Errorf("%q, %d, want %q, %d", s, r.HoldOff, c.want, c.holdOff)
			}
		})
	}
	m := message(t, string(coap.AppendRelease(nil, "host.test:5683", 60)))
	r := coap.ParseRelease(m.Options)
	if a, ok := r.Addresses.Next(); string(a) != "host.test:5683" || !ok || r.HoldOff != 60 {
		t.Errorf("%q, %v, %d", a, ok, r.HoldOff)
	}
}

func TestParseAbort(t *testing.T) {
	for _, c := range []struct {
		name    string
		options string
		want    coap.Option
	}{
		{"nothing", "", 0},
		{"Bad-CSM-Option", "\x21\x07", 7},
		{"of two bytes", "\x22\x01\x00", 256},
		{"of three bytes is none (RFC 7252 section 5.4.3)", "\x23\x00\x01\x00", 0},
		{"another", "\x41\x07", 0},
	} {
		if got := coap.ParseAbort(coap.Options(c.options)); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	m := message(t, string(coap.AppendAbort(nil, 300, "why")))
	if coap.ParseAbort(m.Options) != 300 || string(m.Payload) != "why" {
		t.Errorf("%d, %q", coap.ParseAbort(m.Options), m.Payload)
	}
}
