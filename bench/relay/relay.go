// Package relay carries Ethernet frames between two devices, and delays and
// drops some on the way, as a long path does.
//
// What is dropped depends on the seed and on the number of the packet in its
// direction, and so two runs with the same traffic lose the same. Delays are
// constant, so that packets stay in their order.
package relay

import (
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Config says what the path is like, in each direction.
type Config struct {
	Delay time.Duration // of each packet
	Loss  float64       // the part of the packets that is dropped, from 0 to 1
	Seed  uint64
}

// Count is what came from one of the devices: IPv4 packets, with their Ethernet
// headers of 14 bytes.
type Count struct {
	Frames, Bytes int64 // that were sent, those that were dropped included
	Dropped       int64
}

// Relay carries frames until it is closed.
type Relay struct {
	ends  [2]io.ReadWriteCloser
	ways  [2]way
	wait  sync.WaitGroup
	close sync.Once
}

// way is a direction.
type way struct {
	mu     sync.Mutex
	config Config
	random *rand.Rand

	frames, bytes, dropped atomic.Int64

	queue chan frame
}

// frame waits for its time.
type frame struct {
	due time.Time
	b   []byte
}

const (
	maxFrame = 1 << 16
	header   = 14 // bytes of an Ethernet header

	// waiting is how many frames may be under way in a direction; others are
	// dropped, as by a router whose queue is full.
	waiting = 8192
)

// Types of Ethernet frames.
const (
	typeIPv4 = 0x0800
	typeARP  = 0x0806
)

// Start carries frames between two devices, each of whose Read and Write does
// one frame. They are the relay's from now on.
func Start(a, b io.ReadWriteCloser, c Config) *Relay {
	r := &Relay{ends: [2]io.ReadWriteCloser{a, b}}
	r.Set(c)
	for i := range r.ways {
		w, from, to := &r.ways[i], r.ends[i], r.ends[1-i]
		w.queue = make(chan frame, waiting)
		r.wait.Go(func() { w.read(from, to) })
		r.wait.Go(func() { w.write(to) })
	}
	return r
}

// Set makes the path another, and begins to count anew. What is under way
// arrives when it was to.
func (r *Relay) Set(c Config) {
	for i := range r.ways {
		w := &r.ways[i]
		w.mu.Lock()
		w.config = c
		w.random = rand.New(rand.NewPCG(c.Seed, uint64(i)))
		w.frames.Store(0)
		w.bytes.Store(0)
		w.dropped.Store(0)
		w.mu.Unlock()
	}
}

// Counts are what the two devices have sent since the last Set.
func (r *Relay) Counts() (a, b Count) {
	return r.ways[0].count(), r.ways[1].count()
}

func (w *way) count() Count {
	return Count{w.frames.Load(), w.bytes.Load(), w.dropped.Load()}
}

// Close closes the devices, and returns when nothing is carried any more.
func (r *Relay) Close() {
	r.close.Do(func() {
		for _, e := range r.ends {
			e.Close()
		}
	})
	r.wait.Wait()
}

// read takes what comes from a device until it is closed.
func (w *way) read(from io.Reader, to io.Writer) {
	defer close(w.queue)
	b := make([]byte, maxFrame)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if n < header {
			continue
		}
		switch int(b[12])<<8 | int(b[13]) {
		case typeARP:
			// A path that lost these would measure the tables of neighbours.
			to.Write(b[:n])
		case typeIPv4:
			w.carry(b[:n])
		}
	}
}

// carry drops a packet or puts it into the queue.
func (w *way) carry(b []byte) {
	w.mu.Lock()
	lost := w.random.Float64() < w.config.Loss
	due := time.Now().Add(w.config.Delay)
	w.frames.Add(1)
	w.bytes.Add(int64(len(b)))
	w.mu.Unlock()
	if !lost {
		select {
		case w.queue <- frame{due, append([]byte(nil), b...)}:
			return
		default:
		}
	}
	w.dropped.Add(1)
}

func (w *way) write(to io.Writer) {
	for f := range w.queue {
		if d := time.Until(f.due); d > 0 {
			time.Sleep(d)
		}
		to.Write(f.b)
	}
}
