package coapdial

import (
	"net"

	"github.com/bobtail-go/bobtail/host/coapudp"
)

// maxWaitingUDP is the most notifications that coapudp lets wait.
const maxWaitingUDP = 4096

// overUDP begins the message layer of UDP over a socket, which it takes, or has
// closed if it fails.
func overUDP(nc net.Conn, c *Config) (exchanger, error) {
	conn, err := coapudp.NewConn(nc, coapudp.ClientConfig{Waiting: min(c.Waiting, maxWaitingUDP), NonConfirmable: c.NonConfirmable})
	if err != nil {
		return nil, err
	}
	return conn, nil
}
