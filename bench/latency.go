package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// latencyWork has requests come at a rate, whether or not there are answers, and
// sleepersWork the same twice, once with others in handlers that sleep.
const (
	latencyWork  = "latency"
	sleepersWork = "sleepers"
)

// rated reports whether a work has requests come at a rate.
func rated(work string) bool { return work == latencyWork || work == sleepersWork }

// pacer is the server of whose greatest rate a part is the rate for all.
const (
	pacer      = "fasthttp"
	pacedPart  = 0.8
	paceRuns   = 3
	smokeRate  = 2000 // requests/s
	mostAsleep = 32
)

// sleepPath is where a handler sleeps, for sleepTime, and says slept.
const (
	sleepPath = "/sleep?ms=50"
	sleepTime = 50 * time.Millisecond
	slept     = "Slept.\n"
)

// sleepWorkers is how many workers servers have of which mostAsleep sleep.
const sleepWorkers = 2 * mostAsleep

// times are of the requests of a run, in microseconds, each counted from when it
// was due.
type times struct {
	P50, P99, P999, P9999, Max float64
}

// point says within which time a part of the requests was answered, of 1 and in
// microseconds.
type point struct{ Part, Time float64 }

// paceOf finds the rate of the runs of a comparison: what was given by -rate, or a
// part of what the pacer does at most, which is the median of some plain runs.
func paceOf(ctx context.Context, o options, load string, ready []built, w io.Writer) (int, error) {
	if o.rate > 0 {
		return o.rate, nil
	}
	if o.smoke {
		return smokeRate, nil
	}
	at := slices.IndexFunc(ready, func(s built) bool { return s.name == pacer })
	if at < 0 {
		return 0, fmt.Errorf("without %s there is no rate; -rate gives one", pacer)
	}
	var rates []float64
	for range paceRuns {
		x, err := measure(ctx, o, load, "plain", "", ready[at])
		if err != nil {
			return 0, fmt.Errorf("%s, for the rate: %w", pacer, err)
		}
		rates = append(rates, x.PerSecond)
	}
	rate := max(int(pacedPart*median(rates)), 1)
	fmt.Fprintf(w, "%s does %.0f requests/s; the rate is %d\n", pacer, median(rates), rate)
	return rate, nil
}

// paced is how many requests a run at a rate has.
func paced(o options) int {
	if o.smoke {
		return max(o.rate/5, 1)
	}
	return o.rate * o.seconds
}

// measureRate loads a server at the rate.
func measureRate(ctx context.Context, o options, load string, p *process, port int, x *sample) error {
	t, err := loadRate(ctx, o, load, p, port, x.Work, paced(o))
	if err != nil {
		return err
	}
	x.take(t)
	x.Rate = float64(o.rate)
	x.P9999 = within(x.Curve, 0.9999)
	return nil
}

// loadRate loads a server with n requests at the rate.
func loadRate(ctx context.Context, o options, load string, p *process, port int, work string, n int) (turn, error) {
	l, err := startLoad(ctx, load, what(o, work, "-p", strconv.Itoa(port), "-c", strconv.Itoa(o.conns), "-t", strconv.Itoa(o.threads),
		"-R", strconv.Itoa(o.rate), "-w", strconv.Itoa(max(n/5, 1)), "-n", strconv.Itoa(n), "-T", strconv.Itoa(seconds(o)+10*o.seconds))...)
	if err != nil {
		return turn{}, err
	}
	defer l.stop()
	return watch(ctx, o, p, l, n)
}

// within is the time that a curve has for a part.
func within(curve []point, part float64) float64 {
	for _, p := range curve {
		if p.Part >= part {
			return p.Time
		}
	}
	return math.NaN()
}

// curveOf reads the words of the load generator that have part and time: q990000=N
// says that 99 % took N nanoseconds at most.
func curveOf(f figures) []point {
	var curve []point
	for name, ns := range f {
		if millionths, ok := strings.CutPrefix(name, "q"); ok {
			if n, err := strconv.Atoi(millionths); err == nil {
				curve = append(curve, point{float64(n) / 1e6, micro(ns)})
			}
		}
	}
	slices.SortFunc(curve, func(a, b point) int { return int(math.Copysign(1, a.Part-b.Part)) })
	return curve
}

// measureSleepers loads a server at the rate with sleepers and without, in turns that
// change places each time: what the machine does besides for a second is shared by
// both so, and of the times of the turns the middle ones count.
func measureSleepers(ctx context.Context, o options, load string, p *process, port int, folder string, x *sample) error {
	calm := sample{Work: x.Work}
	var without, with []turn
	var asleep float64
	n, turns := paced(o), max(min(o.turns, paced(o)), 1)
	for i := range turns {
		part := shareOf(n, turns, i)
		alone := func() error {
			t, err := loadRate(ctx, o, load, p, port, x.Work, part)
			without = append(without, t)
			return err
		}
		among := func() error {
			t, slept, err := loadAmong(ctx, o, load, p, port, folder, x.Work, part)
			with = append(with, t)
			asleep += slept / float64(turns)
			return err
		}
		both := []func() error{alone, among}
		if (x.Round+i)%2 == 1 {
			slices.Reverse(both)
		}
		for _, f := range both {
			if err := f(); err != nil {
				return err
			}
		}
	}
	calm.take(without...)
	x.take(with...)
	x.Rate, x.Asleep, x.P9999 = float64(o.rate), asleep, within(x.Curve, 0.9999)
	x.Calm = &times{calm.P50, calm.P99, calm.P999, within(calm.Curve, 0.9999), calm.Max}
	return nil
}

// loadAmong is loadRate while as many requests as may be sleep, each followed by
// another. It tells how many slept on the average.
func loadAmong(ctx context.Context, o options, load string, p *process, port int, folder, work string, n int) (t turn, asleep float64, err error) {
	text := filepath.Join(folder, "slept.txt")
	if err := os.WriteFile(text, []byte(slept), 0o644); err != nil {
		return t, 0, err
	}
	l, err := startLoad(ctx, load, "-p", strconv.Itoa(port), "-c", strconv.Itoa(mostAsleep), "-t", "1", "-u", sleepPath, "-f", text,
		"-w", strconv.Itoa(mostAsleep), "-E", "-T", strconv.Itoa(seconds(o)+20*o.seconds))
	if err != nil {
		return t, 0, err
	}
	defer l.stop()
	if _, err := l.line(); err != nil {
		return t, 0, fmt.Errorf("sleepers: %w", err)
	}
	if err := l.goOn(); err != nil {
		return t, 0, err
	}
	if t, err = loadRate(ctx, o, load, p, port, work, n); err != nil {
		return t, 0, err
	}
	if err := l.goOn(); err != nil { // which ends them
		return t, 0, err
	}
	f, err := l.line()
	if err != nil {
		return t, 0, fmt.Errorf("sleepers: %w", err)
	}
	return t, float64(f["requests"]) * sleepTime.Seconds() / (float64(f["ns"]) / 1e9), nil
}

func latencyTitle(s settings, rounds string) string {
	return fmt.Sprintf("%s: requests come at a rate of %d a second, %d connections; microseconds from when each was due; %d load threads; %s",
		latencyWork, s.Rate, s.Conns, s.Threads, rounds)
}

func sleepersTitle(s settings, rounds string) string {
	return fmt.Sprintf("%s: the same without, and with %d others in handlers that sleep for %v; %d requests a second, %d connections, %d workers where there are such; %s",
		sleepersWork, mostAsleep, sleepTime, s.Rate, s.Conns, sleepWorkers, rounds)
}

func (r *result) latencyTable() table {
	t := table{head: []string{"server", "requests/s", "CPU us/request", "p50 us", "p99 us", "p99.9 us", "p99.99 us", "most us"}}
	for _, name := range serverNames() {
		done := r.spread(latencyWork, name, func(x sample) float64 { return x.PerSecond })
		if done.none() {
			continue
		}
		row := []string{name, number(done.Median, 0), number(r.spread(latencyWork, name, cpu).Median, 3)}
		for _, f := range []func(sample) float64{
			func(x sample) float64 { return x.P50 },
			func(x sample) float64 { return x.P99 },
			func(x sample) float64 { return x.P999 },
			func(x sample) float64 { return x.P9999 },
			func(x sample) float64 { return x.Max },
		} {
			row = append(row, r.spread(latencyWork, name, f).text(0))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// sleepersTable has each time without sleepers and with them, and the ratio of the
// two in the same round.
func (r *result) sleepersTable() table {
	t := table{head: []string{"server", "asleep", "p50 us without", "with", "p99 us without", "with", "ratio", "p99.9 us without", "with"}}
	for _, name := range serverNames() {
		asleep := r.spread(sleepersWork, name, func(x sample) float64 { return x.Asleep })
		if asleep.none() {
			continue
		}
		middle := func(f func(sample) float64) string { return number(r.spread(sleepersWork, name, f).Median, 0) }
		t.rows = append(t.rows, []string{
			name,
			number(asleep.Median, 0),
			middle(func(x sample) float64 { return x.Calm.P50 }),
			middle(func(x sample) float64 { return x.P50 }),
			middle(func(x sample) float64 { return x.Calm.P99 }),
			middle(func(x sample) float64 { return x.P99 }),
			r.spread(sleepersWork, name, func(x sample) float64 { return x.P99 / x.Calm.P99 }).text(2),
			middle(func(x sample) float64 { return x.Calm.P999 }),
			middle(func(x sample) float64 { return x.P999 }),
		})
	}
	return t
}
