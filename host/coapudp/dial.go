package coapudp

import (
	"context"
	"fmt"
	"net"
	"time"
)

// ClientConfig is what a connection is made with. A zero field has the default
// that its comment names. It is not changed after Dial.
type ClientConfig struct {
	// MaxMessage is the longest datagram that is taken, in bytes without the
	// headers of UDP and IP: 64 to 65507; the default is 1232 as that of
	// ServerConfig. What is sent may be as long, but should not be longer than
	// 1152, with a payload of 1024 (RFC 7252 section 4.6).
	MaxMessage int

	// NonConfirmable has requests sent as non-confirmable messages: once.
	NonConfirmable bool

	// Patience is how long the answer to a request may take that was
	// acknowledged, or is non-confirmable; 0 is EXCHANGE_LIFETIME, 247 s with the
	// default Transmission; at most a day.
	Patience time.Duration

	// Waiting is how many notifications of an observation may wait for the
	// program; then the oldest is dropped, since what counts is the last state (RFC
	// 7641 section 1.3). 0 is 8, at most 4096.
	Waiting int

	// Transmission is how messages are sent again. Its NStart is how many
	// requests may be unanswered and unacknowledged at a time.
	Transmission Transmission
}

// Validate fails with ErrConfig, and names the field that is out of its bounds,
// or returns nil.
func (c ClientConfig) Validate() error {
	name := ""
	switch {
	case c.MaxMessage != 0 && (c.MaxMessage < 64 || c.MaxMessage > 65507):
		name = "MaxMessage"
	case c.Patience < 0 || c.Patience > day:
		name = "Patience"
	case c.Waiting < 0 || c.Waiting > 4096:
		name = "Waiting"
	default:
		if name = c.Transmission.check(); name == "" {
			return nil
		}
		name = "Transmission." + name
	}
	return fmt.Errorf("%w: %s", ErrConfig, name)
}

func (c *ClientConfig) setDefaults() {
	or(&c.MaxMessage, 1232)
	or(&c.Waiting, 8)
	c.Transmission.setDefaults()
	or(&c.Patience, c.Transmission.exchangeLifetime())
}

// Dial makes a connection to a server, which is a socket: nothing is sent. The
// network is "udp", "udp4" or "udp6"; the port of CoAP is 5683. ctx bounds the
// look-up of a name, and no more.
func Dial(ctx context.Context, network, address string, c ClientConfig) (*Conn, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return NewConn(conn, c)
}

// NewConn makes a connection of what has the datagrams of one peer: each Write
// sends one, each Read gives one. It takes conn, and has closed it on error.
func NewConn(conn net.Conn, c ClientConfig) (*Conn, error) {
	if err := c.Validate(); err != nil {
		conn.Close()
		return nil, err
	}
	c.setDefaults()
	k := &Conn{
		cfg: c, conn: conn,
		byToken: map[[tokenLength]byte]*call{}, byID: map[uint16]*call{},
		places: make(chan struct{}, c.Transmission.NStart),
		closed: make(chan struct{}), ended: make(chan struct{}),
	}
	k.random.read()
	k.mid = uint16(k.random.next()) // RFC 7252 section 4.4
	go k.read()
	return k, nil
}
