package main

import "slices"

// crowd is a work that is like another but for the number of its connections.
type crowd struct {
	name, like string

	// conns are those that are open, and busy those of them that send requests;
	// nil if all do.
	conns, busy func(options) int
}

// allCrowds are the works that differ in the number of connections.
var allCrowds = []crowd{
	{"plain1", "plain", exactly(1), nil},
	{"plain8", "plain", exactly(8), nil},
	{"plain256", "plain", exactly(256), nil},
	{"plain1k", "plain", func(o options) int { return o.many }, nil},
	{"plain4k", "plain", exactly(4000), nil},
	{"plain10k", "plain", func(o options) int { return max(o.parked, o.conns) }, func(o options) int { return o.conns }},
	{"parked1k", "parked", exactly(1000), nil},
	{"parked4k", "parked", exactly(4000), nil},
	{"parked15k", "parked", halfMore, nil},
	{"wsidle15k", idleMessage.name, halfMore, nil},
}

func exactly(n int) func(options) int { return func(options) int { return n } }

// halfMore is what shows whether what a connection costs depends on their number.
func halfMore(o options) int { return o.parked + o.parked/2 }

// crowdOf is the crowd that a work is about, nil if it is about none.
func crowdOf(work string) *crowd {
	for i := range allCrowds {
		if c := &allCrowds[i]; c.name == work {
			return c
		}
	}
	return nil
}

// kindOf is the work that a work is like, itself if it is like no other.
func kindOf(work string) string {
	if c := crowdOf(work); c != nil {
		return c.like
	}
	return work
}

// curves stands for all works that the plots are made of, in a list of works, and
// is of those that are not done unless they are asked for.
const curves = "curves"

var (
	curveOnly  = []string{"plain1", "plain8", "plain256", "plain4k", "parked1k", "parked4k"}
	curveWorks = slices.Concat(curveOnly, []string{"plain", "plain1k", "plain10k", "parked", "parked15k", "wsidle", "wsidle15k", latencyWork})
)

// heldBy is how many connections are open in a run of a work.
func heldBy(o options, work string) int {
	if c := crowdOf(work); c != nil {
		return c.conns(o)
	}
	if idle(work) || work == liveWork || work == broadcastWork {
		return o.parked
	}
	return connsOf(o, work)
}

// connsOf is how many connections a run of a work has that does not idle, and that
// send requests.
func connsOf(o options, work string) int {
	if c := crowdOf(work); c != nil && c.busy != nil {
		return c.busy(o)
	} else if c != nil {
		return c.conns(o)
	}
	if e := exchangeOf(work); e != nil {
		return max(o.conns/e.fewer, 1)
	}
	return o.conns
}
