package coap_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
)

// The registry, as the tables of the RFCs print it: C critical, U unsafe, N not
// part of the cache key, R repeatable.
var registry = []struct {
	option coap.Option
	number int
	flags  string
	name   string
	kind   coap.Kind
	min    int
	max    int
}{
	// RFC 7252 section 5.10, table 4
	{coap.OptIfMatch, 1, "CR", "If-Match", coap.KindOpaque, 0, 8},
	{coap.OptURIHost, 3, "CU", "Uri-Host", coap.KindString, 1, 255},
	{coap.OptETag, 4, "R", "ETag", coap.KindOpaque, 1, 8},
	{coap.OptIfNoneMatch, 5, "C", "If-None-Match", coap.KindEmpty, 0, 0},
	{coap.OptURIPort, 7, "CU", "Uri-Port", coap.KindUint, 0, 2},
	{coap.OptLocationPath, 8, "R", "Location-Path", coap.KindString, 0, 255},
	{coap.OptURIPath, 11, "CUR", "Uri-Path", coap.KindString, 0, 255},
	{coap.OptContentFormat, 12, "", "Content-Format", coap.KindUint, 0, 2},
	{coap.OptMaxAge, 14, "U", "Max-Age", coap.KindUint, 0, 4},
	{coap.OptURIQuery, 15, "CUR", "Uri-Query", coap.KindString, 0, 255},
	{coap.OptAccept, 17, "C", "Accept", coap.KindUint, 0, 2},
	{coap.OptLocationQuery, 20, "R", "Location-Query", coap.KindString, 0, 255},
	{coap.OptProxyURI, 35, "CU", "Proxy-Uri", coap.KindString, 1, 1034},
	{coap.OptProxyScheme, 39, "CU", "Proxy-Scheme", coap.KindString, 1, 255},
	{coap.OptSize1, 60, "N", "Size1", coap.KindUint, 0, 4},
	// RFC 7641 section 2, table 1
	{coap.OptObserve, 6, "U", "Observe", coap.KindUint, 0, 3},
	// RFC 7959 section 2.1, table 1, and section 4, table 2
	{coap.OptBlock2, 23, "CU", "Block2", coap.KindUint, 0, 3},
	{coap.OptBlock1, 27, "CU", "Block1", coap.KindUint, 0, 3},
	{coap.OptSize2, 28, "N", "Size2", coap.KindUint, 0, 4},
	// RFC 8613 section 2, figure 4
	{coap.OptOSCORE, 9, "C", "OSCORE", coap.KindOpaque, 0, 255},
	// RFC 8768 section 3, table 1
	{coap.OptHopLimit, 16, "", "Hop-Limit", coap.KindUint, 1, 1},
	// RFC 9177 section 4.1, table 1
	{coap.OptQBlock1, 19, "CU", "Q-Block1", coap.KindUint, 0, 3},
	{coap.OptQBlock2, 31, "CUR", "Q-Block2", coap.KindUint, 0, 3},
	// RFC 9668 section 3.1, figure 4
	{coap.OptEDHOC, 21, "C", "EDHOC", coap.KindEmpty, 0, 0},
	// RFC 9175 sections 2.2.1 and 3.2.1
	{coap.OptEcho, 252, "N", "Echo", coap.KindOpaque, 1, 40},
	{coap.OptRequestTag, 292, "R", "Request-Tag", coap.KindOpaque, 0, 8},
	// RFC 7967 section 2, table 1
	{coap.OptNoResponse, 258, "U", "No-Response", coap.KindUint, 0, 1},
}

func TestRegistry(t *testing.T) {
	for _, c := range registry {
		o := c.option
		if int(o) != c.number || o.String() != c.name {
			t.Errorf("option %d is %q, want %d, %q", o, o, c.number, c.name)
		}
		d, ok := o.Definition()
		flags := ""
		for _, f := range []struct {
			letter string
			set    bool
		}{{"C", o.IsCritical()}, {"U", o.IsUnsafe()}, {"N", o.IsNoCacheKey()}, {"R", d.Repeatable}} {
			if f.set {
				flags += f.letter
			}
		}
		if !ok || d.Name != c.name || d.Kind != c.kind || int(d.Min) != c.min || int(d.Max) != c.max || flags != c.flags {
			t.Errorf("%s is %+v, %q, %v, want %+v", o, d, flags, ok, c)
		}
		if o.Fits(c.min-1) || !o.Fits(c.min) || !o.Fits(c.max) || o.Fits(c.max+1) {
			t.Errorf("%s fits %v %v %v %v", o, o.Fits(c.min-1), o.Fits(c.min), o.Fits(c.max), o.Fits(c.max+1))
		}
		for _, s := range []string{c.name, strings.ToLower(c.name), strings.ToUpper(c.name), strconv.Itoa(c.number)} {
			if got, ok := coap.ParseOptionName(s); got != o || !ok {
				t.Errorf("ParseOptionName(%q) = %d, %v", s, got, ok)
			}
		}
	}
}

// RFC 7252 section 5.4.6, figure 10: what the bits of a number say.
func TestNumbers(t *testing.T) {
	for i := range 1 << 16 {
		o := coap.Option(i)
		critical, unsafe, noCacheKey := i%2 == 1, i/2%2 == 1, i/2%2 == 0 && i/4%8 == 7
		if o.IsCritical() != critical || o.IsUnsafe() != unsafe || o.IsNoCacheKey() != noCacheKey {
			t.Errorf("option %d is critical %v, unsafe %v, no cache key %v", i, o.IsCritical(), o.IsUnsafe(), o.IsNoCacheKey())
		}
	}
}

// What the registry does not have is known by its number alone.
func TestUnregistered(t *testing.T) {
	registered := map[coap.Option]bool{}
	for _, c := range registry {
		registered[c.option] = true
	}
	for i := range 1 << 16 {
		o := coap.Option(i)
		d, ok := o.Definition()
		if ok != registered[o] || !ok && (d != coap.Definition{} || o.String() != "unregistered" || !o.Fits(0) || !o.Fits(coap.MaxOptionValue) || o.Fits(coap.MaxOptionValue+1)) {
			t.Errorf("option %d is %+v, %v", i, d, ok)
		}
	}
	for _, s := range []string{"", "unregistered", "65536", "99999", "100000", "0x1", "01", "-1", "1 ", "1:", "Uri", "Uri-Path "} {
		if o, ok := coap.ParseOptionName(s); ok || o != 0 {
			t.Errorf("ParseOptionName(%q) = %d", s, o)
		}
	}
	for s, want := range map[string]coap.Option{"0": 0, "65535": 65535, "2": 2, "10000": 10000} {
		if o, ok := coap.ParseOptionName(s); o != want || !ok {
			t.Errorf("ParseOptionName(%q) = %d, %v", s, o, ok)
		}
	}
}
