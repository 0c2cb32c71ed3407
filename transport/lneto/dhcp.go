package lneto

import "github.com/bobtail-go/bobtail/transport"

// A lease is a client of DHCP (RFC 2131): it gets an address, keeps it, and
// gives it up when the time that the server gave it for is over. Every message
// is sent by broadcast but those of RENEWING, which go where the server's came
// from. It does not ask by ARP whether another machine has the address (section
// 2.2, a SHOULD).
type lease struct {
	state            leaseState
	due              int64 // when to send a message, or again
	wait             int64 // how long after it the next is sent
	renew, bind, end int64 // T1, T2 and the end of the lease, on our clock
	asked            int64 // when the request was first sent, from which those count
	xid              uint32
	server, offer    uint32
	mac              [6]byte // where the server's messages come from
}

type leaseState uint8

const (
	leaseNone       leaseState = iota // the address was given by Config
	leaseSelecting                    // a DISCOVER was sent, or is to be
	leaseRequesting                   // a REQUEST for an offer was sent, or is to be
	leaseBound
	leaseRenewing  // a REQUEST to the server
	leaseRebinding // a REQUEST to any
)

const (
	maxHostname = 32

	// dhcpSize is the length of our messages: the fixed part of BOOTP with its
	// cookie, and what it takes to fill the 300 bytes that old relays want (RFC
	// 1542, section 2.1).
	dhcpSize  = 300
	dhcpFixed = 240

	dhcpDiscover = 1
	dhcpOffer    = 2
	dhcpRequest  = 3
	dhcpAck      = 5
	dhcpNak      = 6
)

// start looks for a server.
func (l *lease) start(b *stack, now int64) {
	*l = lease{state: leaseSelecting, due: now, wait: 2 * second, xid: uint32(b.hash(uint64(now), 2))}
}

// output writes the message that is due, and returns the length of the frame,
// or 0.
func (l *lease) output(b *stack, frame []byte, now int64) int {
	if l.state == leaseNone || now < l.due {
		return 0
	}
	kind := byte(dhcpRequest)
	switch {
	case l.state == leaseSelecting:
		kind = dhcpDiscover
	case l.state == leaseRequesting && l.wait > 16*second: // no answer: another server may give one
		l.start(b, now)
		kind = dhcpDiscover
	case l.state >= leaseBound && now >= l.end:
		b.lose()
		l.start(b, now)
		kind = dhcpDiscover
	case l.state >= leaseBound && now >= l.bind:
		l.state = leaseRebinding
		l.wait = max((l.end-now)/2, 60*second) // section 4.4.5
		l.due = min(now+l.wait, l.end)
	case l.state >= leaseBound:
		if l.state == leaseBound {
			l.asked = now // and not anew with what is asked again: the lease may be taken from the first
		}
		l.state = leaseRenewing
		l.wait = max((l.bind-now)/2, 60*second)
		l.due = min(now+l.wait, l.bind)
	}
	if l.state < leaseBound {
		l.due = now + l.wait
		l.wait = min(2*l.wait, 64*second) // section 4.1
	}

	body := frame[ethHeader+ipHeader:]
	m := body[udpHeader : udpHeader+dhcpSize]
	clear(m)
	m[0], m[1], m[2] = 1, 1, 6 // a request, over Ethernet
	put32(m[4:], l.xid)
	copy(m[28:], b.cfg.MAC[:])
	put32(m[236:], 0x63825363) // RFC 2131, section 3
	o := m[dhcpFixed:dhcpFixed]
	o = append(o, 53, 1, kind)
	to, mac := ^uint32(0), broadcast[:]
	switch l.state {
	case leaseSelecting, leaseRequesting:
		m[10] = 0x80 // answer by broadcast: we have no address (section 4.1)
	case leaseRenewing:
		to, mac = l.server, l.mac[:]
	}
	switch l.state {
	case leaseRequesting:
		o = append(o, 50, 4, 0, 0, 0, 0, 54, 4, 0, 0, 0, 0)
		put32(o[len(o)-10:], l.offer)
		put32(o[len(o)-4:], l.server)
	case leaseRenewing, leaseRebinding:
		put32(m[12:], l.offer)
	}
	o = append(o, 55, 2, 1, 3) // mask and router are of use to us
	if n := len(b.cfg.Hostname); n > 0 {
		o = append(o, 12, byte(n))
		o = append(o, b.cfg.Hostname...)
	}
	_ = append(o, 255)

	put16(body, 68)
	put16(body[2:], 67)
	put16(body[4:], udpHeader+dhcpSize)
	put16(body[6:], 0)
	n := b.putIP(frame, mac, to, protoUDP, udpHeader+dhcpSize)
	sum := sumPseudo(frame[ethHeader:], body[:udpHeader+dhcpSize])
	if sum == 0 {
		sum = 0xffff // RFC 768: 0 is none
	}
	put16(body[6:], sum)
	return n
}

// input takes a datagram in.
func (l *lease) input(b *stack, frame, ip, body []byte, now int64) {
	if l.state == leaseNone || len(body) < udpHeader+dhcpFixed || get16(body) != 67 || get16(body[2:]) != 68 {
		b.drop()
		return
	}
	n := int(get16(body[4:]))
	if n < udpHeader+dhcpFixed || n > len(body) || get16(body[6:]) != 0 && sumPseudo(ip, body[:n]) != 0 {
		b.drop()
		return
	}
	m := body[udpHeader:n]
	if m[0] != 2 || get32(m[4:]) != l.xid || !same(m[28:], b.cfg.MAC[:]) || get32(m[236:]) != 0x63825363 {
		b.drop()
		return
	}
	var kind byte
	var server, mask, router []byte
	var seconds, t1, t2 uint32
	for o := m[dhcpFixed:]; len(o) > 0 && o[0] != 255; {
		if o[0] == 0 {
			o = o[1:]
			continue
		}
		if len(o) < 2 || len(o) < 2+int(o[1]) {
			break
		}
		v := o[2 : 2+int(o[1])]
		switch {
		case o[0] == 53 && len(v) == 1:
			kind = v[0]
		case len(v) < 4:
		case o[0] == 54:
			server = v
		case o[0] == 1:
			mask = v
		case o[0] == 3:
			router = v
		case o[0] == 51:
			seconds = get32(v)
		case o[0] == 58:
			t1 = get32(v)
		case o[0] == 59:
			t2 = get32(v)
		}
		o = o[2+len(v):]
	}
	yours := get32(m[16:])
	switch {
	case server == nil:
	case kind == dhcpOffer && l.state == leaseSelecting && yours != 0:
		l.state = leaseRequesting
		l.offer, l.server = yours, get32(server)
		l.due, l.wait, l.asked = now, 4*second, now
	case kind == dhcpNak && l.state != leaseSelecting && l.state != leaseBound:
		b.lose()
		l.start(b, now)
		l.due = now + second
	case kind == dhcpAck && l.state != leaseSelecting && l.state != leaseBound && yours == l.offer:
		l.server = get32(server)
		copy(l.mac[:], frame[6:])
		// A lease for ever is one for a year, and none is shorter than a minute.
		whole := int64(min(max(seconds, 60), 365*24*3600))
		l.end = l.asked + whole*second
		l.renew, l.bind = l.asked+whole*second/2, l.asked+whole*second/8*7 // section 4.4.5
		if t1 > 0 && t1 < t2 && int64(t2) < whole {
			l.renew, l.bind = l.asked+int64(t1)*second, l.asked+int64(t2)*second
		}
		l.state, l.due = leaseBound, l.renew
		if mask != nil {
			b.mask = get32(mask)
		}
		if router != nil && b.cfg.Gateway.IsUnset() {
			b.gateway = get32(router)
		}
		b.ip = yours
	}
}

// lose ends what the address that we no longer have was used for.
func (b *stack) lose() {
	b.ip = 0
	for i := range b.streams {
		if s := &b.streams[i]; s.phase != phaseFree {
			b.fail(s, transport.ErrUnreachable)
		}
	}
}
