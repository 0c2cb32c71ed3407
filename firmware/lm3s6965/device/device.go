//go:build lm3s6965

// Package device is the program of the LM3S6965 evaluation board, for the
// protocols that it is given.
package device

import (
	"runtime"
	"unsafe"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/firmware/lm3s6965/board"
	"github.com/bobtail-go/bobtail/firmware/site"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/lneto"
)

// Sockets is how many connections there can be at once.
const Sockets = 5

// tick is how often those who look are told, in nanoseconds.
const tick = 250_000_000

// Program is what a device runs.
type Program struct {
	// Address is that of the board in a network of 24 bits, as text. If it is
	// empty, DHCP gives it one.
	Address string

	// Add are the protocols beside HTTP.
	Add []func(*site.Site) error

	// Listen are the addresses to listen on.
	Listen []string

	// Quiet keeps events from the serial port.
	Quiet bool
}

// Run serves. It returns only if it cannot, and has then told why on the serial
// port.
func Run(p Program) {
	s, net, err := start(p)
	if err == nil {
		// What was only needed to begin is given back, so that the figures tell
		// of a heap that nothing is taken from.
		runtime.GC()
		used, size := board.Heap()
		println("heap", uint(used), "of", uint(size))
		err = turn(s, net)
	}
	tell(err)
}

// tell prints an error. Asking an error of any kind for its text would keep the
// texts of all errors in flash, 6 KB of them.
func tell(err error) {
	switch e := err.(type) {
	case *bobtail.ConfigError:
		println("bobtail:", e.Field, "must be", e.Rule)
	case *lneto.ConfigError:
		println("lneto:", e.Field, "must be", e.Rule)
	default:
		println("error", uint(transport.Of(err)), "of package transport")
	}
}

// start makes all and starts it. It is not part of Run, whose stack would else
// keep room for it.
//
//go:noinline
func start(p Program) (*site.Site, *lneto.Backend, error) {
	mac := [6]byte{0x02, 0, 0, 0x6B, 0x69, 0x65} // administered locally: a board has its own in a register
	board.Configure(mac)
	println("bobtail on lm3s6965")
	c := lneto.Config{
		// One more than the server's, so that a client who comes when all are taken
		// is seen, and has the place of whom has been idle longest.
		Streams: Sockets + 1, Listeners: 2, RxSize: 512, TxSize: 512,
		MAC: mac, Hostname: "bobtail", Seed: board.Seed(),
	}
	if p.Address != "" {
		a, err := transport.ParseAddr(p.Address + ":0")
		if err != nil {
			return nil, nil, err
		}
		c.Addr = a
	}
	net, err := lneto.New(c)
	if err != nil {
		return nil, nil, err
	}
	config := site.Small(Sockets, net)
	if !p.Quiet {
		config.Log = event
	}
	config.WorkerMemory = 1536
	config.Stash = 1
	config.OutputBlocks, config.OutputBlockSize = 8, 256
	s, err := site.New(config, site.Board{Name: "LM3S6965", LED: board.LED, Heap: board.Heap, Stack: stack})
	if err != nil {
		return nil, nil, err
	}
	for _, add := range p.Add {
		if err := add(s); err != nil {
			return nil, nil, err
		}
	}
	for _, l := range p.Listen {
		if _, err := s.Server().Listen(l); err != nil {
			return nil, nil, err
		}
	}
	return s, net, s.Server().Start()
}

// turn moves the network and the page on, and sleeps between.
func turn(s *site.Site, net *lneto.Backend) error {
	var nic board.NIC
	known, next := false, int64(0)
	for {
		moved, err := net.Step(&nic)
		if err != nil {
			return err
		}
		if !known && !net.Addr().IsUnset() {
			known = true
			a := net.Addr()
			printLine(append(a.AppendTo(line[:0]), '\n'))
		}
		if now := s.Server().Now(); now >= next {
			next = now + tick
			s.Tick()
		}
		runtime.Gosched()
		if !moved {
			board.Idle()
		}
	}
}

// line is what goes to the serial port. The scheduler changes goroutines only
// where one waits, and printing does not.
var line [80]byte

func event(ev bobtail.Event) { printLine(site.AppendEvent(line[:0], ev)) }

func printLine(b []byte) { print(unsafe.String(unsafe.SliceData(b), len(b))) }

// tasks are the goroutines as they are started: the first is main's, the
// others the engine's.
var tasks = [...]string{"system", "network", "worker 0", "worker 1", "monitor"}

func stack(i int) (name string, used, size uint64) {
	used, size = board.Stack(i)
	if size == 0 {
		return "", 0, 0
	}
	if i < len(tasks) {
		return tasks[i], used, size
	}
	return "task", used, size
}
