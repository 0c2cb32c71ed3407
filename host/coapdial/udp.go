package coapdial

import "net"

// overUDP begins the message layer of UDP over a socket, which it takes if it
// does not fail.
func overUDP(nc net.Conn, c *Config) (exchanger, error) { return nil, ErrScheme }
