package main

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
)

func TestOptionText(t *testing.T) {
	for _, v := range []struct {
		name  string
		n     coap.Option
		value string
		want  string
	}{
		{"text", coap.OptURIPath, "a b", "Uri-Path=a b"},
		{"text that a terminal would obey", coap.OptURIPath, "\x1b[2J", `Uri-Path=\u001b[2J`},
		{"text that is none", coap.OptURIPath, "\xff", `Uri-Path=\xff`},
		{"a number", coap.OptMaxAge, "\x01\x00", "Max-Age=256"},
		{"the number 0", coap.OptMaxAge, "", "Max-Age=0"},
		{"a format", coap.OptContentFormat, "\x32", "Content-Format=50 (application/json)"},
		{"a format without a name", coap.OptAccept, "\xff\xff", "Accept=65535"},
		{"bytes", coap.OptETag, "\x01\xff", "ETag=0x01ff"},
		{"a block", coap.OptBlock2, "\x1e", "Block2=1 (1024, more)"},
		{"the last block", coap.OptBlock1, "\x20", "Block1=2 (16)"},
		{"a block of several KB", coap.OptBlock2, "\x0f", "Block2=0 (BERT, more)"},
		{"nothing", coap.OptIfNoneMatch, "", "If-None-Match"},
		{"something where nothing should be", coap.OptIfNoneMatch, "a", "If-None-Match=0x61"},
		{"a number that is too long", coap.OptAccept, "\x01\x02\x03", "Accept=0x010203"},
		{"an option without a name", 65000, "ab", "65000=0x6162"},
	} {
		if got := optionText(v.n, []byte(v.value)); got != v.want {
			t.Errorf("%s: %q, want %q", v.name, got, v.want)
		}
	}
}

// TestOptionsAreReadAsShown gives -option what optionText shows.
func TestOptionsAreReadAsShown(t *testing.T) {
	for _, s := range []string{"If-None-Match", "Max-Age=256", "Max-Age=0", "Uri-Path=a=b", "ETag=0x01ff", "65000=0x6162", "No-Response=2", "Accept=65535"} {
		var list []givenOption
		if err := (extra{&list}).Set(s); err != nil {
			t.Errorf("-option %s: %v", s, err)
			continue
		}
		if got := optionText(list[0].number, list[0].value); got != s {
			t.Errorf("-option %s is shown as %s", s, got)
		}
	}
	var list []givenOption
	for s, want := range map[string]string{
		"etag=abc":     "ETag=0x616263",
		"max-age=0x10": "Max-Age=16",
		"65000=text":   "65000=0x74657874",
		"uri-path=0x1": "Uri-Path=0x1", // which is text
		"65000":        "65000=0x",
	} {
		list = list[:0]
		if err := (extra{&list}).Set(s); err != nil || optionText(list[0].number, list[0].value) != want {
			t.Errorf("-option %s is %v, %v, want %s", s, list, err, want)
		}
	}
}

func TestShow(t *testing.T) {
	const none = coap.Format(65535)
	long := strings.Repeat("\u00e4", mostShown)
	for _, v := range []struct {
		name    string
		seen    bool
		f       coap.Format
		content string
		want    string
	}{
		{"for a file", false, coap.FormatText, "a\x1b", "a\x1b"},
		{"text", true, coap.FormatText, "a", "a\n"},
		{"text with its end", true, coap.FormatText, "a\n", "a\n"},
		{"text that a terminal would obey", true, coap.FormatText, "\x1b[2J\xff", `\u001b[2J\xff` + "\n"},
		{"JSON", true, coap.FormatJSON, "{}", "{}\n"},
		{"what looks like text", true, none, "a", "a\n"},
		{"what does not", true, none, "\xff", "1 byte\n00000000  ff                                                |.|\n"},
		{"CBOR", true, coap.FormatCBOR, "\xa0", "1 byte\n00000000  a0                                                |.|\n"},
		{"nothing", true, coap.FormatText, "", ""},
		{"long text, cut between letters", true, coap.FormatText, long + "a", long[:mostShown] + "\n... and 65537 bytes more; -o FILE keeps all\n"},
		{"long text, cut in a letter", true, coap.FormatText, "a" + long, "a" + long[:mostShown-2] + "\n... and 65538 bytes more; -o FILE keeps all\n"},
	} {
		var b strings.Builder
		if err := show(&b, v.seen, v.f, v.f != none, []byte(v.content)); err != nil || b.String() != v.want {
			t.Errorf("%s: %.80q, %v, want %.80q", v.name, b.String(), err, v.want)
		}
	}
	var b strings.Builder
	if show(&b, true, coap.FormatOctets, true, make([]byte, 1000)); !strings.HasPrefix(b.String(), "1000 bytes\n") || !strings.HasSuffix(b.String(), "... and 488 bytes more; -o FILE keeps all\n") {
		t.Errorf("long bytes are shown as %q", b.String())
	}
}

func TestDiagnostic(t *testing.T) {
	for _, v := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"a line", "no way", ": no way"},
		{"lines", "no\n way\r\n", ": no way"},
		{"what a terminal would obey", "\x1b[2J", `: \u001b[2J`},
		{"what is no text", "\xff", ""},
		{"a long one, cut in a letter", strings.Repeat("\u00e4", 100) + "\u00e4", ": " + strings.Repeat("\u00e4", 100) + "..."},
	} {
		if got := diagnostic([]byte(v.in)); got != v.want {
			t.Errorf("%s: %q, want %q", v.name, got, v.want)
		}
	}
}

func TestShowLinks(t *testing.T) {
	for _, v := range []struct {
		name, in, want string
		bad            bool
	}{
		{"nothing", "", "", false},
		{"a link", "</a>", "/a\n", false},
		{"columns", `</a>;title="one",</long/path>;rt="x y";obs;sz=2048;ct="0 50"`,
			"/a          one\n/long/path       rt=x y, obs, 2.0 KiB, text/plain;charset=utf-8, application/json\n", false},
		{"what a terminal would obey", "</a>;title=\"\x1b[2J\"", "/a  \\u001b[2J\n", false},
		{"escapes", `</a>;title="a \"b\""`, "/a  a \"b\"\n", false},
		{"a size that is none, and a format without a name", `</a>;sz="x";ct=65000`, "/a    x, 65000\n", false},
		{"an end within a link", `</a>,</b`, "/a\n", true},
	} {
		var b strings.Builder
		if err := showLinks(&b, []byte(v.in)); b.String() != v.want || (err != nil) != v.bad {
			t.Errorf("%s: %q, %v, want %q", v.name, b.String(), err, v.want)
		}
	}
}

func TestListing(t *testing.T) {
	for uri, want := range map[string]string{
		"coap://a":               "coap://a/.well-known/core",
		"coap+tcp://a:1/?rt=x":   "coap+tcp://a:1/.well-known/core?rt=x",
		"coap://[::1]":           "coap://[::1]/.well-known/core",
		"coap://a/rd-lookup?a=b": "coap://a/rd-lookup?a=b",
		"nonsense":               "nonsense",
	} {
		if got := listing(uri); got != want {
			t.Errorf("%s is listed at %s, want %s", uri, got, want)
		}
	}
}
