package lneto

import "github.com/bobtail-go/bobtail/transport"

// input takes a frame in, which it may change, and returns the length of the
// reply that it has made of it, or 0. own is set on frames of ours to ourselves.
func (b *Backend) input(frame []byte, own bool, now int64) int {
	if len(frame) < ethHeader {
		return b.drop()
	}
	group := frame[0]&1 != 0
	if !group && [6]byte(frame) != b.cfg.MAC || frame[6]&1 != 0 {
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

func (b *Backend) drop() int {
	b.stats.Dropped++
	return 0
}

func (b *Backend) inputIP(frame []byte, group, own bool, now int64) int {
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
	from, to := address(ip[12:], 0), address(ip[16:], 0)
	if group || to != b.addr || ip[12] == 0 || ip[12] == 127 || ip[12] >= 224 || from == b.addr && !own {
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
func (b *Backend) inputEcho(frame, ip, body []byte) int {
	if len(body) < 8 || body[0] != 8 || body[1] != 0 || sum(body) != 0 {
		return b.drop()
	}
	body[0] = 0
	put16(body[2:], 0)
	put16(body[2:], sum(body))
	to, mac := [4]byte(ip[12:]), [6]byte(frame[6:])
	copy(frame[ethHeader+ipHeader:], body) // without the options of the request
	return b.putIP(frame, mac, to, protoICMP, len(body))
}

// ARP (RFC 826) for IPv4 over Ethernet: 28 bytes.
const (
	arpLength  = 28
	arpRequest = 1
	arpReply   = 2
)

// inputARP answers who asks for our address, and learns what a stream waits
// for, and nothing else: there is no table to flood.
func (b *Backend) inputARP(frame []byte) int {
	arp := frame[ethHeader:]
	if len(arp) < arpLength || [6]byte(arp) != [6]byte{0, 1, etherIPv4 >> 8, etherIPv4 & 0xff, 6, 4} || b.addr.IsUnset() {
		return b.drop()
	}
	from, to := address(arp[14:], 0), address(arp[24:], 0)
	if to != b.addr || from == b.addr || arp[8]&1 != 0 {
		return b.drop()
	}
	for i := range b.streams {
		s := &b.streams[i]
		if s.phase != phaseFree && !s.hopKnown && b.hop(s) == from {
			s.mac, s.hopKnown = [6]byte(arp[8:]), true
			s.due, s.retries, s.dirty = 0, 0, true
			s.timeout()
		}
	}
	if get16(arp[6:]) != arpRequest {
		return 0
	}
	return b.putARP(frame, arpReply, [6]byte(arp[8:]), from)
}

// putARP writes a message to a host, or one that asks for a host at no MAC.
func (b *Backend) putARP(frame []byte, op uint16, mac [6]byte, host transport.Addr) int {
	to := mac
	if op == arpRequest {
		to = broadcast
	}
	b.putEthernet(frame, to, etherARP)
	arp := frame[ethHeader:]
	copy(arp, []byte{0, 1, etherIPv4 >> 8, etherIPv4 & 0xff, 6, 4, 0, byte(op)})
	own, other := b.addr.Bytes4(), host.Bytes4()
	copy(arp[8:], b.cfg.MAC[:])
	copy(arp[14:], own[:])
	copy(arp[18:], mac[:])
	copy(arp[24:], other[:])
	return ethHeader + arpLength
}

var broadcast = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// hop is the machine that frames of a stream go to: the peer, or the gateway to
// it.
func (b *Backend) hop(s *stream) transport.Addr {
	a, own := s.remote.Bytes4(), b.addr.Bytes4()
	if (get32(a[:])^get32(own[:]))&b.mask != 0 && !b.gateway.IsUnset() {
		return b.gateway
	}
	return s.remote.WithPort(0)
}
