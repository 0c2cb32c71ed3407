package coapudp

import (
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"
	"unsafe"
)

// told is a socket of which the system tells to which address each datagram was
// sent (ip(7) and ipv6(7), IP_PKTINFO and IPV6_PKTINFO), and which says from
// which address another goes.
type told struct {
	*net.UDPConn
	is6 bool
	in  [controlSpace]byte // of the one goroutine that reads
}

// controlSpace is enough for the control message of either family.
const controlSpace = 64

// ipv6RecvPktinfo and ipv6Pktinfo are missing in package syscall on some
// architectures; they are the same on all.
const (
	ipv6RecvPktinfo = 49
	ipv6Pktinfo     = 50
)

// informed is a socket for a connection, nil if the system does not tell.
func informed(u *net.UDPConn) socket {
	raw, err := u.SyscallConn()
	if err != nil {
		return nil
	}
	s := &told{UDPConn: u}
	err2 := error(nil)
	err = raw.Control(func(fd uintptr) {
		name, err := syscall.Getsockname(int(fd))
		if err != nil {
			err2 = err
			return
		}
		if _, s.is6 = name.(*syscall.SockaddrInet6); s.is6 {
			err2 = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, ipv6RecvPktinfo, 1)
		} else {
			err2 = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_PKTINFO, 1)
		}
	})
	if err != nil || err2 != nil {
		return nil
	}
	return s
}

// A control message is a header, the length of the whole as a size_t, level and
// type as ints, and data, aligned to a size_t.
const (
	sizeLength = int(unsafe.Sizeof(uintptr(0)))
	headLength = sizeLength + 8
)

func (s *told) read(b []byte) (n int, from way, err error) {
	n, m, _, addr, err := s.ReadMsgUDPAddrPort(b, s.in[:])
	from.addr = addr
	if c := s.in[:m]; len(c) >= headLength {
		level, kind := binary.NativeEndian.Uint32(c[sizeLength:]), binary.NativeEndian.Uint32(c[sizeLength+4:])
		switch c = c[headLength:]; {
		case level == syscall.IPPROTO_IP && kind == syscall.IP_PKTINFO && len(c) >= 12:
			from.local = netip.AddrFrom4([4]byte(c[8:])) // struct in_pktinfo: ifindex, spec_dst, addr
			from.group = [4]byte(c[8:]) == [4]byte{255, 255, 255, 255}
		case level == syscall.IPPROTO_IPV6 && kind == ipv6Pktinfo && len(c) >= 20:
			from.local = netip.AddrFrom16([16]byte(c)).Unmap() // struct in6_pktinfo: addr, ifindex
		}
		if from.group = from.group || from.local.IsMulticast(); from.group {
			from.local = netip.Addr{}
		}
	}
	return n, from, err
}

func (s *told) write(b []byte, to way) (int, error) {
	if !to.local.IsValid() || to.local.IsLinkLocalUnicast() && to.addr.Addr().Zone() == "" {
		// The address of a link means nothing without it.
		return s.WriteToUDPAddrPort(b, to.addr)
	}
	var out [controlSpace]byte
	c := out[:headLength]
	// The interface stays 0, which leaves the route to the system.
	if s.is6 {
		binary.NativeEndian.PutUint32(c[sizeLength:], syscall.IPPROTO_IPV6)
		binary.NativeEndian.PutUint32(c[sizeLength+4:], ipv6Pktinfo)
		ip := to.local.As16()
		c = append(append(c, ip[:]...), 0, 0, 0, 0)
	} else {
		binary.NativeEndian.PutUint32(c[sizeLength:], syscall.IPPROTO_IP)
		binary.NativeEndian.PutUint32(c[sizeLength+4:], syscall.IP_PKTINFO)
		ip := to.local.As4()
		c = append(append(append(c, 0, 0, 0, 0), ip[:]...), 0, 0, 0, 0)
	}
	if sizeLength == 8 {
		binary.NativeEndian.PutUint64(c, uint64(len(c)))
	} else {
		binary.NativeEndian.PutUint32(c, uint32(len(c)))
	}
	n, _, err := s.WriteMsgUDPAddrPort(b, out[:(len(c)+sizeLength-1)&^(sizeLength-1)], to.addr)
	if err != nil {
		// The address may be gone, or be the broadcast address of a network.
		return s.WriteToUDPAddrPort(b, to.addr)
	}
	return n, nil
}
