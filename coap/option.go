package coap

import "github.com/bobtail-go/bobtail/internal/ascii"

// The registry of options (RFC 7252 section 12.2), and what the numbers tell.

// Option is the number of an option. In signaling messages (Code.IsSignal) the
// same numbers mean other things (RFC 8323 section 5.2), and what this file says
// does not hold.
type Option uint16

// The options that the registry has.
const (
	OptIfMatch       Option = 1   // RFC 7252 section 5.10.8.1
	OptURIHost       Option = 3   // RFC 7252 section 5.10.1
	OptETag          Option = 4   // RFC 7252 section 5.10.6
	OptIfNoneMatch   Option = 5   // RFC 7252 section 5.10.8.2
	OptObserve       Option = 6   // RFC 7641 section 2
	OptURIPort       Option = 7   // RFC 7252 section 5.10.1
	OptLocationPath  Option = 8   // RFC 7252 section 5.10.7
	OptOSCORE        Option = 9   // RFC 8613 section 2
	OptURIPath       Option = 11  // RFC 7252 section 5.10.1
	OptContentFormat Option = 12  // RFC 7252 section 5.10.3
	OptMaxAge        Option = 14  // RFC 7252 section 5.10.5
	OptURIQuery      Option = 15  // RFC 7252 section 5.10.1
	OptHopLimit      Option = 16  // RFC 8768 section 3
	OptAccept        Option = 17  // RFC 7252 section 5.10.4
	OptQBlock1       Option = 19  // RFC 9177 section 4.1
	OptLocationQuery Option = 20  // RFC 7252 section 5.10.7
	OptEDHOC         Option = 21  // RFC 9668 section 3.1
	OptBlock2        Option = 23  // RFC 7959 section 2.1
	OptBlock1        Option = 27  // RFC 7959 section 2.1
	OptSize2         Option = 28  // RFC 7959 section 4
	OptQBlock2       Option = 31  // RFC 9177 section 4.1
	OptProxyURI      Option = 35  // RFC 7252 section 5.10.2
	OptProxyScheme   Option = 39  // RFC 7252 section 5.10.2
	OptSize1         Option = 60  // RFC 7252 section 5.10.9, RFC 7959 section 4
	OptEcho          Option = 252 // RFC 9175 section 2.2.1
	OptNoResponse    Option = 258 // RFC 7967 section 2
	OptRequestTag    Option = 292 // RFC 9175 section 3.2.1
)

// IsCritical reports whether a message with the option must be refused by who
// does not understand it, instead of the option being ignored (RFC 7252 section
// 5.4.1). It holds in signaling messages too.
func (o Option) IsCritical() bool { return o&1 != 0 }

// IsUnsafe reports whether a proxy that does not understand the option must not
// forward the message (RFC 7252 section 5.4.2).
func (o Option) IsUnsafe() bool { return o&2 != 0 }

// IsNoCacheKey reports whether the option is not part of the cache key (RFC 7252
// section 5.4.2); unsafe options always are.
func (o Option) IsNoCacheKey() bool { return o&0x1E == 0x1C }

// Kind is the format of an option's value (RFC 7252 section 3.2). Zero is that
// of no option.
type Kind uint8

// The formats.
const (
	KindEmpty  Kind = iota + 1 // no bytes
	KindUint                   // a number, most significant byte first, best without leading zeros
	KindString                 // UTF-8 in Net-Unicode form
	KindOpaque                 // any bytes
)

// Definition is what the registry says of an option.
type Definition struct {
	Name       string
	Kind       Kind
	Min, Max   uint16 // the shortest and the longest value, in bytes
	Repeatable bool   // may be in a message more than once (RFC 7252 section 5.4.5)
	number     Option
}

// definitions has the registry, in the order of the numbers.
var definitions = [...]Definition{
	{"If-Match", KindOpaque, 0, 8, true, OptIfMatch},
	{"Uri-Host", KindString, 1, 255, false, OptURIHost},
	{"ETag", KindOpaque, 1, 8, true, OptETag},
	{"If-None-Match", KindEmpty, 0, 0, false, OptIfNoneMatch},
	{"Observe", KindUint, 0, 3, false, OptObserve},
	{"Uri-Port", KindUint, 0, 2, false, OptURIPort},
	{"Location-Path", KindString, 0, 255, true, OptLocationPath},
	{"OSCORE", KindOpaque, 0, 255, false, OptOSCORE},
	{"Uri-Path", KindString, 0, 255, true, OptURIPath},
	{"Content-Format", KindUint, 0, 2, false, OptContentFormat},
	{"Max-Age", KindUint, 0, 4, false, OptMaxAge},
	{"Uri-Query", KindString, 0, 255, true, OptURIQuery},
	{"Hop-Limit", KindUint, 1, 1, false, OptHopLimit},
	{"Accept", KindUint, 0, 2, false, OptAccept},
	{"Q-Block1", KindUint, 0, 3, false, OptQBlock1},
	{"Location-Query", KindString, 0, 255, true, OptLocationQuery},
	{"EDHOC", KindEmpty, 0, 0, false, OptEDHOC},
	{"Block2", KindUint, 0, 3, false, OptBlock2},
	{"Block1", KindUint, 0, 3, false, OptBlock1},
	{"Size2", KindUint, 0, 4, false, OptSize2},
	{"Q-Block2", KindUint, 0, 3, true, OptQBlock2},
	{"Proxy-Uri", KindString, 1, 1034, false, OptProxyURI},
	{"Proxy-Scheme", KindString, 1, 255, false, OptProxyScheme},
	{"Size1", KindUint, 0, 4, false, OptSize1},
	{"Echo", KindOpaque, 1, 40, false, OptEcho},
	{"No-Response", KindUint, 0, 1, false, OptNoResponse},
	{"Request-Tag", KindOpaque, 0, 8, true, OptRequestTag},
}

// lowDefinitions is one more than the index into definitions of each option
// below 64.
var lowDefinitions = [64]uint8{
	OptIfMatch: 1, OptURIHost: 2, OptETag: 3, OptIfNoneMatch: 4, OptObserve: 5, OptURIPort: 6, OptLocationPath: 7, OptOSCORE: 8,
	OptURIPath: 9, OptContentFormat: 10, OptMaxAge: 11, OptURIQuery: 12, OptHopLimit: 13, OptAccept: 14, OptQBlock1: 15,
	OptLocationQuery: 16, OptEDHOC: 17, OptBlock2: 18, OptBlock1: 19, OptSize2: 20, OptQBlock2: 21, OptProxyURI: 22,
	OptProxyScheme: 23, OptSize1: 24,
}

// definition is what the registry says of the option, nil if nothing.
func (o Option) definition() *Definition {
	i := uint8(0)
	switch {
	case o < 64:
		i = lowDefinitions[o]
	case o == OptEcho:
		i = 25
	case o == OptNoResponse:
		i = 26
	case o == OptRequestTag:
		i = 27
	}
	if i == 0 {
		return nil
	}
	return &definitions[i-1]
}

// Definition is what the registry says of the option; ok is false if it does
// not have it.
func (o Option) Definition() (d Definition, ok bool) {
	if p := o.definition(); p != nil {
		return *p, true
	}
	return d, false
}

// Fits reports whether a value of n bytes is within the bounds that the
// registry has for the option; it has none for those that it does not have. An
// option that does not fit is to be treated as one that is not understood (RFC
// 7252 section 5.4.3).
func (o Option) Fits(n int) bool {
	d := o.definition()
	return d == nil && n <= MaxOptionValue || d != nil && n >= int(d.Min) && n <= int(d.Max)
}

// String is the name of the option, such as "Uri-Path", "unregistered" if the
// registry does not have it.
func (o Option) String() string {
	if d := o.definition(); d != nil {
		return d.Name
	}
	return "unregistered"
}

// ParseOptionName is the option of a name, in upper or lower case, or of a
// number in decimal, whether the registry has it or not.
func ParseOptionName(s string) (o Option, ok bool) {
	for i := range definitions {
		if ascii.EqualFold(s, definitions[i].Name) {
			return definitions[i].number, true
		}
	}
	n, ok := parseUint16(s)
	return Option(n), ok
}

// parseUint16 reads a number in decimal below 2^16, without leading zeros.
func parseUint16(s string) (n uint16, ok bool) {
	if len(s) == 0 || len(s) > 5 || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	v := uint32(0)
	for i := 0; i < len(s); i++ {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		v = 10*v + uint32(d)
	}
	if v > 65535 {
		return 0, false
	}
	return uint16(v), true
}
