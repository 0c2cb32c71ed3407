package site

import (
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/pool"
)

// How many sockets and workers the page shows one by one.
const (
	mostCells   = 64
	mostWorkers = 16
)

// appendLive appends the state of the device, as JSON, with mu held.
func (s *Site) appendLive(b []byte) []byte {
	e, stats := s.srv.Engine(), &s.counts
	s.srv.ReadStats(stats)
	b = s.appendBoard(append(b, '{'))
	b = number(b, `,"open":`, uint64(stats.Open))
	b = number(b, `,"served":`, s.served())
	b = number(b, `,"received":`, stats.Received)
	b = number(b, `,"sent":`, stats.Sent)
	b = append(b, `,"sockets":"`...)
	for i := range min(e.Pool().Size(), mostCells) {
		b = append(b, s.cell(e.Socket(i)))
	}
	b = append(b, `","workers":"`...)
	for i := range min(e.MaxWorkers(), mostWorkers) {
		b = append(b, doings[e.WorkerAt(i).Doing])
	}
	return append(b, `"}`...)
}

// appendBoard appends what the board tells of itself, as members of an object.
func (s *Site) appendBoard(b []byte) []byte {
	b = append(append(append(b, `"board":"`...), s.board.Name...), '"')
	b = number(b, `,"seconds":`, uint64(s.uptime()))
	b = append(append(append(b, `,"led":"`...), word(s.on)...), '"')
	if s.board.Heap != nil {
		used, size := s.board.Heap()
		b = number(b, `,"heap":[`, used)
		b = append(number(b, `,`, size), ']')
	}
	return b
}

// served is how many requests and messages there were, by the counts.
func (s *Site) served() uint64 {
	n := s.counts.Requests.Total()
	if s.messages != nil {
		n += s.messages()
	}
	if s.requests != nil {
		n += s.requests()
	}
	return n
}

// doings are the letters of what workers do.
var doings = [...]byte{
	engine.WorkerIdle:    'i',
	engine.WorkerPolling: 'e',
	engine.WorkerServing: 's',
	engine.WorkerLent:    'r',
	engine.WorkerLost:    'l',
}

// cell is the letter of what a socket does.
func (s *Site) cell(v engine.SlotView) byte {
	switch v.State {
	case pool.Free:
		return '.'
	case pool.Parked:
		if c := s.letters[v.Driver&7]; c != 0 {
			return c
		}
		return 'h'
	case pool.Blocked, pool.LentWrite:
		return 'o'
	case pool.Draining, pool.Swept:
		return 'x'
	}
	return 'r' // it has a worker, or waits for one
}

// number appends a number behind its name.
func number(b []byte, name string, n uint64) []byte { return ascii.AppendUint(append(b, name...), n) }
