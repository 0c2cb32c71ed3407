// Package device is the program of the Pico W but for the chip and its radio:
// firmware/site on transport/lneto, for a card of the caller's. So it runs in
// tests, too.
package device

import (
	"sync"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/firmware/picow/mdns"
	"github.com/bobtail-go/bobtail/firmware/site"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/lneto"
)

// What the device has. There is RAM for more; this is as much as a page with
// live data, an open tab or two and a few machines take.
const (
	Sockets      = 5
	WorkerMemory = 4096
	Buffer       = 2048 // for each direction of a connection
)

// tick is how often those who look are told, in nanoseconds.
const tick = 250_000_000

// Config is what a device is made of.
type Config struct {
	// NIC is the card, and MAC its address. It must let frames to mdns.Group in.
	NIC lneto.NIC
	MAC [6]byte

	// Hostname is what it is called by DHCP and, with .local, by mDNS.
	Hostname string

	// Addr is its address, and Bits the length of the network's prefix. If it is
	// unset, DHCP gives one.
	Addr transport.Addr
	Bits int

	// Seed is as much chance as there is, anew at each start.
	Seed uint64

	// Board is what the board has beside.
	Board site.Board

	// Print, if it is not nil, is given lines for the serial port, valid until it
	// returns. It must not wait.
	Print func(line []byte)

	// Kick, if it is not nil, is called when there is something to send, so that
	// who sleeps can be woken. See lneto.Config.
	Kick func()
}

// Device is the program. Turn is for one goroutine, and the server has its own.
type Device struct {
	site *site.Site
	net  *lneto.Backend
	card card
	out  func(line []byte)

	next      int64 // when to tick
	announced int   // how often
	again     int64 // when to announce again

	mu   sync.Mutex // guards line
	line [80]byte
}

// New makes a device that serves HTTP and WebSocket on port 80 and CoAP on 5683,
// as soon as Turn is called.
func New(c Config) (*Device, error) {
	d := &Device{out: c.Print}
	d.card = card{nic: c.NIC, names: mdns.Responder{Name: c.Hostname, MAC: c.MAC}}
	var err error
	d.net, err = lneto.New(lneto.Config{
		// One more than sockets, for who comes while another leaves.
		Streams: Sockets + 1, Listeners: 2, RxSize: Buffer, TxSize: Buffer,
		MAC: c.MAC, Addr: c.Addr, Bits: c.Bits, Hostname: c.Hostname, Seed: c.Seed, Kick: c.Kick,
	})
	if err != nil {
		return nil, err
	}
	config := site.Small(Sockets, d.net)
	config.WorkerMemory = WorkerMemory
	config.OutputBlocks = 16
	if c.Print != nil {
		config.Log = d.event
	}
	d.site, err = site.New(config, c.Board)
	if err != nil {
		return nil, err
	}
	if err := d.site.AddWebSocket(); err != nil {
		return nil, err
	}
	if err := d.site.AddCoAP(); err != nil {
		return nil, err
	}
	srv := d.site.Server()
	if _, err := srv.Listen("http://:80"); err != nil {
		return nil, err
	}
	if _, err := srv.Listen("coap+tcp://:5683"); err != nil {
		return nil, err
	}
	return d, srv.Start()
}

// Close ends the server.
func (d *Device) Close() error { return d.site.Server().Close() }

// Turn does what there is to do for the network and the page, and reports
// whether there was anything: if not, the caller may sleep for a millisecond or
// so. It does not wait. An error is the card's, which may be gone for a while.
func (d *Device) Turn() (moved bool, err error) {
	moved, err = d.net.Step(&d.card)
	now := d.net.Now()
	a := d.net.Addr()
	if d.card.known = !a.IsUnset(); d.card.known {
		if d.card.addr != a.Bytes4() {
			d.card.addr, d.announced = a.Bytes4(), 0
		}
		if d.announced < 2 && now >= d.again {
			if d.announced == 0 {
				d.address(a)
			}
			d.announced++
			d.again = now + 1_000_000_000
			d.card.announce()
		}
	}
	if now >= d.next {
		d.next = now + tick
		d.site.Tick()
	}
	return moved, err
}

// address tells what the address is.
func (d *Device) address(a transport.Addr) {
	if d.out == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.out(append(a.AppendTo(append(d.line[:0], "http://"...)), '\n'))
}

// event is called by all workers.
func (d *Device) event(ev bobtail.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.out(site.AppendEvent(d.line[:0], ev))
}

// card is the network card with questions for our name answered.
type card struct {
	nic   lneto.NIC
	names mdns.Responder
	addr  [4]byte
	known bool
	reply [mdns.MaxFrame]byte
}

// Send implements lneto.NIC.
func (c *card) Send(frame []byte) error { return c.nic.Send(frame) }

// Receive implements lneto.NIC.
func (c *card) Receive(buf []byte) (int, error) {
	n, err := c.nic.Receive(buf)
	if n > 0 && c.known {
		if k := c.names.Answer(buf[:n], c.addr, c.reply[:]); k > 0 {
			// A lost answer is asked for again.
			c.nic.Send(c.reply[:k])
		}
	}
	return n, err
}

func (c *card) announce() {
	if k := c.names.Announce(c.addr, c.reply[:]); k > 0 {
		c.nic.Send(c.reply[:k])
	}
}
