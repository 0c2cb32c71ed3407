// Package site is what a small device serves, whatever it runs on: a page with
// live data, a few answers to try a client on, and an LED that all of HTTP,
// WebSocket and CoAP show and set. The firmware and the desktop program of
// examples/device run these very functions.
//
// A program makes a Site of a configuration, Small as a rule, and of its Board,
// adds the protocols that it wants, has the Server listen and start, and calls
// Tick some times a second:
//
//	s, err := site.New(site.Small(5, backend), board)
//	err = s.AddWebSocket()
//	err = s.AddCoAP()
//	_, err = s.Server().Listen("http://:80")
//	_, err = s.Server().Listen("coap+tcp://:5683")
//	err = s.Server().Start()
//
// What is not added is not linked. Nothing of it allocates for a request, a
// message or a Tick, under Go or under TinyGo.
//
// # What there is
//
//	GET /           a page that shows the device, by /ws/live
//	GET /plaintext  Hello, World!
//	GET /json       the same as JSON
//	POST /echo      the content, of any length, sent back as it comes
//	GET /stats      what the device has done and is doing, as JSON
//	GET, PUT /led   on or off
//	/ws             a WebSocket that sends messages back, of any length
//	/ws/live        one that tells the state, and takes on and off for the LED
//	coap GET /hello, GET /time (seconds, observable), GET and PUT /led (observable)
package site

import (
	"sync"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/websocket"
)

// Board is what a machine has that the Site shows. What is nil, it has not.
type Board struct {
	// Name is what the machine is called: at most 32 bytes of ASCII without
	// quotation marks and backslashes.
	Name string

	// LED switches it. Calls come one after the other, from workers; they must
	// not wait for the network, since those who look are told after.
	LED func(on bool)

	// Heap is how many bytes of the heap are taken, and how many there are.
	Heap func() (used, size uint64)

	// Stack is the most that the stack of task i, from 0, has held so far, and
	// its size, in bytes. The first i without a task has no name. Names are
	// ASCII of at most 16 bytes.
	Stack func(i int) (name string, used, size uint64)
}

// Site is what a device serves. Its methods may be called from any goroutine,
// but those that add before the server listens, and Tick from one at a time.
type Site struct {
	srv    *bobtail.Server
	board  Board
	began  int64 // of the server's clock, in nanoseconds
	memory uint64

	// second is the last one that Tick has seen.
	second int64

	// mu is held while a change is told, so that all are told of changes in
	// their order. Whoever holds it waits for nobody's peer.
	mu     sync.Mutex
	on     bool          // the LED
	text   [512]byte     // of what is told
	counts bobtail.Stats // the last that were read; TinyGo has no room for them on a stack

	// What was added sets these, so that nothing else links it.
	tellSockets func() // with mu held
	tellLED     func() // with mu held
	tellSecond  func()
	messages    func() uint64
	requests    func() uint64
	letters     [8]byte // of the drivers, by their number

	live    *websocket.Topic
	leds    *resource.Topic
	seconds *resource.Topic
}

// New makes the server of a configuration and the Site that it serves by HTTP.
// It fails as bobtail.New does.
func New(c bobtail.Config, b Board) (*Site, error) {
	srv, err := bobtail.New(c)
	if err != nil {
		return nil, err
	}
	s := &Site{srv: srv, board: b, began: srv.Now(), memory: uint64(srv.Memory().Total())}
	s.addHTTP()
	return s, nil
}

// Server is what serves the Site. Its errors in adding routes come from Listen.
func (s *Site) Server() *bobtail.Server { return s.srv }

// Tick tells those who look how the device is, and those who observe the time
// each second. Some calls a second are right; each is short, and waits for
// nobody.
func (s *Site) Tick() {
	if now := s.uptime(); now != s.second {
		s.second = now
		if s.tellSecond != nil {
			s.tellSecond()
		}
	}
	if s.tellSockets != nil {
		s.mu.Lock()
		s.tellSockets()
		s.mu.Unlock()
	}
}

// uptime is the seconds since New.
func (s *Site) uptime() int64 { return (s.srv.Now() - s.began) / 1_000_000_000 }
