// Package mdns answers who asks a local network for a name that ends in .local
// (RFC 6762): one name, with one IPv4 address. It is made of frames as a network
// card has them, in memory of the caller's, and knows no network.
//
// It does not probe whether another machine has the name, and does not defend
// it (sections 8.1 and 9): give each machine a name of its own.
package mdns

const (
	ethHeader = 14
	udpHeader = 8
	dnsHeader = 12

	port = 5353 // section 3

	typeA    = 1
	typeAny  = 255
	classIN  = 1
	classAny = 255
	flush    = 1 << 15 // of a class in an answer: ours alone has the name (section 10.2)
	unicast  = 1 << 15 // of a class in a question: a unicast answer will do (section 5.4)

	ttl       = 120 // seconds, for names of hosts (section 10)
	ttlLegacy = 10  // for who does not speak the protocol (section 6.7)
)

// MaxName is the longest name in bytes, without .local: a label of DNS (RFC
// 1035 section 2.3.4).
const MaxName = 63

// MaxFrame is the longest frame that Answer and Announce make, in bytes.
const MaxFrame = ethHeader + 20 + udpHeader + dnsHeader + 2*(1+MaxName+7+4) + 6 + 4

// Group is the Ethernet address that questions are sent to, which the card must
// let in (RFC 1112 section 6.4).
var Group = [6]byte{0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb}

// Responder knows a name. Its methods may be called by several goroutines.
type Responder struct {
	Name string  // without .local: letters, digits and hyphens, at most MaxName
	MAC  [6]byte // of our card
}

// Announce makes the frame that tells all of our address, unasked, and returns
// its length. It is sent twice, a second apart, when the address is known
// (section 8.3). out has room for MaxFrame bytes.
func (r *Responder) Announce(addr [4]byte, out []byte) int {
	return r.frame(out, addr, [4]byte{224, 0, 0, 251}, Group, port, question{})
}

// Answer looks at a frame that has come. If it asks for our name, it makes the
// frame to send, in out with room for MaxFrame bytes, and returns its length;
// else 0. addr is our address.
func (r *Responder) Answer(frame []byte, addr [4]byte, out []byte) int {
	if len(frame) < ethHeader+20 || be16(frame[12:]) != 0x0800 {
		return 0
	}
	ip := frame[ethHeader:]
	header, length := int(ip[0]&15)*4, int(be16(ip[2:]))
	if ip[0]>>4 != 4 || header < 20 || length < header+udpHeader+dnsHeader || length > len(ip) ||
		ip[9] != 17 || be16(ip[6:])&0x3fff != 0 || // not UDP, or a fragment
		[4]byte(ip[16:20]) != [4]byte{224, 0, 0, 251} { // it may come from another link (section 11)
		return 0
	}
	udp := ip[header:length]
	size := int(be16(udp[4:]))
	if be16(udp[2:]) != port || size < udpHeader+dnsHeader || size > len(udp) {
		return 0
	}
	q, ok := r.asked(udp[udpHeader:size], addr)
	if !ok {
		return 0
	}
	from := be16(udp)
	if from == port {
		// A unicast answer would do for some, but all may learn from this one
		// (section 6).
		return r.Announce(addr, out)
	}
	// Who asks from another port is no responder, and wants what DNS gives: its
	// question with an answer to it alone (section 6.7).
	q.legacy = true
	return r.frame(out, addr, [4]byte(ip[12:16]), [6]byte(frame[6:12]), from, q)
}

// question is what of a question goes into the answer to who is no responder.
type question struct {
	legacy bool
	id     uint16
	kind   uint16
}

// asked reports whether a message asks for our address, and its sender does not
// have it.
func (r *Responder) asked(m []byte, addr [4]byte) (q question, ok bool) {
	if be16(m[2:])&0xf800 != 0 { // a response, or no standard query (section 18.3)
		return q, false
	}
	q.id = be16(m)
	at := dnsHeader
	for range be16(m[4:]) {
		ours, next := r.name(m, at)
		if next == 0 || next+4 > len(m) {
			return q, false
		}
		kind, class := be16(m[next:]), be16(m[next+2:])&^unicast
		if ours && (kind == typeA || kind == typeAny) && (class == classIN || class == classAny) {
			ok, q.kind = true, kind
		}
		at = next + 4
	}
	// What the sender knows need not be told, if it will know it for half of its
	// time yet (section 7.1).
	for range be16(m[6:]) {
		ours, next := r.name(m, at)
		if next == 0 || next+10 > len(m) {
			return q, ok
		}
		end := next + 10 + int(be16(m[next+8:]))
		if end > len(m) {
			return q, ok
		}
		left := uint32(be16(m[next+4:]))<<16 | uint32(be16(m[next+6:]))
		if ours && be16(m[next:]) == typeA && end == next+14 && [4]byte(m[next+10:end]) == addr && left >= ttl/2 {
			return q, false
		}
		at = end
	}
	return q, ok
}

// local is the last label of our name, and the root's.
const local = "\x05local\x00"

// name reads the name at an offset, and returns whether it is ours, and the
// offset behind it, 0 if it is malformed (RFC 1035 section 4.1.4).
func (r *Responder) name(m []byte, at int) (ours bool, next int) {
	label := 0
	ours = true
	for limit := at; ; label++ {
		if at >= len(m) {
			return false, 0
		}
		n := int(m[at])
		switch {
		case n == 0:
			if next == 0 {
				next = at + 1
			}
			return ours && label == 2, next
		case n >= 0xc0:
			if at+1 >= len(m) {
				return false, 0
			}
			if next == 0 {
				next = at + 2
			}
			to := n&0x3f<<8 | int(m[at+1])
			if to >= limit { // only back, so that it ends
				return false, 0
			}
			at, limit = to, to
			label--
			continue
		case n > MaxName || at+1+n > len(m):
			return false, 0
		}
		switch text := m[at+1 : at+1+n]; label {
		case 0:
			ours = same(text, r.Name)
		case 1:
			ours = ours && same(text, local[1:6])
		}
		at += 1 + n
	}
}

// same compares without regard to case (section 16).
func same(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i, c := range b {
		if lower(c) != lower(s[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// frame makes the frame with our address, to an address of both kinds and a
// port.
func (r *Responder) frame(out []byte, addr, to [4]byte, mac [6]byte, toPort uint16, q question) int {
	if len(r.Name) > MaxName || len(out) < MaxFrame {
		return 0
	}
	b := append(out[:0], mac[:]...)
	b = append(b, r.MAC[:]...)
	b = append(b, 0x08, 0x00)
	// Ours are not routed, and their hop limit says so (section 11).
	b = append(b, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 255, 17, 0, 0)
	b = append(b, addr[:]...)
	b = append(b, to[:]...)
	b = append16(append16(b, port), toPort)
	b = append(b, 0, 0, 0, 0)

	class, seconds, questions := uint16(classIN|flush), uint16(ttl), uint16(0)
	if q.legacy { // whoever is answered so does not know the flush bit (section 6.7)
		class, seconds, questions = classIN, ttlLegacy, 1
	}
	b = append16(append16(b, q.id), 0x8400) // an authoritative answer (section 18)
	b = append16(append16(append16(append16(b, questions), 1), 0), 0)
	if q.legacy {
		b = r.appendName(b)
		b = append16(append16(b, q.kind), classIN)
	}
	b = r.appendName(b)
	b = append16(append16(b, typeA), class)
	b = append16(append16(append16(b, 0), seconds), 4)
	b = append(b, addr[:]...)

	ip := b[ethHeader:]
	put16(ip[2:], uint16(len(ip)))
	put16(ip[10:], ^sum(ip[:20], 0))
	udp := ip[20:]
	put16(udp[4:], uint16(len(udp)))
	// The pseudo header is the addresses, the protocol and the length (RFC 768).
	check := ^sum(udp, uint32(sum(ip[12:20], 17+uint32(len(udp)))))
	if check == 0 {
		check = 0xffff
	}
	put16(udp[6:], check)
	return len(b)
}

func (r *Responder) appendName(b []byte) []byte {
	return append(append(append(b, byte(len(r.Name))), r.Name...), local...)
}

// sum is the sum of RFC 1071 of some bytes, an odd one padded, and of what was
// summed before.
func sum(b []byte, s uint32) uint16 {
	for ; len(b) > 1; b = b[2:] {
		s += uint32(be16(b))
	}
	if len(b) > 0 {
		s += uint32(b[0]) << 8
	}
	for s > 0xffff {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}

func be16(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }

func put16(b []byte, v uint16) { b[0], b[1] = byte(v>>8), byte(v) }

func append16(b []byte, v uint16) []byte { return append(b, byte(v>>8), byte(v)) }
