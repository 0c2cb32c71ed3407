//go:build lm3s6965

package board

import (
	"device/arm"

	"github.com/bobtail-go/bobtail/transport"
)

// The registers of the Ethernet controller (chapter 16).
const (
	mac = 0x40048000

	macIACK = mac + 0x00 // interrupts that are pending; written, the ones acknowledged
	macIM   = mac + 0x04 // interrupts that are let through
	macRCTL = mac + 0x08 // receive control
	macTCTL = mac + 0x0C // transmit control
	macDATA = mac + 0x10 // the FIFO
	macIA0  = mac + 0x14 // hardware address
	macIA1  = mac + 0x18
	macTHR  = mac + 0x1C // when to begin to send by itself
	macMDV  = mac + 0x24 // divider of the clock to the PHY
	macNP   = mac + 0x34 // number of frames received
	macTR   = mac + 0x38 // transmission request

	intReceived = 1 << 0
	intOverrun  = 1 << 3

	rxOn     = 1 << 0
	rxBadCRC = 1 << 3 // drop frames that are damaged
	rxReset  = 1 << 4 // of the FIFO

	txOn     = 1 << 0
	txPad    = 1 << 1 // to 60 bytes
	txCRC    = 1 << 2
	txDuplex = 1 << 4

	interrupt = 42 // table 2-9
)

// nvicEnable1 is the register that enables interrupts 32 to 63.
const nvicEnable1 = 0xE000E104

func configureEthernet(a [6]byte) {
	reg(macIM).Set(0)
	reg(macRCTL).Set(rxReset | rxBadCRC)
	reg(macIA0).Set(uint32(a[0]) | uint32(a[1])<<8 | uint32(a[2])<<16 | uint32(a[3])<<24)
	reg(macIA1).Set(uint32(a[4]) | uint32(a[5])<<8)
	reg(macMDV).Set(9)     // 50 MHz / (2 * (9 + 1)) = 2.5 MHz
	reg(macTHR).Set(0x3F)  // only on request
	reg(macIACK).Set(0x7F) // what was before
	reg(macTCTL).Set(txOn | txPad | txCRC | txDuplex)
	reg(macRCTL).Set(rxOn | rxBadCRC)
	reg(nvicEnable1).Set(1 << (interrupt - 32))
}

// onInterrupt only ends the sleep of Idle, which looks at the FIFO.
//
//export Ethernet_Handler
func onInterrupt() { reg(macIM).Set(0) }

// NIC is the Ethernet controller. Its FIFO is read and written by the
// processor, a word at a time; it holds some frames on the way in and one on
// the way out.
type NIC struct {
	Dropped uint32 // frames that did not fit, or that the FIFO had no room for
}

// Receive puts a frame into buf and returns its length, or 0.
func (n *NIC) Receive(buf []byte) (int, error) {
	if reg(macIACK).Get()&intOverrun != 0 {
		reg(macIACK).Set(intOverrun)
		n.Dropped++
	}
	if reg(macNP).Get()&0x3F == 0 {
		return 0, nil
	}
	// The first half of the first word is the length of all, itself and the
	// checksum of 4 bytes included (table 16-3).
	data := reg(macDATA)
	w := data.Get()
	all := int(w & 0xFFFF)
	size := all - 6
	words := (all - 1) / 4 // those that follow
	if size < 14 || size > len(buf) {
		for range words {
			data.Get()
		}
		n.Dropped++
		return 0, nil
	}
	buf[0], buf[1] = byte(w>>16), byte(w>>24)
	b := buf[2:size]
	for len(b) >= 4 {
		w = data.Get()
		b[0], b[1], b[2], b[3] = byte(w), byte(w>>8), byte(w>>16), byte(w>>24)
		b = b[4:]
		words--
	}
	for ; words > 0; words-- {
		w = data.Get()
		for i := range b {
			b[i] = byte(w >> (8 * i))
		}
		b = nil
	}
	return size, nil
}

// Send sends a frame.
func (n *NIC) Send(f []byte) error {
	if reg(macTR).Get()&1 != 0 {
		return transport.ErrWouldBlock
	}
	if len(f) < 14 {
		return nil
	}
	// The length that the controller wants is that behind the header.
	data := reg(macDATA)
	data.Set(uint32(len(f)-14) | uint32(f[0])<<16 | uint32(f[1])<<24)
	f = f[2:]
	for len(f) >= 4 {
		data.Set(uint32(f[0]) | uint32(f[1])<<8 | uint32(f[2])<<16 | uint32(f[3])<<24)
		f = f[4:]
	}
	if len(f) > 0 {
		w := uint32(0)
		for i, c := range f {
			w |= uint32(c) << (8 * i)
		}
		data.Set(w)
	}
	reg(macTR).Set(1)
	return nil
}

// Idle sleeps until a frame comes or a millisecond begins, unless a goroutine
// is ready.
func Idle() {
	reg(macIACK).Set(intReceived)
	if reg(macNP).Get()&0x3F != 0 {
		return
	}
	reg(macIM).Set(intReceived)
	idle()
	mask := arm.DisableInterrupts()
	reg(macIM).Set(0)
	arm.EnableInterrupts(mask)
}
