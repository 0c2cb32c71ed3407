package main

import (
	"context"
	"maps"
	"slices"
	"time"
)

// A round of a work that is told in CPU time is cut into turns: all servers run, and
// each has a part of its requests, then each the next part. What else the machine
// does for a second or two, and what its processors' clocks do, is shared by all so.

// turn is a load that a server has had.
type turn struct {
	used    cpuTime
	figures figures
	profile *profile
}

// turnsOf is how many turns a round of a work has: so many that each connection under
// load has some requests in each, and that no more are opened than there are requests
// for. There is but one of what is told in another unit, or recorded.
func turnsOf(o options, work string) int {
	if idle(work) || rated(work) || work == startWork || work == liveWork || work == broadcastWork || o.profile {
		return 1
	}
	const some = 16
	n := requestsOf(o, work)
	return max(min(o.turns, n/(some*connsOf(o, work)), n/(2*heldBy(o, work))), 1)
}

// shareOf is how many of n requests a turn has; all turns together have n.
func shareOf(n, turns, turn int) int { return n*(turn+1)/turns - n*turn/turns }

// contender is a server that runs beside others.
type contender struct {
	p     *process
	port  int
	x     sample
	turns []turn
	err   error
}

// measureTurns measures servers all of which run.
func measureTurns(ctx context.Context, o options, load, work, folder string, round, turns int, group []built, begin func(server string), tell func(sample, error)) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(len(group))*timeout(o))
	defer cancel()
	var all []*contender
	for _, s := range group {
		c := &contender{x: newSample(o, work, s.name, round)}
		if c.p, c.port, c.err = start(ctx, s.start, taskOf(o, work, folder)); c.err == nil {
			defer c.p.stop()
		}
		all = append(all, c)
	}
	n := requestsOf(o, work)
	for i := range turns {
		for _, c := range rotated(all, i) {
			if c.err != nil || ctx.Err() != nil {
				continue
			}
			begin(c.x.Server)
			t, err := measureCPU(ctx, o, load, c.p, c.port, folder, &c.x, shareOf(n, turns, i))
			c.turns, c.err = append(c.turns, t), c.p.blamed(err)
		}
	}
	for _, c := range all {
		if c.err == nil {
			c.err = ctx.Err()
		}
		c.x.take(c.turns...)
		tell(c.x, c.err)
	}
}

// take has a sample be of all requests of some turns. Of latencies it has the middle
// ones, but for the greatest of all.
func (x *sample) take(turns ...turn) {
	var used cpuTime
	var n, ns, again int64
	of := make(map[string][]float64)
	curve := make(map[float64][]float64)
	for _, t := range turns {
		used = used.add(t.used)
		n += t.figures["requests"]
		ns += t.figures["ns"]
		again += t.figures["again"]
		for _, name := range []string{"p50", "p99", "p999", "max"} {
			of[name] = append(of[name], micro(t.figures[name]))
		}
		x.Profile = t.profile
		for _, p := range curveOf(t.figures) {
			curve[p.Part] = append(curve[p.Part], p.Time)
		}
	}
	if n == 0 {
		return
	}
	x.Requests = int(n)
	x.CPU = float64(used.total) / 1e3 / float64(n)
	x.User = used.userPart()
	x.PerSecond = float64(n) / (float64(ns) / 1e9)
	x.Again = float64(again) / float64(n)
	x.P50, x.P99, x.P999, x.Max = median(of["p50"]), median(of["p99"]), median(of["p999"]), spreadOf(of["max"]).Max
	x.Curve = nil
	for _, part := range slices.Sorted(maps.Keys(curve)) {
		x.Curve = append(x.Curve, point{part, median(curve[part])})
	}
}
