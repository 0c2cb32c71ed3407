// Package mill is a network whose clients cost nothing, for measuring what a
// server costs without one.
package mill

import (
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// Mill is a network whose clients each send the same again and again, and what
// they are sent is only counted. What a turn of the server costs is the server.
// Its clients connect in the first Wait after Listen.
type Mill struct {
	*memory.Network // listens
	clients         []client
	text            []byte // that is received now
	next            int    // the next client whom a Wait tells of
	told            uint64 // the listener's tag

	Sent  int // bytes that the clients were sent
	Sends int // in so many calls
}

// New makes a network of so many clients.
func New(clients int) *Mill {
	return &Mill{Network: memory.New(memory.Config{}), clients: make([]client, 0, clients)}
}

// client is one end of a connection.
type client struct {
	tag   uint64
	ready bool
}

// Listen is told of the tag that clients come with.
func (m *Mill) Listen(a transport.Addr, tag uint64) (transport.Listener, error) {
	m.told = tag
	return m.Network.Listen(a, tag)
}

// Now stands still, so that no deadline comes.
func (m *Mill) Now() int64 { return 1e9 }

// Accept takes a client, if not all are here.
func (m *Mill) Accept(transport.Listener) (transport.Stream, error) {
	if len(m.clients) == cap(m.clients) {
		return 0, transport.ErrWouldBlock
	}
	m.clients = append(m.clients, client{})
	return transport.Stream(len(m.clients) - 1), nil
}

// Connected is how many clients are connected.
func (m *Mill) Connected() int { return len(m.clients) }

// Attach is told of the tag that a client's events come with.
func (m *Mill) Attach(s transport.Stream, _ int, tag uint64) error {
	m.clients[s].tag = tag
	return nil
}

// Turn has every client send a text, which the next Wait tells of. The text stays
// the caller's, and is not changed before it was received.
func (m *Mill) Turn(text []byte) {
	m.text = text
	m.next = 0
	for i := range m.clients {
		m.clients[i].ready = true
	}
}

// Wait tells of clients who connect, or of what they have sent. It never blocks.
func (m *Mill) Wait(_ int, ev []transport.Event, _ int64) (int, error) {
	if len(m.clients) == 0 && len(ev) > 0 {
		ev[0] = transport.Event{Tag: m.told, Ready: transport.Acceptable}
		return 1, nil
	}
	n := 0
	for ; n < len(ev) && m.next < len(m.clients); m.next++ {
		ev[n] = transport.Event{Tag: m.clients[m.next].tag, Ready: transport.Readable}
		n++
	}
	return n, nil
}

// Receive gives the whole text once, which no buffer here is too small for.
func (m *Mill) Receive(s transport.Stream, b []byte) ([]byte, error) {
	if !m.clients[s].ready {
		return nil, transport.ErrWouldBlock
	}
	m.clients[s].ready = false
	return b[:copy(b, m.text)], nil
}

// Send counts.
func (m *Mill) Send(_ transport.Stream, bufs [][]byte) (int, error) {
	k := 0
	for _, b := range bufs {
		k += len(b)
	}
	m.Sent += k
	m.Sends++
	return k, nil
}

// Consume does nothing, since nothing is held.
func (m *Mill) Consume(transport.Stream, int) {}

// Holds is 0.
func (m *Mill) Holds() int { return 0 }

// CloseStream does nothing.
func (m *Mill) CloseStream(transport.Stream) {}

// Abort does nothing.
func (m *Mill) Abort(transport.Stream) {}

// Arm does nothing: a Wait tells of clients once.
func (m *Mill) Arm(transport.Listener, bool) {}

// CloseListener does nothing.
func (m *Mill) CloseListener(transport.Listener) {}
