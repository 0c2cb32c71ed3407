package ws_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bobtail-go/bobtail/ws"
)

// RFC 6455 section 7.4: what a close frame may have, of all that it could.
func TestCodes(t *testing.T) {
	names := map[string]bool{}
	for c := 0; c < 1<<16; c++ {
		code := ws.Code(c)
		want := c >= 3000 && c <= 4999
		switch c {
		case 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014:
			want = true
		}
		if code.MayBeSent() != want {
			t.Errorf("%d may be sent: %v", c, !want)
		}
		b := []byte{byte(c >> 8), byte(c), 'x'}
		got, reason, err := ws.ParseClose(b)
		if want && (got != code || string(reason) != "x" || err != nil) || !want && (got != 0 || reason != nil || err != ws.ErrCloseCode) {
			t.Errorf("%d is received as %d %q, %v", c, got, reason, err)
		}
		if sent := ws.AppendClose(nil, code, "x"); want && string(sent) != string(b) || !want && sent != nil {
			t.Errorf("%d is sent as %q", c, sent)
		}
		names[code.String()] = true
	}
	for _, name := range []string{
		"normal closure", "going away", "protocol error", "unsupported data", "no status", "abnormal closure", "invalid payload",
		"policy violation", "message too big", "mandatory extension", "internal error", "service restart", "try again later",
		"bad gateway", "TLS handshake", "registered", "of the program", "undefined",
	} {
		if !names[name] {
			t.Errorf("no code is called %q", name)
		}
		delete(names, name)
	}
	if len(names) != 0 {
		t.Errorf("codes are called %v", names)
	}
}

func TestParseClose(t *testing.T) {
	for _, c := range []struct {
		name    string
		payload string
		code    ws.Code
		reason  string
		err     error
	}{
		{"nothing", "", ws.CodeNoStatus, "", nil},
		{"half a code", "\x03", 0, "", ws.ErrCloseLength},
		{"code", "\x03\xE8", ws.CodeNormal, "", nil},
		{"reason", "\x03\xE8κ", ws.CodeNormal, "κ", nil},
		{"half a character", "\x03\xE8\xCE", 0, "", ws.ErrCloseReason},
		{"surrogate", "\x03\xE8\xED\xA0\x80", 0, "", ws.ErrCloseReason},
	} {
		if code, reason, err := ws.ParseClose([]byte(c.payload)); code != c.code || string(reason) != c.reason || err != c.err {
			t.Errorf("%s: ParseClose(%q) = %d, %q, %v", c.name, c.payload, code, reason, err)
		}
	}
}

func TestAppendClose(t *testing.T) {
	long := strings.Repeat("x", 122)
	for _, c := range []struct {
		name   string
		code   ws.Code
		reason string
		want   string
	}{
		{"no status", ws.CodeNoStatus, "why", ""},
		{"not to be sent", ws.CodeAbnormal, "why", ""},
		{"no reason", ws.CodeNormal, "", "\x03\xE8"},
		{"reason", ws.CodeGoingAway, "good bye", "\x03\xE9good bye"},
		{"reason of 123 bytes", 4999, long + "y", "\x13\x87" + long + "y"},
		{"reason of 124 bytes", 4999, long + "yz", "\x13\x87" + long + "y"},
		{"character that does not fit", 4999, long + "é", "\x13\x87" + long},
		{"four bytes that do not fit", 4999, long[:120] + "😀", "\x13\x87" + long[:120]},
		{"reason that is not UTF-8", ws.CodeNormal, "ab\xFFcd", "\x03\xE8ab"},
		{"reason that ends in half a character", ws.CodeNormal, "ab\xE2\x82", "\x03\xE8ab"},
	} {
		got := ws.AppendClose([]byte("dst"), c.code, c.reason)
		if string(got) != "dst"+c.want {
			t.Errorf("%s: AppendClose(%d, %q) = %q, want %q", c.name, c.code, c.reason, got[3:], c.want)
		}
	}
}

func FuzzAppendClose(f *testing.F) {
	f.Add(uint16(1000), "bye")
	f.Add(uint16(4000), strings.Repeat("€", 50))
	f.Add(uint16(1005), "x\xFF")
	f.Fuzz(func(t *testing.T, code uint16, reason string) {
		b := ws.AppendClose(nil, ws.Code(code), reason)
		if len(b) > ws.MaxControl {
			t.Fatalf("%d bytes of payload", len(b))
		}
		c, got, err := ws.ParseClose(b)
		if !ws.Code(code).MayBeSent() {
			if len(b) != 0 || c != ws.CodeNoStatus {
				t.Fatalf("%d is sent as %q", code, b)
			}
			return
		}
		if err != nil || c != ws.Code(code) || !strings.HasPrefix(reason, string(got)) {
			t.Fatalf("%d %q is sent as %q, read as %d %q, %v", code, reason, b, c, got, err)
		}
		if utf8.ValidString(reason) && len(reason) <= ws.MaxReason && string(got) != reason {
			t.Fatalf("the reason %q is cut to %q", reason, got)
		}
	})
}
