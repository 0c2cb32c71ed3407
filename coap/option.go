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
}

// bounds is the part of a Definition that every reader of a request asks for.
type bounds struct {
	min, max   uint16
	repeatable bool
}

// definitions has the bounds of the registry, in the order of the numbers.
var definitions = [...]bounds{
	{0, 8, true},     // If-Match
	{1, 255, false},  // Uri-Host
	{1, 8, true},     // ETag
	{0, 0, false},    // If-None-Match
	{0, 3, false},    // Observe
	{0, 2, false},    // Uri-Port
	{0, 255, true},   // Location-Path
	{0, 255, false},  // OSCORE
	{0, 255, true},   // Uri-Path
	{0, 2, false},    // Content-Format
	{0, 4, false},    // Max-Age
	{0, 255, true},   // Uri-Query
	{1, 1, false},    // Hop-Limit
	{0, 2, false},    // Accept
	{0, 3, false},    // Q-Block1
	{0, 255, true},   // Location-Query
	{0, 0, false},    // EDHOC
	{0, 3, false},    // Block2
	{0, 3, false},    // Block1
	{0, 4, false},    // Size2
	{0, 3, true},     // Q-Block2
	{1, 1034, false}, // Proxy-Uri
	{1, 255, false},  // Proxy-Scheme
	{0, 4, false},    // Size1
	{1, 40, false},   // Echo
	{0, 1, false},    // No-Response
	{0, 8, true},     // Request-Tag
}

// labels has the rest of the registry, in the same order. It is a table of its
// own so that a program which names no option links no name.
var labels = [len(definitions)]struct {
	name   string
	kind   Kind
	number Option
}{
	{"If-Match", KindOpaque, OptIfMatch},
	{"Uri-Host", KindString, OptURIHost},
	{"ETag", KindOpaque, OptETag},
	{"If-None-Match", KindEmpty, OptIfNoneMatch},
	{"Observe", KindUint, OptObserve},
	{"Uri-Port", KindUint, OptURIPort},
	{"Location-Path", KindString, OptLocationPath},
	{"OSCORE", KindOpaque, OptOSCORE},
	{"Uri-Path", KindString, OptURIPath},
	{"Content-Format", KindUint, OptContentFormat},
	{"Max-Age", KindUint, OptMaxAge},
	{"Uri-Query", KindString, OptURIQuery},
	{"Hop-Limit", KindUint, OptHopLimit},
	{"Accept", KindUint, OptAccept},
	{"Q-Block1", KindUint, OptQBlock1},
	{"Location-Query", KindString, OptLocationQuery},
	{"EDHOC", KindEmpty, OptEDHOC},
	{"Block2", KindUint, OptBlock2},
	{"Block1", KindUint, OptBlock1},
	{"Size2", KindUint, OptSize2},
	{"Q-Block2", KindUint, OptQBlock2},
	{"Proxy-Uri", KindString, OptProxyURI},
	{"Proxy-Scheme", KindString, OptProxyScheme},
	{"Size1", KindUint, OptSize1},
	{"Echo", KindOpaque, OptEcho},
	{"No-Response", KindUint, OptNoResponse},
	{"Request-Tag", KindOpaque, OptRequestTag},
}

// lowDefinitions is one more than the index into definitions of each option
// below 64.
var lowDefinitions = [64]uint8{
	OptIfMatch: 1, OptURIHost: 2, OptETag: 3, OptIfNoneMatch: 4, OptObserve: 5, OptURIPort: 6, OptLocationPath: 7, OptOSCORE: 8,
	OptURIPath: 9, OptContentFormat: 10, OptMaxAge: 11, OptURIQuery: 12, OptHopLimit: 13, OptAccept: 14, OptQBlock1: 15,
	OptLocationQuery: 16, OptEDHOC: 17, OptBlock2: 18, OptBlock1: 19, OptSize2: 20, OptQBlock2: 21, OptProxyURI: 22,
	OptProxyScheme: 23, OptSize1: 24,
}

// registered is one more than the index into definitions, 0 for an option that
// the registry does not have.
func (o Option) registered() int {
	switch {
	case o < 64:
		return int(lowDefinitions[o])
	case o == OptEcho:
		return 25
	case o == OptNoResponse:
		return 26
	case o == OptRequestTag:
		return 27
	}
	return 0
}

// bounds is what the registry says of the option, nil if nothing.
func (o Option) bounds() *bounds {
	i := o.registered()
	if i == 0 {
		return nil
	}
	return &definitions[i-1]
}

// Definition is what the registry says of the option; ok is false if it does
// not have it.
func (o Option) Definition() (d Definition, ok bool) {
	i := o.registered()
	if i == 0 {
		return d, false
	}
	b, l := &definitions[i-1], &labels[i-1]
	return Definition{Name: l.name, Kind: l.kind, Min: b.min, Max: b.max, Repeatable: b.repeatable}, true
}

// Repeatable reports whether a message may have the option several times (RFC
// 7252 section 5.4.5). Of one that the registry does not have, that is not known.
func (o Option) Repeatable() bool {
	d := o.bounds()
	return d == nil || d.repeatable
}

// Fits reports whether a value of n bytes is within the bounds that the
// registry has for the option; it has none for those that it does not have. An
// option that does not fit is to be treated as one that is not understood (RFC
// 7252 section 5.4.3).
func (o Option) Fits(n int) bool {
	d := o.bounds()
	return d == nil && n <= MaxOptionValue || d != nil && n >= int(d.min) && n <= int(d.max)
}

// String is the name of the option, such as "Uri-Path", "unregistered" if the
// registry does not have it.
func (o Option) String() string {
	if i := o.registered(); i != 0 {
		return labels[i-1].name
	}
	return "unregistered"
}

// ParseOptionName is the option of a name, in upper or lower case, or of a
// number in decimal, whether the registry has it or not.
func ParseOptionName(s string) (o Option, ok bool) {
	for i := range labels {
		if ascii.EqualFold(s, labels[i].name) {
			return labels[i].number, true
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
