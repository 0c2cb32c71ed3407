//go:build !linux

package coapudp

import "net"

// informed is nil: the system is not asked.
func informed(*net.UDPConn) socket { return nil }
