package lneto

import (
	"unsafe"

	"github.com/bobtail-go/bobtail/transport"
)

// Config is what a Backend is made of. It is not changed after New.
type Config struct {
	// Streams is how many connections there can be at once, from 1 to 1024. It
	// counts those too that are being opened, or closed but not yet at rest
	// (see Linger). While all are taken, a client's SYN is not answered, and the
	// client tries again. A server that is to close an idle connection for a
	// client who comes needs one more than it has sockets. 0 is 6.
	Streams int

	// Listeners is how many listeners there can be at once, from 1 to 255. 0
	// is 4.
	Listeners int

	// RxSize and TxSize are the buffers of each connection in bytes, from 256
	// to 65535. RxSize is also the largest window, and how many unconsumed
	// bytes the backend holds for a stream. 0 is 2048.
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
	// it is unset, there is none, or the one that DHCP tells. Clients are
	// answered on the way they came by, and need none.
	Gateway transport.Addr

	// Hostname is what DHCP is told as the name of this machine (RFC 2132,
	// section 3.14), at most 32 bytes. It may be empty.
	Hostname string

	// MTU is the largest IP packet in bytes, from 576 to 1500. 0 is 1500.
	MTU int

	// KeepAlive is how long, in nanoseconds, a peer may be silent before it is
	// asked whether it lives (RFC 9293, section 3.8.4), from a second on. A peer
	// who does not answer five times, five seconds apart, is gone. 0 is a
	// minute; -1 asks never.
	KeepAlive int64

	// Linger is how long, in nanoseconds, a stream that the server has closed
	// may hold its place while its peer acknowledges nothing, from a second on.
	// Then it is reset. 0 is 15 seconds.
	Linger int64

	// Seed makes the initial sequence numbers (RFC 6528) and ports hard to
	// guess. Give it as much chance as there is, anew at each start.
	Seed uint64

	// Now is a monotonic clock in nanoseconds, above zero. If it is nil it is
	// that of the runtime.
	Now func() int64

	// Idle is called by Run when nothing moved, to give others the processor or
	// to sleep a little; the next frame may wait that long. If it is nil, Run
	// sleeps for up to a millisecond, or under TinyGo lets other goroutines run.
	Idle func()

	// Kick, if it is not nil, is called when the server has made something to
	// send, so that what sleeps in Idle can be woken. It is called from any
	// goroutine, with the backend's lock held: it must not block, nor call the
	// backend.
	Kick func()
}

const second = 1_000_000_000

func orElse[T int | int64](v *T, otherwise T) {
	if *v == 0 {
		*v = otherwise
	}
}

func (c *Config) setDefaults() {
	orElse(&c.Streams, 6)
	orElse(&c.Listeners, 4)
	orElse(&c.RxSize, 2048)
	orElse(&c.TxSize, 2048)
	orElse(&c.Bits, 24)
	orElse(&c.MTU, 1500)
	orElse(&c.KeepAlive, 60*second)
	orElse(&c.Linger, 15*second)
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
func (c Config) Validate() error {
	c.setDefaults()
	unicast := !c.Addr.Is6() && (c.Addr.IsUnset() || !c.Addr.IsUnspecified() && c.Addr.Bytes4()[0] < 224)
	for _, k := range [...]struct {
		ok          bool
		field, rule string
	}{
		{c.Streams >= 1 && c.Streams <= 1024, "Streams", "from 1 to 1024"},
		{c.Listeners >= 1 && c.Listeners <= 255, "Listeners", "from 1 to 255"},
		{c.RxSize >= 256 && c.RxSize <= 65535, "RxSize", "from 256 to 65535"},
		{c.TxSize >= 256 && c.TxSize <= 65535, "TxSize", "from 256 to 65535"},
		{c.MAC != [6]byte{} && c.MAC[0]&1 == 0, "MAC", "the address of one card"},
		{unicast, "Addr", "an IPv4 address of one machine"},
		{c.Bits >= 1 && c.Bits <= 32, "Bits", "from 1 to 32"},
		{!c.Gateway.Is6(), "Gateway", "an IPv4 address"},
		{len(c.Hostname) <= maxHostname, "Hostname", "at most 32 bytes"},
		{c.MTU >= 576 && c.MTU <= 1500, "MTU", "from 576 to 1500"},
		{c.KeepAlive >= second || c.KeepAlive == -1, "KeepAlive", "at least a second, or -1"},
		{c.Linger >= second, "Linger", "at least a second"},
	} {
		if !k.ok {
			return &ConfigError{k.field, k.rule}
		}
	}
	return nil
}

// Memory is how many bytes a Backend of this configuration holds.
func (c Config) Memory() int {
	c.setDefaults()
	stream := int(unsafe.Sizeof(stream{})) + c.RxSize + c.TxSize +
		packets(c.TxSize)*packetSize + maxHeld*heldSize
	return int(unsafe.Sizeof(stack{})) + 2*(ethHeader+c.MTU) + c.Streams*stream +
		c.Listeners*int(unsafe.Sizeof(listener{})) + rests(c.Streams)*int(unsafe.Sizeof(rest{}))
}

// What lneto's Handler makes for a connection beside the two buffers: a list
// of the segments that are not acknowledged, whose length we choose, and one of
// the segments held because one before them is missing.
const (
	packetSize = int(unsafe.Sizeof(struct {
		off, end  int
		seq, size uint32
	}{}))
	maxHeld  = 8
	heldSize = int(unsafe.Sizeof(struct {
		seq uint32
		n   int
	}{}))
)

// packets is the length of the list of segments under way: whole segments, and
// some short ones.
func packets(tx int) int { return 8 + tx/512 }

// rests is how many ended connections are remembered.
func rests(streams int) int { return 2*streams + 2 }
