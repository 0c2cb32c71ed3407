package coap_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
)

func TestURI(t *testing.T) {
	for _, c := range []struct {
		name    string
		uri     string
		want    coap.URI
		text    string // as Append has it
		address string
		options []option
	}{
		// RFC 7252 appendix B
		{"appendix B, address", "coap://[2001:db8::2:1]/", coap.URI{Scheme: "coap", Host: "2001:db8::2:1", Port: 5683, Path: "/"}, "coap://[2001:db8::2:1]/", "[2001:db8::2:1]:5683", nil},
		{"appendix B, name", "coap://example.net/", coap.URI{Scheme: "coap", Host: "example.net", Port: 5683, Path: "/"}, "coap://example.net/", "example.net:5683",
			[]option{{3, "example.net"}}},
		{"appendix B, path", "coap://example.net/.well-known/core", coap.URI{Scheme: "coap", Host: "example.net", Port: 5683, Path: "/.well-known/core"},
			"coap://example.net/.well-known/core", "example.net:5683", []option{{3, "example.net"}, {11, ".well-known"}, {11, "core"}}},
		{"appendix B, Japanese", "coap://xn--18j4d.example/%E3%81%93%E3%82%93%E3%81%AB%E3%81%A1%E3%81%AF",
			coap.URI{Scheme: "coap", Host: "xn--18j4d.example", Port: 5683, Path: "/%E3%81%93%E3%82%93%E3%81%AB%E3%81%A1%E3%81%AF"},
			"coap://xn--18j4d.example/%E3%81%93%E3%82%93%E3%81%AB%E3%81%A1%E3%81%AF", "xn--18j4d.example:5683",
			[]option{{3, "xn--18j4d.example"}, {11, "こんにちは"}}},
		{"appendix B, slashes", "coap://198.51.100.1:61616//%2F//?%2F%2F&?%26", coap.URI{Scheme: "coap", Host: "198.51.100.1", Port: 61616, Path: "//%2F//", Query: "%2F%2F&?%26"},
			"coap://198.51.100.1:61616//%2F//?%2F%2F&?%26", "198.51.100.1:61616", []option{{11, ""}, {11, "/"}, {11, ""}, {11, ""}, {15, "//"}, {15, "?&"}}},

		// RFC 7252 section 6.3: all three are the same.
		{"section 6.3", "coap://example.com:5683/~sensors/temp.xml", coap.URI{Scheme: "coap", Host: "example.com", Port: 5683, Path: "/~sensors/temp.xml"},
			"coap://example.com/~sensors/temp.xml", "example.com:5683", []option{{3, "example.com"}, {11, "~sensors"}, {11, "temp.xml"}}},
		{"section 6.3, escaped", "coap://EXAMPLE.com/%7Esensors/temp.xml", coap.URI{Scheme: "coap", Host: "EXAMPLE.com", Port: 5683, Path: "/%7Esensors/temp.xml"},
			"coap://EXAMPLE.com/%7Esensors/temp.xml", "EXAMPLE.com:5683", []option{{3, "example.com"}, {11, "~sensors"}, {11, "temp.xml"}}},
		{"section 6.3, without a port", "coap://EXAMPLE.com:/%7esensors/temp.xml", coap.URI{Scheme: "coap", Host: "EXAMPLE.com", Port: 5683, Path: "/%7esensors/temp.xml"},
			"coap://EXAMPLE.com/%7esensors/temp.xml", "EXAMPLE.com:5683", []option{{3, "example.com"}, {11, "~sensors"}, {11, "temp.xml"}}},

		{"coaps", "coaps://h", coap.URI{Scheme: "coaps", Host: "h", Port: 5684}, "coaps://h", "h:5684", []option{{3, "h"}}},
		{"coap+tcp: RFC 8323 section 8.1", "COAP+TCP://h:5684", coap.URI{Scheme: "coap+tcp", Host: "h", Port: 5684}, "coap+tcp://h:5684", "h:5684", []option{{3, "h"}}},
		{"coaps+tcp: RFC 8323 section 8.2", "coaps+tcp://h?q", coap.URI{Scheme: "coaps+tcp", Host: "h", Port: 5684, Query: "q"}, "coaps+tcp://h?q", "h:5684", []option{{3, "h"}, {15, "q"}}},
		{"query of slashes and question marks", "coap://h/?/?", coap.URI{Scheme: "coap", Host: "h", Port: 5683, Path: "/", Query: "/?"}, "coap://h/?/?", "h:5683", []option{{3, "h"}, {15, "/?"}}},
		{"empty query", "coap://h/?", coap.URI{Scheme: "coap", Host: "h", Port: 5683, Path: "/"}, "coap://h/", "h:5683", []option{{3, "h"}}},
		{"dots", "coap://h/a/../b/.", coap.URI{Scheme: "coap", Host: "h", Port: 5683, Path: "/a/../b/."}, "coap://h/a/../b/.", "h:5683", []option{{3, "h"}, {11, "b"}, {11, ""}}},
		{"escaped host", "coap://%41%c3%bc", coap.URI{Scheme: "coap", Host: "%41%c3%bc", Port: 5683}, "coap://%41%c3%bc", "Aü:5683", []option{{3, "aü"}}},
		{"longest host", "coap://" + rep('h', 255), coap.URI{Scheme: "coap", Host: rep('h', 255), Port: 5683}, "coap://" + rep('h', 255), rep('h', 255) + ":5683", []option{{3, rep('h', 255)}}},
		{"highest port, zeros in front", "coap://h:0065535", coap.URI{Scheme: "coap", Host: "h", Port: 65535}, "coap://h:65535", "h:65535", []option{{3, "h"}}},
		{"IPv4 in IPv6", "coap://[::ffff:198.51.100.1]:1", coap.URI{Scheme: "coap", Host: "::ffff:198.51.100.1", Port: 1}, "coap://[::ffff:198.51.100.1]:1", "[::ffff:198.51.100.1]:1", nil},
		{"zone: RFC 6874", "coap://[fe80::1%25eth0]/", coap.URI{Scheme: "coap", Host: "fe80::1%25eth0", Port: 5683, Path: "/"}, "coap://[fe80::1%25eth0]/", "[fe80::1%eth0]:5683", nil},
		{"zone as people write it", "coap://[fe80::1%eth0]", coap.URI{Scheme: "coap", Host: "fe80::1%eth0", Port: 5683}, "coap://[fe80::1%eth0]", "[fe80::1%eth0]:5683", nil},
		{"zone of two digits", "coap://[fe80::1%42]", coap.URI{Scheme: "coap", Host: "fe80::1%42", Port: 5683}, "coap://[fe80::1%42]", "[fe80::1%42]:5683", nil},
		{"not quite IPv4: a byte above 255", "coap://1.2.3.256", coap.URI{Scheme: "coap", Host: "1.2.3.256", Port: 5683}, "coap://1.2.3.256", "1.2.3.256:5683", []option{{3, "1.2.3.256"}}},
		{"not quite IPv4: three bytes", "coap://1.2.3", coap.URI{Scheme: "coap", Host: "1.2.3", Port: 5683}, "coap://1.2.3", "1.2.3:5683", []option{{3, "1.2.3"}}},
		{"not quite IPv4: five bytes", "coap://1.2.3.4.5", coap.URI{Scheme: "coap", Host: "1.2.3.4.5", Port: 5683}, "coap://1.2.3.4.5", "1.2.3.4.5:5683", []option{{3, "1.2.3.4.5"}}},
		{"not quite IPv4: a zero in front", "coap://1.2.3.04", coap.URI{Scheme: "coap", Host: "1.2.3.04", Port: 5683}, "coap://1.2.3.04", "1.2.3.04:5683", []option{{3, "1.2.3.04"}}},
		{"not quite IPv4: a dot behind", "coap://1.2.3.4.", coap.URI{Scheme: "coap", Host: "1.2.3.4.", Port: 5683}, "coap://1.2.3.4.", "1.2.3.4.:5683", []option{{3, "1.2.3.4."}}},
	} {
		u, err := coap.ParseURI(c.uri)
		if u != c.want || err != nil {
			t.Errorf("%s: ParseURI(%q) = %+v, %v", c.name, c.uri, u, err)
			continue
		}
		if got := u.Append([]byte("dst")); string(got) != "dst"+c.text || u.String() != c.text {
			t.Errorf("%s: %+v is %q, %q, want %q", c.name, u, got, u, c.text)
		}
		if got := u.AppendAddress([]byte("dst")); string(got) != "dst"+c.address {
			t.Errorf("%s: AppendAddress = %q, want %q", c.name, got, c.address)
		}
		o, err := u.AppendOptions([]byte("dst"))
		if got := decoded(o[3:]); !slices.Equal(got, c.options) || err != nil {
			t.Errorf("%s: AppendOptions = %+v, %v, want %+v", c.name, got, err, c.options)
		}
	}
}

func TestURIErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		uri  string
		err  error
	}{
		{"nothing", "", coap.ErrURIScheme},
		{"no scheme", "//h/", coap.ErrURIScheme},
		{"scheme alone", "coap", coap.ErrURIScheme},
		{"other scheme", "http://h/", coap.ErrURIScheme},
		{"scheme that goes on", "coapx://h/", coap.ErrURIScheme},
		{"blank in front", " coap://h/", coap.ErrURIScheme},
		{"over WebSocket, which is not supported", "coap+ws://h/", coap.ErrURIScheme},
		{"no authority", "coap:", coap.ErrURIHost},
		{"path without authority", "coap:/a", coap.ErrURIHost},
		{"no host: RFC 7252 section 6.1", "coap:///a", coap.ErrURIHost},
		{"no host but a port", "coap://:5683/", coap.ErrURIHost},
		{"byte that no host has", "coap://a b/", coap.ErrURIHost},
		{"escaped colon, which would begin a port", "coap://a%3A1/", coap.ErrURIHost},
		{"escaped bracket, which would begin an address", "coap://%5Ba/", coap.ErrURIHost},
		{"escaped NUL", "coap://a%00/", coap.ErrURIHost},
		{"escaped percent sign", "coap://a%25/", coap.ErrURIHost},
		{"long host", "coap://" + rep('h', 256), coap.ErrURIHost},
		{"bracket without end", "coap://[::1/", coap.ErrURIHost},
		{"name in brackets", "coap://[name]/", coap.ErrURIHost},
		{"IPvFuture", "coap://[v1.a:b:c]/", coap.ErrURIHost},
		{"one colon", "coap://[1:2]/", coap.ErrURIHost},
		{"nine groups", "coap://[1:2:3:4:5:6:7:8:9]/", coap.ErrURIHost},
		{"long address", "coap://[::" + rep('1', 44) + "]/", coap.ErrURIHost},
		{"empty zone", "coap://[fe80::1%]/", coap.ErrURIHost},
		{"empty zone, escaped", "coap://[fe80::1%25]/", coap.ErrURIHost},
		{"zone with a slash", "coap://[fe80::1%a/b]/", coap.ErrURIHost},
		{"zone with a bracket", "coap://[fe80::1%a[]/", coap.ErrURIHost},
		{"something behind the bracket", "coap://[::1]a/", coap.ErrURIHost},
		{"two ports", "coap://h:1:2/", coap.ErrURIPort},
		{"port of 0", "coap://h:0/", coap.ErrURIPort},
		{"port of 65536", "coap://h:65536/", coap.ErrURIPort},
		{"port of many digits", "coap://h:99999999999999999999/", coap.ErrURIPort},
		{"port that is no number", "coap://h:5a/", coap.ErrURIPort},
		{"port that is negative", "coap://h:-1/", coap.ErrURIPort},
		{"user information", "coap://user@h/", coap.ErrURIUser},
		{"fragment: RFC 7252 section 6.4, step 3", "coap://h/a#b", coap.ErrURIFragment},
		{"fragment behind the query", "coap://h/a?b#", coap.ErrURIFragment},
		{"byte that no path has", "coap://h/a b", coap.ErrURIByte},
		{"byte that no query has", "coap://h/a?{}", coap.ErrURIByte},
		{"broken escape in the host", "coap://%4/", coap.ErrURIEscape},
		{"broken escape in the path", "coap://h/%4x", coap.ErrURIEscape},
		{"broken escape in the query", "coap://h/?%", coap.ErrURIEscape},
	} {
		if u, err := coap.ParseURI(c.uri); u != (coap.URI{}) || err != c.err {
			t.Errorf("%s: ParseURI(%q) = %+v, %v, want %v", c.name, short(c.uri), u, err, c.err)
		}
	}
}

// A URI that was not parsed has its errors when it is used.
func TestURIOfHand(t *testing.T) {
	for _, c := range []struct {
		name string
		uri  coap.URI
		err  error
	}{
		{"no host", coap.URI{Scheme: "coap"}, coap.ErrURIHost},
		{"long host", coap.URI{Host: rep('h', 256)}, coap.ErrURIHost},
		{"broken escape in the host", coap.URI{Host: "a%4"}, coap.ErrURIEscape},
		{"byte that no host has", coap.URI{Host: "a/b"}, coap.ErrURIHost},
		{"long segment", coap.URI{Host: "h", Path: "/a/" + rep('a', 256)}, coap.ErrURISegment},
		{"escaped dots", coap.URI{Host: "h", Path: "/%2e"}, coap.ErrURIDots},
		{"long part", coap.URI{Host: "h", Query: rep('a', 256)}, coap.ErrURISegment},
		{"broken escape in the query", coap.URI{Host: "h", Query: "%"}, coap.ErrURIEscape},
	} {
		if got, err := c.uri.AppendOptions([]byte("dst")); string(got) != "dst" || err != c.err {
			t.Errorf("%s: AppendOptions = %q, %v, want %v", c.name, got, err, c.err)
		}
		c.uri.AppendAddress(nil) // nonsense, and no panic
	}
	u := coap.URI{Scheme: "coap+tcp", Host: "h", Path: "a/b"}
	if u.String() != "coap+tcp://h/a/b" {
		t.Errorf("%+v is %q", u, u)
	}
	if o, err := u.AppendOptions(nil); err != nil || string(coap.Options(o).AppendPath(nil)) != "/a/b" {
		t.Errorf("%+v has the options %q, %v", u, o, err)
	}
}

func TestSchemes(t *testing.T) {
	for _, scheme := range []string{"coap", "coaps", "coap+tcp", "coaps+tcp"} {
		u, err := coap.ParseURI(scheme + "://h")
		if err != nil || u.IsTCP() != strings.Contains(scheme, "tcp") || u.IsSecure() != strings.HasPrefix(scheme, "coaps") {
			t.Errorf("%s: %+v, TCP %v, secure %v, %v", scheme, u, u.IsTCP(), u.IsSecure(), err)
		}
	}
}
