package device_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/firmware/picow/device"
	"github.com/bobtail-go/bobtail/firmware/picow/mdns"
	"github.com/bobtail-go/bobtail/firmware/picow/wlan"
	"github.com/bobtail-go/bobtail/firmware/site"
	"github.com/bobtail-go/bobtail/firmware/site/sitetest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/lneto"
	"github.com/bobtail-go/bobtail/transport/lneto/lnetotest"
)

// radio is a card on a wire that behaves as the radio does: what has come is
// delivered when it is polled, and also while it is asked for something else.
type radio struct {
	*lnetotest.Card
	nic *wlan.NIC
	buf [wlan.MaxFrame]byte

	mu sync.Mutex
	on bool
}

func (r *radio) SendEth(frame []byte) error { return r.Card.Send(frame) }

func (r *radio) PollOne() (bool, error) {
	n, err := r.Card.Receive(r.buf[:])
	if n > 0 {
		r.nic.Deliver(r.buf[:n])
	}
	return n > 0, err
}

func (r *radio) GPIOSet(_ uint8, on bool) error {
	r.PollOne()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.on = on
	return nil
}

func (r *radio) lit() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.on
}

var ours = transport.IPv4(10, 0, 0, 2, 0)

// lines are what the device has printed.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) print(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start runs the program on a wire, as main does on the chip.
func start(t *testing.T, w *lnetotest.Wire) (*radio, *lines) {
	t.Helper()
	r := &radio{Card: w.Card(), nic: new(wlan.NIC)}
	r.nic.Radio = r
	serial := new(lines)
	d, err := device.New(device.Config{
		NIC: r.nic, MAC: [6]byte{2, 0, 0, 0, 0, 2}, Hostname: "bobtail", Addr: ours, Seed: 1,
		Board: site.Board{Name: "wire", LED: r.nic.LED},
		Print: serial.print,
		Kick:  r.Kick,
	})
	if err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
			}
			moved, err := d.Turn()
			if err == nil {
				err = r.nic.Turn()
			}
			if err != nil {
				t.Error(err)
				return
			}
			if !moved {
				r.Idle()
			}
		}
	}()
	t.Cleanup(func() {
		d.Close()
		close(stop)
		<-stopped
	})
	return r, serial
}

func TestDevice(t *testing.T) {
	for name, faults := range map[string]lnetotest.Faults{
		"on a good wire":  {},
		"on a worse wire": {Seed: 3, Lose: 5, Double: 10, Reorder: 10},
	} {
		t.Run(name, func(t *testing.T) {
			w := lnetotest.NewWire(faults)
			r, serial := start(t, w)
			host, err := lnetotest.NewHost(w, lneto.Config{MAC: [6]byte{2, 0, 0, 0, 0, 9}, Addr: transport.IPv4(10, 0, 0, 9, 0), Seed: 2})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { host.Close() })
			sitetest.Run(t, sitetest.Device{
				HTTP: "10.0.0.2:80", CoAP: "10.0.0.2:5683", Sockets: device.Sockets, Patience: time.Minute,
				Connect: func(ctx context.Context, network, address string) (net.Conn, error) {
					return host.DialContext(ctx, network, address)
				},
			})
			if r.lit() {
				t.Error("the LED is on, and was switched off last")
			}
			if text := serial.String(); !strings.HasPrefix(text, "http://10.0.0.2") || !strings.Contains(text, "accepted") {
				t.Errorf("the serial port says %q", text)
			}
		})
	}
}

// TestName asks for the device's name, as an operating system does when a
// browser is given it.
func TestName(t *testing.T) {
	w := lnetotest.NewWire(lnetotest.Faults{})
	asker := w.Card()
	start(t, w)
	var want [mdns.MaxFrame]byte
	us := mdns.Responder{Name: "bobtail", MAC: [6]byte{2, 0, 0, 0, 0, 2}}
	n := us.Announce(ours.Bytes4(), want[:])
	told := func() {
		t.Helper()
		var buf [1514]byte
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); asker.Idle() {
			if k, _ := asker.Receive(buf[:]); k == n && string(buf[:k]) == string(want[:n]) {
				return
			}
		}
		t.Error("the name is not told")
	}
	told() // unasked
	told() // and again
	q := []byte("\x01\x00\x5e\x00\x00\xfb\x02\x00\x00\x00\x00\x09\x08\x00" +
		"\x45\x00\x00\x3b\x00\x00\x00\x00\xff\x11\x00\x00\x0a\x00\x00\x09\xe0\x00\x00\xfb\x14\xe9\x14\xe9\x00\x27\x00\x00" +
		"\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07bobtail\x05local\x00\x00\x01\x00\x01")
	if err := asker.Send(q); err != nil {
		t.Fatal(err)
	}
	told()
}
