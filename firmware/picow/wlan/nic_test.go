package wlan

import (
	"bytes"
	"errors"
	"testing"

	"github.com/bobtail-go/bobtail/internal/alloctest"
)

// air is a radio without one.
type air struct {
	nic     *NIC
	waiting [][]byte // frames that come when it is polled
	during  [][]byte // and while it switches the LED
	sent    [][]byte
	on      []bool
	err     error
}

func (a *air) SendEth(frame []byte) error {
	a.sent = append(a.sent, bytes.Clone(frame))
	return a.err
}

func (a *air) PollOne() (bool, error) {
	if len(a.waiting) == 0 {
		return false, a.err
	}
	a.nic.Deliver(a.waiting[0])
	a.waiting = a.waiting[1:]
	return true, a.err
}

func (a *air) GPIOSet(pin uint8, on bool) error {
	if pin != led {
		panic("not the LED")
	}
	for _, frame := range a.during {
		a.nic.Deliver(frame)
	}
	a.during = nil
	if a.err == nil {
		a.on = append(a.on, on)
	}
	return a.err
}

func newNIC() (*NIC, *air) {
	a := new(air)
	a.nic = &NIC{Radio: a}
	return a.nic, a
}

func receives(t *testing.T, c *NIC, want string) {
	t.Helper()
	var buf [MaxFrame]byte
	n, err := c.Receive(buf[:])
	if err != nil || string(buf[:n]) != want {
		t.Errorf("received %q, %v, want %q", buf[:n], err, want)
	}
}

func TestReceive(t *testing.T) {
	c, a := newNIC()
	receives(t, c, "")
	a.waiting = [][]byte{[]byte("one"), []byte("two")}
	receives(t, c, "one")
	receives(t, c, "two")
	receives(t, c, "")

	// What comes while the LED is switched is received after, as far as there
	// is room.
	for range 3 {
		c.LED(c.shows == 0)
		a.during = [][]byte{[]byte("a"), []byte("b"), []byte("c"), []byte("d"), []byte("lost")}
		a.waiting = [][]byte{[]byte("e")}
		if err := c.Turn(); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"a", "b", "c", "d", "e", ""} {
			receives(t, c, want)
		}
	}
	if c.Lost != 3 {
		t.Errorf("%d frames were lost, want 3", c.Lost)
	}
	a.waiting = [][]byte{make([]byte, MaxFrame+1)}
	receives(t, c, "")
	a.waiting = [][]byte{[]byte("longer than its room")}
	if n, err := c.Receive(make([]byte, 3)); n != 0 || err != nil {
		t.Errorf("a frame that does not fit is received as %d bytes, %v", n, err)
	}
	if c.Lost != 5 {
		t.Errorf("%d frames were lost, want 5", c.Lost)
	}
	receives(t, c, "")

	a.err = errors.New("gone")
	if _, err := c.Receive(make([]byte, MaxFrame)); err != a.err {
		t.Errorf("the radio's error is %v", err)
	}
}

func TestSend(t *testing.T) {
	c, a := newNIC()
	if err := c.Send([]byte("out")); err != nil || len(a.sent) != 1 || string(a.sent[0]) != "out" {
		t.Errorf("sent %q, %v", a.sent, err)
	}
	if err := c.Send(make([]byte, MaxFrame+1)); err == nil || len(a.sent) != 1 {
		t.Error("a frame that is too long is sent")
	}
}

func TestLED(t *testing.T) {
	c, a := newNIC()
	turn := func(want ...bool) {
		t.Helper()
		if err := c.Turn(); err != a.err {
			t.Errorf("Turn() = %v", err)
		}
		if len(a.on) != len(want) || len(want) > 0 && a.on[len(want)-1] != want[len(want)-1] {
			t.Errorf("the LED was switched %v, want %v", a.on, want)
		}
	}
	turn()
	c.LED(true)
	turn(true)
	turn(true)
	c.LED(false)
	c.LED(true) // in between nobody has seen
	turn(true)
	c.LED(false)
	a.err = errors.New("busy")
	turn(true)
	a.err = nil
	turn(true, false)
}

func TestNoAllocs(t *testing.T) {
	c, a := newNIC()
	frame, buf := make([]byte, MaxFrame), make([]byte, MaxFrame)
	alloctest.Zero(t, "a frame", func() {
		a.waiting = a.waiting[:0]
		c.Deliver(frame)
		if n, err := c.Receive(buf); n != MaxFrame || err != nil {
			t.Fatal(n, err)
		}
	})
}
