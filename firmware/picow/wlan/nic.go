// Package wlan makes a network card of a radio that gives frames when it likes:
// while it is polled, but also while it is asked for something else, such as to
// switch the LED that hangs on it. It knows the radio by a few methods, so that
// tests can do without one.
package wlan

import (
	"sync/atomic"

	"github.com/bobtail-go/bobtail/transport"
)

// MaxFrame is the longest frame in bytes, without its checksum.
const MaxFrame = 14 + 1500

// Radio is what is wanted of one, by one goroutine at a time.
type Radio interface {
	// SendEth sends a frame.
	SendEth(frame []byte) error

	// PollOne looks for something that came. A frame is given to NIC.Deliver.
	PollOne() (bool, error)

	// GPIOSet switches a pin of the radio.
	GPIOSet(pin uint8, on bool) error
}

// led is the radio's pin that the board's LED hangs on.
const led = 0

// frames is how many may wait to be received: as many as come while the LED is
// switched. What does not fit is lost, as on the air.
const frames = 4

// NIC is the card. All its methods but LED are for the one goroutine that has
// the radio.
type NIC struct {
	// Radio is set before the first call.
	Radio Radio

	// Lost counts the frames that came when there was no room.
	Lost uint32

	want  atomic.Uint32 // 1 if the LED is to be on
	shows uint32        // what it shows, as far as is known

	first, n int
	sizes    [frames]int
	buf      [frames][MaxFrame]byte
}

// LED has the LED switched by a later Turn. It may be called from any
// goroutine, and waits for nothing: the radio is busy with frames.
func (c *NIC) LED(on bool) {
	v := uint32(0)
	if on {
		v = 1
	}
	c.want.Store(v)
}

// Turn switches the LED, if that is due. If it fails, the next Turn tries
// again.
func (c *NIC) Turn() error {
	v := c.want.Load()
	if v == c.shows {
		return nil
	}
	if err := c.Radio.GPIOSet(led, v == 1); err != nil {
		return err
	}
	c.shows = v
	return nil
}

// Deliver keeps a frame that has come until it is received. The radio calls it
// with its own memory.
func (c *NIC) Deliver(frame []byte) {
	if c.n == frames || len(frame) > MaxFrame {
		c.Lost++
		return
	}
	at := (c.first + c.n) % frames
	c.sizes[at] = copy(c.buf[at][:], frame)
	c.n++
}

// Receive gives the next frame, as a card of transport/lneto does: 0 if there
// is none.
func (c *NIC) Receive(buf []byte) (int, error) {
	if c.n == 0 {
		if _, err := c.Radio.PollOne(); err != nil {
			return 0, err
		}
	}
	if c.n == 0 {
		return 0, nil
	}
	n := c.sizes[c.first]
	at := c.first
	c.first = (c.first + 1) % frames
	c.n--
	if n > len(buf) {
		c.Lost++
		return 0, nil
	}
	return copy(buf, c.buf[at][:n]), nil
}

// Send sends a frame. One that the radio refuses is lost, as on the air.
func (c *NIC) Send(frame []byte) error {
	if len(frame) > MaxFrame {
		return transport.ErrSystem
	}
	return c.Radio.SendEth(frame)
}
