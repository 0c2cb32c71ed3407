package coap_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

var datagrams = []struct {
	name string
	wire string
	typ  coap.Type
	id   uint16
	want sample
}{
	// RFC 7252 appendix A
	{"figure 16, request", "\x40\x01\x7D\x34\xBBtemperature", coap.Confirmable, 0x7D34, sample{coap.CodeGET, "", []option{{coap.OptURIPath, "temperature"}}, ""}},
	{"figure 16, response", "\x60\x45\x7D\x34\xFF22.3 C", coap.Acknowledgement, 0x7D34, sample{coap.CodeContent, "", nil, "22.3 C"}},
	{"figure 17, request", "\x41\x01\x7D\x35\x20\xBBtemperature", coap.Confirmable, 0x7D35, sample{coap.CodeGET, "\x20", []option{{coap.OptURIPath, "temperature"}}, ""}},
	{"figure 17, response", "\x61\x45\x7D\x35\x20\xFF22.3 C", coap.Acknowledgement, 0x7D35, sample{coap.CodeContent, "\x20", nil, "22.3 C"}},
	{"separate response, empty Acknowledgement", "\x60\x00\x7D\x38", coap.Acknowledgement, 0x7D38, sample{}},
	{"separate response", "\x41\x45\xAD\x7B\x53\xFF22.3 C", coap.Confirmable, 0xAD7B, sample{coap.CodeContent, "\x53", nil, "22.3 C"}},
	{"non-confirmable request", "\x51\x01\x7D\x40\x75\xBBtemperature", coap.NonConfirmable, 0x7D40, sample{coap.CodeGET, "\x75", []option{{coap.OptURIPath, "temperature"}}, ""}},
	{"non-confirmable response", "\x51\x45\xAD\x7E\x75\xFF22.3 C", coap.NonConfirmable, 0xAD7E, sample{coap.CodeContent, "\x75", nil, "22.3 C"}},

	{"Reset", "\x70\x00\x00\x01", coap.Reset, 1, sample{}},
	{"ping: RFC 7252 section 4.3", "\x40\x00\xFF\xFF", coap.Confirmable, 0xFFFF, sample{}},
	{"method that nobody has defined", "\x40\x1F\x00\x00", coap.Confirmable, 0, sample{code: 31}},
	{"response that nobody has defined", "\x40\xBF\x00\x00", coap.Confirmable, 0, sample{code: 0xBF}},
	{"token of 8", "\x48\x01\x00\x0012345678", coap.Confirmable, 0, sample{coap.CodeGET, "12345678", nil, ""}},
	{"token of 12", "\x4C\x01\x00\x00" + rep('t', 12), coap.Confirmable, 0, sample{coap.CodeGET, rep('t', 12), nil, ""}},
	{"token of 13", "\x4D\x01\x00\x00\x00" + rep('t', 13), coap.Confirmable, 0, sample{coap.CodeGET, rep('t', 13), nil, ""}},
	{"token of 268", "\x4D\x01\x00\x00\xFF" + rep('t', 268), coap.Confirmable, 0, sample{coap.CodeGET, rep('t', 268), nil, ""}},
	{"token of 269", "\x4E\x01\x00\x00\x00\x00" + rep('t', 269), coap.Confirmable, 0, sample{coap.CodeGET, rep('t', 269), nil, ""}},
	{"token of 65804", "\x4E\x01\x00\x00\xFF\xFF" + rep('t', 65804), coap.Confirmable, 0, sample{coap.CodeGET, rep('t', 65804), nil, ""}},
}

func TestUDP(t *testing.T) {
	for _, c := range datagrams {
		g := splittest.Guard(c.wire)
		d, err := coap.ParseUDP(g.Bytes)
		if err != nil || d.Type != c.typ || d.ID != c.id || !c.want.equal(d.Message) || !g.Intact() {
			t.Errorf("%s: ParseUDP(%x) = %+v, %v", c.name, short(c.wire), d, err)
		}
		want := coap.Datagram{Message: c.want.message(), Type: c.typ, ID: c.id}
		if got := coap.AppendUDP([]byte("dst"), want); string(got) != "dst"+c.wire {
			t.Errorf("%s: AppendUDP = %x", c.name, short(got[3:]))
		}
		if n := coap.SizeUDP(want.Message); n != len(c.wire) {
			t.Errorf("%s: SizeUDP = %d, want %d", c.name, n, len(c.wire))
		}
	}
}

// A datagram that is cut is one, or an error, never out of bounds.
func TestCutUDP(t *testing.T) {
	for _, c := range datagrams {
		for _, n := range cuts(len(c.wire)) {
			d, err := coap.ParseUDP(splittest.Guard(c.wire[:n]).Bytes)
			if n < 4 && err != coap.ErrDatagramShort || err != nil && d.Options != nil || err == nil && len(d.Token) != len(c.want.token) {
				t.Errorf("%s: %d bytes are %+v, %v", c.name, n, d, err)
			}
		}
	}
}

func TestUDPErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		wire string
		typ  coap.Type // and the ID is 0x7D34
		err  error
	}{
		{"nothing", "", 0, coap.ErrDatagramShort},
		{"three bytes", "\x40\x01\x7D", 0, coap.ErrDatagramShort},
		{"version 0", "\x00\x01\x7D\x34", 0, coap.ErrDatagramVersion},
		{"version 2", "\xA0\x01\x7D\x34", 0, coap.ErrDatagramVersion},
		{"version 3", "\xC0\x01\x7D\x34", 0, coap.ErrDatagramVersion},
		{"reserved token length", "\x5F\x01\x7D\x34" + rep('t', 300), coap.NonConfirmable, coap.ErrTokenLength},
		{"reserved token length of an empty message", "\x4F\x00\x7D\x34", coap.Confirmable, coap.ErrTokenLength},
		{"token that is not there", "\x41\x01\x7D\x34", coap.Confirmable, coap.ErrDatagramToken},
		{"half a token", "\x62\x45\x7D\x34\x01", coap.Acknowledgement, coap.ErrDatagramToken},
		{"extended length that is not there", "\x4D\x01\x7D\x34", coap.Confirmable, coap.ErrDatagramToken},
		{"half an extended length", "\x4E\x01\x7D\x34\x00", coap.Confirmable, coap.ErrDatagramToken},
		{"extended token that is not there", "\x4E\x01\x7D\x34\xFF\xFF", coap.Confirmable, coap.ErrDatagramToken},
		{"empty message with a token length", "\x41\x00\x7D\x34", coap.Confirmable, coap.ErrDatagramEmpty},
		{"empty message with a token", "\x61\x00\x7D\x34\x01", coap.Acknowledgement, coap.ErrDatagramEmpty},
		{"empty message with an option", "\x40\x00\x7D\x34\xB0", coap.Confirmable, coap.ErrDatagramEmpty},
		{"empty message with a payload", "\x70\x00\x7D\x34\xFFx", coap.Reset, coap.ErrDatagramEmpty},
		{"non-confirmable empty message", "\x50\x00\x7D\x34", coap.NonConfirmable, coap.ErrDatagramType},
		{"Acknowledgement with a request", "\x60\x01\x7D\x34", coap.Acknowledgement, coap.ErrDatagramType},
		{"Reset with a request", "\x70\x01\x7D\x34", coap.Reset, coap.ErrDatagramType},
		{"Reset with a response", "\x70\x45\x7D\x34", coap.Reset, coap.ErrDatagramType},
		{"class 1", "\x40\x20\x7D\x34", coap.Confirmable, coap.ErrDatagramClass},
		{"class 6", "\x40\xC0\x7D\x34", coap.Confirmable, coap.ErrDatagramClass},
		{"class 7", "\x40\xE1\x7D\x34", coap.Confirmable, coap.ErrDatagramClass},
		{"reserved delta", "\x40\x01\x7D\x34\xF0", coap.Confirmable, coap.ErrOptionDelta},
		{"reserved length", "\x50\x01\x7D\x34\x0F", coap.NonConfirmable, coap.ErrOptionLength},
		{"option behind the end", "\x40\x01\x7D\x34\xB1", coap.Confirmable, coap.ErrOptionEnd},
		{"marker at the end", "\x40\x01\x7D\x34\xFF", coap.Confirmable, coap.ErrPayloadMarker},
	} {
		want := coap.Datagram{Type: c.typ}
		if c.err != coap.ErrDatagramShort && c.err != coap.ErrDatagramVersion {
			want.ID = 0x7D34
		}
		d, err := coap.ParseUDP(splittest.Guard(c.wire).Bytes)
		if err != c.err || d.Type != want.Type || d.ID != want.ID || d.Code != 0 || d.Token != nil || d.Options != nil || d.Payload != nil {
			t.Errorf("%s: ParseUDP(%x) = %+v, %v, want %v", c.name, short(c.wire), d, err, c.err)
		}
	}
}

func TestTypes(t *testing.T) {
	for i, want := range []string{"CON", "NON", "ACK", "RST", "unknown"} {
		if got := coap.Type(i).String(); got != want {
			t.Errorf("type %d is %q, want %q", i, got, want)
		}
	}
	// RFC 7252 section 4.3, table 1; an empty message that is confirmable is a ping.
	for _, c := range []struct {
		code coap.Code
		may  [4]bool
	}{
		{coap.CodeGET, [4]bool{true, true, false, false}},
		{coap.CodeContent, [4]bool{true, true, true, false}},
		{coap.CodeEmpty, [4]bool{true, false, true, true}},
	} {
		for i, may := range c.may {
			d := coap.Datagram{Message: coap.Message{Code: c.code}, Type: coap.Type(i)}
			if got, err := coap.ParseUDP(coap.AppendUDP(nil, d)); (err == nil) != may || got.Type != d.Type {
				t.Errorf("%v of the code %v: %v", got.Type, c.code, err)
			}
		}
	}
}
