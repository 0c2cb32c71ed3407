//go:build !linux

package coapudp

import (
	"net"
	"syscall"
)

func joinGroup(syscall.RawConn, net.IP, int) error { return syscall.ENOSYS }
func sendToGroup(syscall.RawConn, int) error       { return syscall.ENOSYS }
