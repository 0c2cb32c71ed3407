package main

import (
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// mill is a network whose clients cost nothing: each sends the same again and
// again, and what it is sent is only counted. What a turn of the server costs is
// the server.
type mill struct {
	*memory.Network // listens
	clients         []client
	text            []byte // that is received now
	next            int    // the next client whom a Wait tells of
	told            uint64 // the listener's tag, to be told once
	sent            int    // bytes in all
}

// client is one end of a connection.
type client struct {
	tag   uint64
	ready bool
}

func (m *mill) Listen(a transport.Addr, tag uint64) (transport.Listener, error) {
	m.told = tag
	return m.Network.Listen(a, tag)
}

// Now stands still, so that no deadline comes.
func (m *mill) Now() int64 { return 1e9 }

func (m *mill) Accept(transport.Listener) (transport.Stream, error) {
	if len(m.clients) == cap(m.clients) {
		return 0, transport.ErrWouldBlock
	}
	m.clients = append(m.clients, client{})
	return transport.Stream(len(m.clients) - 1), nil
}

func (m *mill) Attach(s transport.Stream, _ int, tag uint64) error {
	m.clients[s].tag = tag
	return nil
}

// turn has every client send a text, which the next Wait tells of.
func (m *mill) turn(text []byte) {
	m.text = text
	m.next = 0
	for i := range m.clients {
		m.clients[i].ready = true
	}
}

func (m *mill) Wait(_ int, ev []transport.Event, _ int64) (int, error) {
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
func (m *mill) Receive(s transport.Stream, b []byte) ([]byte, error) {
	if !m.clients[s].ready {
		return nil, transport.ErrWouldBlock
	}
	m.clients[s].ready = false
	return b[:copy(b, m.text)], nil
}

func (m *mill) Send(_ transport.Stream, bufs [][]byte) (int, error) {
	k := 0
	for _, b := range bufs {
		k += len(b)
	}
	m.sent += k
	return k, nil
}

func (m *mill) Consume(transport.Stream, int)    {}
func (m *mill) Holds() int                       { return 0 }
func (m *mill) CloseStream(transport.Stream)     {}
func (m *mill) Abort(transport.Stream)           {}
func (m *mill) Arm(transport.Listener, bool)     {}
func (m *mill) CloseListener(transport.Listener) {}
