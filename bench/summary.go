package main

import (
	"fmt"
	"slices"
	"strings"
)

// goal is a line of the summary: what Bobtail is to reach in a work.
type goal struct {
	work, what, aim string
	figure          func(sample) float64
	unit            string
	decimals        int
	toFloor         bool // the aim is a ratio to the floor, which stands behind each figure
}

// goals are all of them, in the order of the works.
var goals = slices.Concat(
	costs("at most 1.05 times the floor, io_uring 0.97", "plain"),
	costs("at most 1.35 times the floor, io_uring 1.2", "pipelined"),
	costs("at most 1.15 times the floor", "plain1k", "plain10k"),
	held("at most 150 B", "parked", "parked15k"),
	costs("below nginx", "10k", "1m", "echo1k"),
	[]goal{
		{latencyWork, "p50", "below gnet and fasthttp", func(x sample) float64 { return x.P50 / 1e3 }, "ms", 2, false},
		{latencyWork, "p99", "below gnet and fasthttp", func(x sample) float64 { return x.P99 / 1e3 }, "ms", 2, false},
		{latencyWork, "p99.9", "below gnet and fasthttp", func(x sample) float64 { return x.P999 / 1e3 }, "ms", 2, false},
		{sleepersWork, "p99 with, to without", "at most 1.2", func(x sample) float64 { return x.P99 / x.Calm.P99 }, "", 2, false},
		{startWork, "first answer", "below nginx", func(x sample) float64 { return x.Start / 1e3 }, "ms", 2, false},
	},
	costs("at most 1.08 times the floor, below gws", "ws64", "ws1k", "ws64k"),
	held("at most 200 B", "wsidle", "wsidle15k"),
	costs("below gws", broadcastWork),
	costs("below libcoap and go-coap", "coap", "coap16"),
	held("", coapIdle),
)

func costs(aim string, works ...string) (all []goal) {
	for _, work := range works {
		all = append(all, goal{work, "CPU a " + unit(work), aim, cpu, "us", 2, true})
	}
	return all
}

func held(aim string, works ...string) (all []goal) {
	for _, work := range works {
		all = append(all, goal{work, "memory a connection", aim, func(x sample) float64 { return x.PerParked }, "B", 0, false})
	}
	return all
}

// summaryTable has a row for each goal of whose work there are figures, and a column
// for each server of Bobtail's, the floor, and the best of the others, with the best of
// those that the aim names if that is another.
func (r *result) summaryTable() table {
	t := table{head: []string{"work", "what", "aim"}, words: 2}
	var mine []string
	others := slices.DeleteFunc(serverNames(), func(name string) bool {
		if strings.HasPrefix(name, "bobtail") {
			mine = append(mine, name)
		}
		return name == baseline || name == "tiny" || slices.Contains(mine, name)
	})
	mine = slices.DeleteFunc(mine, func(name string) bool {
		return !slices.ContainsFunc(r.Samples, func(x sample) bool { return x.Server == name })
	})
	t.head = append(append(t.head, mine...), baseline, "best other")
	for _, g := range goals {
		row := []string{g.work, g.what, g.aim}
		for _, name := range append(slices.Clone(mine), baseline) {
			row = append(row, g.cell(r, name))
		}
		best := g.best(r, others)
		named := g.best(r, slices.DeleteFunc(slices.Clone(others), func(name string) bool { return !g.names(name) }))
		if named != "-" && named != best {
			best += ", " + named
		}
		if slices.ContainsFunc(r.Samples, func(x sample) bool { return x.Work == g.work }) {
			t.rows = append(t.rows, append(row, best))
		}
	}
	return t
}

// names reports whether the aim names a server.
func (g goal) names(server string) bool {
	return slices.Contains(strings.FieldsFunc(strings.ReplaceAll(g.aim, "go-coap", "gocoap"), func(r rune) bool { return r == ' ' || r == ',' }), server)
}

// best is the one of some servers that has the least, and its figure.
func (g goal) best(r *result, servers []string) string {
	best, least := "-", 0.0
	for _, name := range servers {
		s := r.spread(g.work, name, g.figure)
		if !s.none() && (best == "-" || s.Median < least) {
			best, least = name+" "+g.cell(r, name), s.Median
		}
	}
	return best
}

// cell is the figure of a server, and in brackets its ratio to the floor.
func (g goal) cell(r *result, server string) string {
	s := r.spread(g.work, server, g.figure)
	if s.none() {
		return "-"
	}
	text := strings.TrimSpace(number(s.Median, g.decimals) + " " + g.unit)
	if g.toFloor && server != baseline {
		ratio := spreadOf(ratios(r.figuresOf(g.work, server, g.figure), r.figuresOf(g.work, baseline, g.figure)))
		if !ratio.none() {
			text += fmt.Sprintf(" (%s)", number(ratio.Median, 2))
		}
	}
	return text
}
