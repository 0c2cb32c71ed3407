package lneto

// input takes a frame in, which it may change, and returns the length of the
// reply that it has made of it, or 0. own is set on frames of ours to ourselves.
func (b *stack) input(frame []byte, own bool, now int64) int {
	if len(frame) < ethHeader {
		return b.drop()
	}
	group := frame[0]&1 != 0
	if !group && !same(frame, b.cfg.MAC[:]) || frame[6]&1 != 0 {
		return b.drop()
	}
	switch get16(frame[12:]) {
	case etherARP:
		return b.inputARP(frame)
	case etherIPv4:
		return b.inputIP(frame, group, own, now)
	}
	return b.drop()
}

// same reports whether b begins with c.
func same(b, c []byte) bool {
	for i := range c {
		if b[i] != c[i] {
			return false
		}
	}
	return true
}

func (b *stack) drop() int {
	b.stats.Dropped++
	return 0
}

func (b *stack) inputIP(frame []byte, group, own bool, now int64) int {
	ip := frame[ethHeader:]
	if len(ip) < ipHeader || ip[0]>>4 != 4 {
		return b.drop()
	}
	header, total := int(ip[0]&15)*4, int(get16(ip[2:]))
	if header < ipHeader || total < header || total > len(ip) || sum(ip[:header]) != 0 {
		return b.drop()
	}
	// Fragments are not put together: hosts send TCP unfragmented (RFC 1191).
	if get16(ip[6:])&0x3fff != 0 {
		return b.drop()
	}
	ip = ip[:total]
	body := ip[header:]
	if ip[9] == protoUDP { // DHCP alone, which comes before we have an address
		b.lease.input(b, frame, ip, body, now)
		return 0
	}
	// No one sends as another host than one: not as a group, nor as us (RFC
	// 1122, section 3.2.1.3).
	from, to := get32(ip[12:]), get32(ip[16:])
	if group || b.ip == 0 || to != b.ip || ip[12] == 0 || ip[12] == 127 || ip[12] >= 224 || from == b.ip && !own {
		return b.drop()
	}
	switch ip[9] {
	case protoTCP:
		return b.inputTCP(frame, ip, body, now)
	case protoICMP:
		return b.inputEcho(frame, ip, body)
	}
	return b.drop()
}

// inputEcho answers an echo request (RFC 792) with what it came with.
func (b *stack) inputEcho(frame, ip, body []byte) int {
	if len(body) < 8 || body[0] != 8 || body[1] != 0 || sum(body) != 0 {
		return b.drop()
	}
	body[0] = 0
	put16(body[2:], 0)
	put16(body[2:], sum(body))
	copy(frame[ethHeader+ipHeader:], body) // without the options of the request
	return b.putIP(frame, frame[6:12], get32(ip[12:]), protoICMP, len(body))
}

// ARP (RFC 826) for IPv4 over Ethernet: 28 bytes.
const (
	arpLength  = 28
	arpRequest = 1
	arpReply   = 2
)

// inputARP answers who asks for our address, and learns what a stream waits
// for, and nothing else: there is no table to flood.
func (b *stack) inputARP(frame []byte) int {
	arp := frame[ethHeader:]
	if len(arp) < arpLength || get32(arp) != 1<<16|etherIPv4 || get16(arp[4:]) != 6<<8|4 || b.ip == 0 {
		return b.drop()
	}
	from, to := get32(arp[14:]), get32(arp[24:])
	if to != b.ip || from == b.ip || arp[8]&1 != 0 {
		return b.drop()
	}
	for i := range b.streams {
		s := &b.streams[i]
		if s.phase != phaseFree && !s.hopKnown && b.hop(s) == from {
			copy(s.mac[:], arp[8:])
			s.hopKnown = true
			s.due, s.retries, s.dirty = 0, 0, true
			s.timeout()
		}
	}
	if get16(arp[6:]) != arpRequest {
		return 0
	}
	return b.putARP(frame, arpReply, arp[8:14], from)
}

// putARP writes a message to a host, or one that asks for a host at no MAC.
func (b *stack) putARP(frame []byte, op uint16, mac []byte, host uint32) int {
	arp := frame[ethHeader:]
	copy(arp[18:], mac) // which may be of the sender of this frame
	to := arp[18:24]
	if op == arpRequest {
		to = broadcast[:]
	}
	b.putEthernet(frame, to, etherARP)
	put32(arp, 1<<16|etherIPv4)
	put16(arp[4:], 6<<8|4)
	put16(arp[6:], op)
	copy(arp[8:], b.cfg.MAC[:])
	put32(arp[14:], b.ip)
	put32(arp[24:], host)
	return ethHeader + arpLength
}

var (
	broadcast = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	nobody    [6]byte
)

// hop is the machine that frames of a stream go to: the peer, or the gateway to
// it.
func (b *stack) hop(s *stream) uint32 {
	if (s.ip^b.ip)&b.mask != 0 && b.gateway != 0 {
		return b.gateway
	}
	return s.ip
}
