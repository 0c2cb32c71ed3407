package lneto

import (
	"github.com/bobtail-go/bobtail/transport"
	"github.com/soypat/lneto"
)

// Frames are Ethernet II without a tag and without the checksum at the end.
const (
	ethHeader = 14
	ipHeader  = 20 // without options, as we send it
	tcpHeader = 20 // as well
	udpHeader = 8

	etherIPv4 = 0x0800
	etherARP  = 0x0806

	protoICMP = 1
	protoTCP  = 6
	protoUDP  = 17
)

func get16(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }

func get32(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func put16(b []byte, v uint16) { b[0], b[1] = byte(v>>8), byte(v) }

func put32(b []byte, v uint32) {
	b[0], b[1], b[2], b[3] = byte(v>>24), byte(v>>16), byte(v>>8), byte(v)
}

// putEthernet writes the header of a frame of ours.
func (b *stack) putEthernet(frame []byte, to []byte, kind uint16) {
	copy(frame, to)
	copy(frame[6:], b.cfg.MAC[:])
	put16(frame[12:], kind)
}

// putIP writes the headers of a packet with n bytes after its own header, from
// our address, and returns the length of the frame.
func (b *stack) putIP(frame []byte, mac []byte, to uint32, proto byte, n int) int {
	b.putEthernet(frame, mac, etherIPv4)
	ip := frame[ethHeader:]
	b.ipID++
	ip[0], ip[1] = 4<<4|ipHeader/4, 0
	put16(ip[2:], uint16(ipHeader+n))
	put16(ip[4:], b.ipID)
	put16(ip[6:], 0x4000) // do not fragment
	ip[8], ip[9] = 64, proto
	put32(ip[12:], b.ip)
	put32(ip[16:], to)
	put16(ip[10:], 0)
	put16(ip[10:], sum(ip[:ipHeader]))
	return ethHeader + ipHeader + n
}

// sum is the Internet checksum of b (RFC 1071): 0 over what has it in it.
func sum(b []byte) uint16 {
	var c lneto.CRC791
	return c.PayloadSum16(b)
}

// sumPseudo is the checksum of a TCP segment or UDP datagram in the packet ip,
// with the pseudo header before it (RFC 9293, section 3.1; RFC 768).
func sumPseudo(ip, segment []byte) uint16 {
	var c lneto.CRC791
	c.WriteEven(ip[12:20])
	c.AddUint16(uint16(ip[9]))
	c.AddUint16(uint16(len(segment)))
	return c.PayloadSum16(segment)
}

// address is an IPv4 address, or unset if it is 0.
//
//go:noinline
func address(ip uint32, port uint16) transport.Addr {
	if ip == 0 {
		return transport.Addr{}.WithPort(port)
	}
	return transport.IPv4(byte(ip>>24), byte(ip>>16), byte(ip>>8), byte(ip), port)
}

// number is an IPv4 address, or 0 if it is unset.
func number(a transport.Addr) uint32 {
	ip := a.Bytes4()
	return get32(ip[:])
}
