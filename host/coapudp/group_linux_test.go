package coapudp

import (
	"net"
	"syscall"
)

// joinGroup has a socket get what is sent to a group on an interface.
func joinGroup(c syscall.RawConn, group net.IP, index int) (err error) {
	r := &syscall.IPMreqn{Multiaddr: [4]byte(group.To4()), Ifindex: int32(index)}
	if e := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptIPMreqn(int(fd), syscall.IPPROTO_IP, syscall.IP_ADD_MEMBERSHIP, r)
	}); e != nil {
		return e
	}
	return err
}

// sendToGroup has a socket send to groups on an interface.
func sendToGroup(c syscall.RawConn, index int) (err error) {
	r := &syscall.IPMreqn{Ifindex: int32(index)}
	if e := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptIPMreqn(int(fd), syscall.IPPROTO_IP, syscall.IP_MULTICAST_IF, r)
	}); e != nil {
		return e
	}
	return err
}
