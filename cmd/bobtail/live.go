package main

import (
	"os"
	"runtime/metrics"
	"strconv"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

// live tells the page how the server is: each socket, each worker, and what
// they have done, some times a second to all who subscribe.
type live struct {
	server  *bobtail.Server
	sockets *websocket.Driver
	topic   *websocket.Topic
	coap    *coaptcp.Driver // nil without -coap
	began   time.Time
	rss     resident
	text    []byte
	stop    chan struct{} // the site's
}

func newLive(server *bobtail.Server, sockets *websocket.Driver, began time.Time, stop chan struct{}) *live {
	l := &live{
		server:  server,
		sockets: sockets,
		// Who does not keep up misses the oldest of what waits: the present
		// matters, and the topic counts what is missed.
		topic: sockets.NewTopic(websocket.TopicOptions{Mark: 8, Slow: engine.DropOldest}),
		began: began,
		stop:  stop,
	}
	l.rss.open()
	return l
}

// upgrade is the handler that subscribes.
func (l *live) upgrade() bobtail.Handler {
	return l.sockets.Upgrade(websocket.Options{MaxMessage: 125}, websocket.Handler{
		Open:    func(c *websocket.Conn) error { return l.topic.Subscribe(c.Socket()) },
		Message: func(*websocket.Conn, ws.Opcode, []byte) error { return nil },
	})
}

// mostCells is how many sockets the page shows one by one.
const mostCells = 1024

// liveEvery is how often subscribers are told.
const liveEvery = 100 * time.Millisecond

func (l *live) run() {
	ticker := time.NewTicker(liveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-l.stop:
			return
		case now := <-ticker.C:
			if l.topic.Len() == 0 {
				continue // nobody looks
			}
			l.text = l.append(l.text[:0], now)
			l.topic.Publish(ws.OpText, l.text)
		}
	}
}

// append appends the state of the server, as JSON.
func (l *live) append(b []byte, now time.Time) []byte {
	e, stats := l.server.Engine(), l.server.Stats()
	all := e.Pool().Size()
	shown := min(all, mostCells)

	number := func(name string, n uint64) {
		b = append(append(append(b, `,"`...), name...), `":`...)
		b = strconv.AppendUint(b, n, 10)
	}
	b = append(b, `{"ms":`...)
	b = strconv.AppendInt(b, now.Sub(l.began).Milliseconds(), 10)
	number("of", uint64(all))
	number("open", uint64(stats.Open))
	number("hidden", uint64(all-shown))
	served := stats.Requests.Total() + l.sockets.Stats().Messages
	if l.coap != nil {
		served += l.coap.Stats().Requests.Total()
	}
	number("served", served)
	number("memory", l.rss.bytes())
	number("listening", uint64(l.topic.Len()))

	b = append(b, `,"sockets":"`...)
	for i := 0; i < shown; {
		c, n := l.cell(e.Socket(i)), 1
		for i+n < shown && l.cell(e.Socket(i+n)) == c {
			n++
		}
		if n > 1 {
			b = strconv.AppendInt(b, int64(n), 10)
		}
		b = append(b, c)
		i += n
	}
	b = append(b, `","workers":[`...)
	for id, first := 0, true; id < e.MaxWorkers(); id++ {
		w := e.WorkerAt(id)
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, `["`...)
		b = append(b, doings[w.Doing])
		b = append(b, `",`...)
		b = strconv.AppendInt(b, int64(w.Slot), 10)
		b = append(b, ']')
	}
	return append(b, `]}`...)
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
func (l *live) cell(v engine.SlotView) byte {
	switch v.State {
	case pool.Free:
		return '.'
	case pool.Parked:
		switch {
		case int(v.Driver) == l.sockets.Number():
			return 'w'
		case l.coap != nil && int(v.Driver) == l.coap.Number():
			return 'c'
		}
		return 'h'
	case pool.Blocked, pool.LentWrite:
		return 'o'
	case pool.Draining, pool.Swept:
		return 'x'
	}
	return 'r' // it has a worker, or waits for one
}

// resident reads how much memory the process has.
type resident struct {
	statm  *os.File // nil where there is none
	buf    [64]byte
	sample [1]metrics.Sample
}

func (r *resident) open() {
	r.statm, _ = os.Open("/proc/self/statm")
	r.sample[0].Name = "/memory/classes/total:bytes"
}

// bytes is what the process has in memory, or, where the system does not tell,
// what Go's runtime has of it.
func (r *resident) bytes() uint64 {
	if r.statm != nil {
		n, _ := r.statm.ReadAt(r.buf[:], 0)
		field, pages := 0, uint64(0)
		for _, c := range r.buf[:n] {
			switch {
			case c == ' ':
				field++
			case field == 1 && c >= '0' && c <= '9':
				pages = pages*10 + uint64(c-'0')
			}
		}
		if pages > 0 {
			return pages * uint64(os.Getpagesize())
		}
	}
	metrics.Read(r.sample[:])
	return r.sample[0].Value.Uint64()
}
