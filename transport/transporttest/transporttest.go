// Package transporttest is the conformance suite of package transport: Run is
// the acceptance test of a backend.
//
// A backend passes if every case passes. Each case states the rule of the
// contract that it holds the backend to, and a failure prints it. No case
// sleeps: where something must happen, the case waits for its event; where
// nothing may happen, it waits for a short deadline on the backend's clock.
//
// The far end of each stream is a [Peer], which the backend under test has no
// part in: [Host] gives peers made by package net.
package transporttest

import (
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/transport"
)

// Peer is the far end of a stream. Its calls block, and fail after some
// seconds on a network that has real time. Read and Write may be called from
// one goroutine each at the same time.
type Peer interface {
	// Read reads at least one byte. It fails with io.EOF after the last byte
	// and with any other error if the stream was reset.
	Read(b []byte) (int, error)

	// Write writes all of b.
	Write(b []byte) (int, error)

	// CloseWrite ends the peer's bytes; Read goes on.
	CloseWrite() error

	// Close ends the stream in order. It may be called twice.
	Close() error

	// Reset ends the stream at once, in a way that the backend can tell from
	// Close.
	Reset() error

	// Local and Remote are the two ends as the peer sees them.
	Local() transport.Addr
	Remote() transport.Addr
}

// PeerListener is where a backend dials to.
type PeerListener interface {
	Accept() (Peer, error)
	Addr() transport.Addr
	Close() error
}

// Fixture is a backend and the network around it.
type Fixture struct {
	// Backend is the backend under test, new. Run closes it.
	Backend transport.Backend

	// Addr is an address to listen on, with port 0.
	Addr transport.Addr

	// Addr6 is an IPv6 address to listen on, with port 0. If unset, or equal to
	// Addr, the cases that need both families are skipped.
	Addr6 transport.Addr

	// Dial connects a peer to an address that Backend listens on, or fails.
	Dial func(to transport.Addr) (Peer, error)

	// Listen opens a listener that Backend can dial. If nil, the cases of
	// Backend.Dial are skipped.
	Listen func(at transport.Addr) (PeerListener, error)

	// File makes a file of which Backend, if it is a transport.FileSender, can
	// send from the descriptor, until it is closed. If nil, or if Backend is
	// none, those cases are skipped.
	File func(content []byte) (fd uintptr, file io.Closer, err error)

	// Advance moves the backend's clock if it has a virtual one that moves by
	// this alone. It is nil on a clock that runs.
	Advance func(nanoseconds int64)

	// Streams is the number of streams that the backend can hold at once, or 0
	// for as many as the suite wants, which is 128.
	Streams int

	// Allocates is set where Wait, Receive, Consume or Send may allocate, or
	// where a peer cannot be served by the goroutine that also plays the peer.
	Allocates bool

	// Faulty is set where the backend fails with ErrWouldBlock or moves less
	// than it could, on purpose. It still has to tell so by events.
	Faulty bool
}

// A testCase is one rule of the contract.
type testCase struct {
	name string
	rule string
	run  func(d *driver)
}

// The limits after which something that has to happen has not happened. They
// are long, since machines are slow and a failure is rare.
const (
	waitLimit = time.Minute
	caseLimit = 3 * time.Minute
)

// quietTime is how long nothing may happen where nothing may happen.
const quietTime = 10 * time.Millisecond

// Run runs every case, each on a fixture of its own.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	warmUp()
	for _, cases := range [][]testCase{
		listenCases, receiveCases, sendCases, endCases, waitCases, dialCases, trafficCases, resourceCases, holdCases, fileCases, detachCases,
	} {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) { runCase(t, c, open) })
		}
	}
}

func runCase(t *testing.T, c testCase, open func(t *testing.T) Fixture) {
	t.Helper()
	// A case that hangs cannot be failed from outside: what is of use then is
	// where each goroutine stands.
	watchdog := time.AfterFunc(caseLimit, func() {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		panic(fmt.Sprintf("transporttest: %s hangs\nrule: %s\n%s", c.name, c.rule, stacks))
	})
	defer watchdog.Stop()
	before := takeCensus()
	d := newDriver(t, c.rule, open)
	defer d.finish(before)
	c.run(d)
}
