package main

import (
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/sse"
)

// clock is what /events tells: the time, once a second. Whoever listens holds
// no worker and no goroutine.
type clock struct {
	topic *sse.Topic
	stop  chan struct{}
}

// mostListeners bounds what a large server keeps for the clock's.
const mostListeners = 1024

func newClock(server *bobtail.Server) (*clock, error) {
	topic, err := sse.New(server, clockOptions(server))
	return &clock{topic, make(chan struct{})}, err
}

func clockOptions(server *bobtail.Server) sse.Options {
	return sse.Options{
		Replay:      2048, // over half a minute
		Epoch:       time.Now().UTC().Format("20060102150405"),
		Subscribers: min(server.Sockets(), mostListeners),
		Retry:       int64(time.Second),
	}
}

// run ticks until close. A tick that finds no memory free is left out.
func (c *clock) run(every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var text [len(time.TimeOnly)]byte
	for {
		select {
		case <-c.stop:
			return
		case now := <-ticker.C:
			c.topic.Publish(sse.Event{Data: now.AppendFormat(text[:0], time.TimeOnly)})
		}
	}
}

// close ends the clock, and the answers of those who listen.
func (c *clock) close() {
	close(c.stop)
	c.topic.Close()
}
