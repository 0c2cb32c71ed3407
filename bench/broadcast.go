package main

import (
	"context"
	"fmt"
	"strconv"
)

// broadcastWork is the one in which a message goes to all of many WebSockets. Who
// wants to listen comes to listenPath, and who sends a message to publishPath has
// it sent to all of those.
const (
	broadcastWork = "broadcast"
	listenPath    = "/ws/listen"
	publishPath   = "/ws/publish"
)

// broadcastSize is how long a message is, in bytes.
const broadcastSize = 64

// broadcasts is how many messages are published: about as long takes a run then as
// a plain one.
func broadcasts(o options) int { return max(2*o.requests/o.parked, 5) }

// broadcastTitle is what stands over the table.
func broadcastTitle(s settings, rounds string) string {
	o := options{requests: s.Requests, parked: s.Parked}
	return fmt.Sprintf("%s: a binary message of %d bytes to %d WebSockets, and the next when all have it, %d of them; "+
		"p50 and p99 until all have it; %s", broadcastWork, broadcastSize, s.Parked, broadcasts(o), rounds)
}

// measureBroadcast has messages published, and looks what one of them costs for one
// listener.
func measureBroadcast(ctx context.Context, o options, load string, p *process, port int, x *sample) error {
	n := broadcasts(o)
	l, err := startLoad(ctx, load, "-p", strconv.Itoa(port), "-l", strconv.Itoa(o.parked), "-u", listenPath, "-B", publishPath,
		"-m", strconv.Itoa(broadcastSize), "-w", strconv.Itoa(max(n/10, 1)), "-n", strconv.Itoa(n), "-T", strconv.Itoa(seconds(o)))
	if err != nil {
		return err
	}
	defer l.stop()
	t, err := watch(ctx, o, p, l, n*o.parked)
	x.take(t)
	return err
}
