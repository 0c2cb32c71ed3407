package ws

import "github.com/bobtail-go/bobtail/internal/ascii"

// The server's side of the handshake (RFC 6455 section 4.2).

// Version is the version of the protocol, as Sec-WebSocket-Version has it.
const Version = "13"

// Offer is what a server needs to know of a request that asks for WebSocket.
// Fill it in, by Field and where that cannot, and call Check. Its zero value is
// empty. All bytes are views of the caller's.
type Offer struct {
	Get        bool // the method is GET
	HTTP11     bool // the version is 1.1 or higher
	Upgrade    bool // Upgrade has websocket
	Connection bool // Connection has upgrade; http1.Head.Upgrade tells, where the field is not kept

	Host       []byte
	Origin     []byte // nil if there is none, as from all that are no browsers
	Key        []byte // Sec-WebSocket-Key
	Version    []byte // Sec-WebSocket-Version
	Protocols  Lines  // Sec-WebSocket-Protocol, for Protocol
	Extensions Lines  // Sec-WebSocket-Extensions

	twice uint8 // fields that came more than once
}

const (
	twiceHost = 1 << iota
	twiceOrigin
	twiceKey
	twiceVersion
)

// Field takes a field line of the request. Those that are no concern of the
// handshake are passed over.
func (o *Offer) Field(name, value []byte) {
	switch len(name) {
	case len("Host"):
		if ascii.EqualFold(name, "host") {
			o.once(&o.Host, value, twiceHost)
		}
	case len("Origin"):
		if ascii.EqualFold(name, "origin") {
			o.once(&o.Origin, value, twiceOrigin)
		}
	case len("Upgrade"):
		if ascii.EqualFold(name, "upgrade") && hasToken(value, "websocket") {
			o.Upgrade = true
		}
	case len("Connection"):
		if ascii.EqualFold(name, "connection") && hasToken(value, "upgrade") {
			o.Connection = true
		}
	case len("Sec-WebSocket-Key"):
		if ascii.EqualFold(name, "sec-websocket-key") {
			o.once(&o.Key, value, twiceKey)
		}
	case len("Sec-WebSocket-Version"):
		if ascii.EqualFold(name, "sec-websocket-version") {
			o.once(&o.Version, value, twiceVersion)
		}
	case len("Sec-WebSocket-Protocol"):
		if ascii.EqualFold(name, "sec-websocket-protocol") {
			o.Protocols.add(value)
		}
	case len("Sec-WebSocket-Extensions"):
		if ascii.EqualFold(name, "sec-websocket-extensions") {
			o.Extensions.add(value)
		}
	}
}

// once sets a field that may come once.
func (o *Offer) once(field *[]byte, value []byte, twice uint8) {
	if *field != nil {
		o.twice |= twice
	}
	if value == nil {
		value = []byte{}
	}
	*field = value
}

// Check reports whether the request is the handshake of a client as RFC 6455
// section 4.2.1 has it. An error is an Error, whose Status is what to answer:
// 405, 426 or 400. Whether the Origin is allowed is for the caller, who must ask
// SameOrigin if he has no other policy.
func (o *Offer) Check() error { return o.check().err() }

func (o *Offer) check() Error {
	switch {
	case !o.Get:
		return ErrMethod // item 1
	case !o.HTTP11:
		return ErrHTTPVersion // item 1
	case len(o.Host) == 0:
		return ErrHostMissing // item 2
	case o.twice&twiceHost != 0:
		return ErrHostTwice // RFC 9112 section 3.2
	case !o.Upgrade:
		return ErrUpgrade // item 3
	case !o.Connection:
		return ErrConnection // item 4
	case o.twice&twiceVersion != 0:
		return ErrVersionTwice // section 11.3.5
	case !ascii.Equal(o.Version, Version):
		return ErrVersion // item 6
	case o.Key == nil:
		return ErrKeyMissing // item 5
	case o.twice&twiceKey != 0:
		return ErrKeyTwice // section 11.3.1
	case !isKey(o.Key):
		return ErrKey // item 5
	case o.twice&twiceOrigin != 0:
		return ErrOriginTwice // RFC 6454 section 7.3
	}
	for i := range o.Protocols.Len() {
		if !tokens(o.Protocols.Line(i)) {
			return ErrProtocolSyntax // item 8
		}
	}
	for i := range o.Extensions.Len() {
		if !extensions(o.Extensions.Line(i)) {
			return ErrExtension // item 9
		}
	}
	return 0
}

// extensions reports whether v is a list of extensions, of at least one.
func extensions(v []byte) bool {
	some := false
	for len(v) != 0 {
		x, n, err := ParseExtension(v)
		if err != nil {
			return false
		}
		some = some || x.Name != nil
		v = v[n:]
	}
	return some
}

// Protocol is the index of the subprotocol to speak, of those that we have, and
// -1 if there is none in common: ChooseProtocol over all lines.
func (o *Offer) Protocol(ours []string) int {
	best := -1
	for i := range o.Protocols.Len() {
		if c := ChooseProtocol(o.Protocols.Line(i), ours); c >= 0 && (best < 0 || c < best) {
			best = c
		}
	}
	return best
}

// ChooseProtocol is the index of the first subprotocol of ours that is in the
// list of those that are offered, and -1 if none is. They are compared byte by
// byte (RFC 6455 section 11.5).
func ChooseProtocol(offered []byte, ours []string) int {
	best := -1
	for more := true; more; {
		var e []byte
		e, offered, more = cutList(offered)
		for i, s := range ours {
			if ascii.Equal(e, s) {
				best, ours = i, ours[:i] // only one that we like better counts from here on
				break
			}
		}
	}
	return best
}

// acceptGUID is what RFC 6455 section 1.3 wants behind the key.
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// AcceptSize is the number of bytes that AppendAccept appends.
const AcceptSize = 28

// AppendAccept appends the value of Sec-WebSocket-Accept for that of
// Sec-WebSocket-Key (RFC 6455 section 4.2.2).
func AppendAccept(dst, key []byte) []byte {
	a := accept(key)
	return append(dst, a[:]...)
}

func accept(key []byte) (value [AcceptSize]byte) {
	var h sha1
	for _, c := range key {
		h.write(c)
	}
	for i := range len(acceptGUID) {
		h.write(acceptGUID[i])
	}
	sum := h.sum()
	encodeBase64(value[:], sum[:])
	return value
}

// SameOrigin reports whether a page of this origin may talk to this host: its
// host and port are the same, or there is no Origin, since no browser sends the
// request then (RFC 6455 section 10.2). A port that is not written is that of
// the origin's scheme. It is the policy to begin with: without one, every page
// that a user visits may use his cookies here.
func SameOrigin(origin, host []byte) bool {
	if origin == nil {
		return true
	}
	var port string
	switch {
	case ascii.HasPrefixFold(origin, "http://"):
		origin, port = origin[len("http://"):], "80"
	case ascii.HasPrefixFold(origin, "https://"):
		origin, port = origin[len("https://"):], "443"
	default:
		return false // "null" too
	}
	a, ap := cutPort(origin)
	b, bp := cutPort(host)
	if len(a) == 0 || !ascii.EqualFold(a, b) {
		return false
	}
	switch {
	case len(ap) == 0 && len(bp) == 0:
		return true
	case len(ap) == 0:
		return ascii.Equal(bp, port)
	case len(bp) == 0:
		return ascii.Equal(ap, port)
	}
	return ascii.EqualFold(ap, bp)
}

// cutPort splits host [ ":" port ], whose host may be in brackets.
func cutPort(b []byte) (host, port []byte) {
	for i := len(b) - 1; i >= 0 && b[i] != ']'; i-- {
		if b[i] == ':' {
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}
