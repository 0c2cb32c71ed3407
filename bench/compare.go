package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// built is a server that can be started.
type built struct {
	name  string
	start starter
	does  kinds
}

// able are the servers that do a work.
func able(all []built, work string) (some []built) {
	kind := short
	switch {
	case fileOf(work) != nil && fileOf(work).posted:
		kind = posts
	case fileOf(work) != nil:
		kind = files
	case work == broadcastWork:
		kind = broadcasting
	case work == sleepersWork:
		kind = sleeping
	case messageOf(work) != nil:
		kind = messages
	case work == liveWork:
		kind = live
	case exchangeOf(work) != nil:
		kind = exchangeOf(work).kind()
	}
	for _, s := range all {
		if s.does&kind != 0 {
			some = append(some, s)
		}
	}
	return some
}

// compare does the whole comparison. The error is one that left no result; what
// went wrong with a single server is in the result. The progress goes to w.
func compare(ctx context.Context, o options, w io.Writer) (*result, error) {
	b, err := newBuilder()
	if err != nil {
		return nil, err
	}
	defer b.close()
	load, err := b.compile(ctx, "load")
	if err != nil {
		return nil, err
	}
	res := &result{Machine: thisMachine(), Settings: settingsOf(o)}
	ready := build(ctx, b, o, res, w)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if len(ready) == 0 {
		return nil, errors.New("there is no server to measure")
	}
	folder := filepath.Join(b.temp, "served")
	if err := writeFiles(folder); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(o.works, rated) {
		if o.rate, err = paceOf(ctx, o, load, ready, w); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			line := fmt.Sprintf("%s and %s are left out: %v", latencyWork, sleepersWork, err)
			fmt.Fprintln(w, line)
			res.LeftOut = append(res.LeftOut, line)
			o.works = slices.DeleteFunc(slices.Clone(o.works), rated)
		}
		res.Settings.Rate = o.rate
	}
	if o.profile {
		if err := countAll(ctx, o, b, res, w); err != nil {
			return nil, err
		}
		if o.perf, err = newPerf(ctx, b.temp); err != nil {
			line := fmt.Sprintf("nothing is recorded: %v", err)
			fmt.Fprintln(w, line)
			res.LeftOut = append(res.LeftOut, line)
		}
	}
	runs := make(map[string]int)
	for _, work := range o.works {
		runs[work] = o.rounds * len(able(ready, work))
	}
	p := newProgress(w, runs, func(work string) time.Duration { return expectedOf(o, work) })
	defer p.close()
	for _, work := range o.works {
		failed := make(map[string]bool)
		for round := range o.rounds {
			var group []built
			for _, s := range rotated(able(ready, work), round) {
				if failed[s.name] {
					p.step(work, round, s.name, "left out")
					continue
				}
				group = append(group, s)
			}
			tell := func(x sample, err error) {
				if err != nil {
					failed[x.Server] = true
					res.Failures = append(res.Failures, fmt.Sprintf("%s, %s: %v", x.Server, work, err))
					p.step(work, round, x.Server, "failed: "+err.Error())
					return
				}
				res.Samples = append(res.Samples, x)
				p.step(work, round, x.Server, x.short())
			}
			begin := func(server string) { p.begin(work, round, server) }
			measureRound(ctx, o, load, work, folder, round, group, begin, tell)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
	}
	return res, nil
}

// build makes the chosen servers. One that is not here is left out, with a line
// that says so; one that does not build is left out too, and is a failure of the
// smoke test.
func build(ctx context.Context, b *builder, o options, res *result, w io.Writer) []built {
	var ready []built
	for _, s := range servers {
		if !slices.Contains(o.servers, s.name) || ctx.Err() != nil {
			continue
		}
		start, err := s.build(ctx, b)
		if err == nil {
			ready = append(ready, built{s.name, start, s.does})
			continue
		}
		if ctx.Err() != nil {
			return nil
		}
		line := fmt.Sprintf("%s is left out: %v", s.name, err)
		fmt.Fprintln(w, line)
		res.LeftOut = append(res.LeftOut, line)
		if o.smoke && !errors.Is(err, errAbsent) {
			res.Failures = append(res.Failures, fmt.Sprintf("%s does not build", s.name))
		}
	}
	return ready
}

// measure runs one server once. folder has the files that it may be asked for.
func measure(ctx context.Context, o options, load, work, folder string, s built) (x sample, err error) {
	err = ctx.Err() // if nothing is told of it
	measureRound(ctx, o, load, work, folder, 0, []built{s}, func(string) {}, func(y sample, e error) { x, err = y, e })
	return x, err
}

// measureRound measures servers in a round, and tells which it begins with and what
// came of it.
func measureRound(ctx context.Context, o options, load, work, folder string, round int, group []built, begin func(server string), tell func(sample, error)) {
	if turns := turnsOf(o, work); turns > 1 {
		measureTurns(ctx, o, load, work, folder, round, turns, group, begin, tell)
		return
	}
	for _, s := range group {
		if ctx.Err() != nil {
			return
		}
		begin(s.name)
		tell(measureAlone(ctx, o, load, work, folder, round, s))
	}
}

// newSample is one without figures.
func newSample(o options, work, server string, round int) sample {
	x := sample{Work: work, Server: server, Round: round, Conns: heldBy(o, work)}
	if n := connsOf(o, work); kindOf(work) == "plain" && n < x.Conns {
		x.Busy = n
	}
	return x
}

// timeout is how long the measurement of one server may take.
func timeout(o options) time.Duration {
	return time.Duration(seconds(o)+20*o.seconds+60) * time.Second
}

// measureAlone measures a server while no other runs.
func measureAlone(ctx context.Context, o options, load, work, folder string, round int, s built) (sample, error) {
	x := newSample(o, work, s.name, round)
	ctx, cancel := context.WithTimeout(ctx, timeout(o))
	defer cancel()
	t := taskOf(o, work, folder)
	if work == startWork {
		x.Conns = 0
		return x, measureStart(ctx, o, s, t, &x)
	}
	p, port, err := start(ctx, s.start, t)
	if err != nil {
		return x, err
	}
	defer p.stop()
	switch {
	case idle(work):
		err = measureMemory(ctx, o, load, p, port, &x)
	case work == liveWork:
		err = measureLive(ctx, o, load, p, port, &x)
	case work == broadcastWork:
		err = measureBroadcast(ctx, o, load, p, port, &x)
	case work == latencyWork:
		err = measureRate(ctx, o, load, p, port, &x)
	case work == sleepersWork:
		err = measureSleepers(ctx, o, load, p, port, folder, &x)
	default:
		var t turn
		t, err = measureCPU(ctx, o, load, p, port, folder, &x, requestsOf(o, work))
		x.take(t)
	}
	return x, p.blamed(err)
}

// taskOf is what a server is started for.
func taskOf(o options, work, folder string) task {
	t := task{conns: max(heldBy(o, work), o.conns) + spareSockets, messages: messageOf(work) != nil}
	switch f := fileOf(work); {
	case f != nil && f.posted:
		t.posted = f.size
	case f != nil:
		t.file, t.folder = f, folder
	}
	if e := exchangeOf(work); e != nil {
		t.coap = e.network
	}
	if work == broadcastWork {
		t.broadcast = true
	}
	if work == sleepersWork {
		t.conns += mostAsleep
		t.workers = sleepWorkers
	}
	return t
}

// spareSockets are connections that a server may still hold when the load
// begins: those that asked whether it listens, and those of the warm-up.
const spareSockets = 64

// seconds is the time after which a load gives up.
func seconds(o options) int { return 60 + pipelinedFactor*o.requests/5000 }

// loadArgs are those of a load of n requests or messages, d at a time, after a
// warm-up of a tenth as many.
func loadArgs(o options, work string, port, n, d int) []string {
	return what(o, work, "-p", strconv.Itoa(port), "-c", strconv.Itoa(connsOf(o, work)), "-t", strconv.Itoa(o.threads),
		"-d", strconv.Itoa(d), "-w", strconv.Itoa(max(n/10, connsOf(o, work))), "-n", strconv.Itoa(n),
		"-T", strconv.Itoa(seconds(o)))
}

// warmArgs are those of a load before connections are parked.
func warmArgs(o options, work string, port int) []string {
	return what(o, work, "-p", strconv.Itoa(port), "-c", strconv.Itoa(o.conns), "-t", strconv.Itoa(o.threads),
		"-w", strconv.Itoa(o.conns*10), "-n", strconv.Itoa(o.conns*100), "-T", strconv.Itoa(seconds(o)))
}

// requestsOf is how many requests a run of a work has.
func requestsOf(o options, work string) int {
	if f := fileOf(work); f != nil {
		return max(int(f.part*float64(o.requests)), min(f.least, o.requests), 1)
	}
	if m := messageOf(work); m != nil {
		return max(int(m.part*float64(o.requests)), 1)
	}
	if e := exchangeOf(work); e != nil {
		return max(int(e.part*float64(o.requests)), 1)
	}
	if work == "pipelined" {
		return o.requests * pipelinedFactor
	}
	return o.requests
}

// what are the arguments that say what the load generator sends for a work.
func what(o options, work string, args ...string) []string {
	if m := messageOf(work); m != nil {
		return append(args, m.args(o.text)...)
	}
	if e := exchangeOf(work); e != nil {
		return append(args, e.args()...)
	}
	if o.browser {
		args = append(args, "-b")
	}
	return args
}

// measureCPU loads a server that runs with n requests.
func measureCPU(ctx context.Context, o options, load string, p *process, port int, folder string, x *sample, n int) (turn, error) {
	d := 1
	if e := exchangeOf(x.Work); x.Work == "pipelined" || e != nil && e.deep {
		d = o.depth
	}
	args := loadArgs(o, x.Work, port, n, d)
	if f := fileOf(x.Work); f != nil {
		args = append(args, f.args(folder)...)
	}
	if x.Busy > 0 {
		args = append(args, "-q", strconv.Itoa(x.Conns-x.Busy))
	}
	l, err := startLoad(ctx, load, args...)
	if err != nil {
		return turn{}, err
	}
	defer l.stop()
	return watch(ctx, o, p, l, n)
}

// watch lets a load go on once it is warm, and reads the server's clock before and
// after. If it is to be recorded, it is so meanwhile.
func watch(ctx context.Context, o options, p *process, l *loader, n int) (t turn, err error) {
	if _, err := l.line(); err != nil {
		return t, err
	}
	var r *recording
	if o.perf != nil {
		if r, err = o.perf.begin(ctx); err != nil {
			return t, err
		}
		defer r.stop()
	}
	before, err := usedCPU(p.pid())
	if err != nil {
		return t, err
	}
	if err := l.goOn(); err != nil {
		return t, err
	}
	if t.figures, err = l.line(); err != nil {
		return t, err
	}
	after, err := usedCPU(p.pid())
	if err != nil {
		return t, err
	}
	if r != nil {
		if err := r.off(); err != nil {
			return t, err
		}
	}
	if got := t.figures["requests"]; got != int64(n) {
		return t, fmt.Errorf("%d answers to %d requests", got, n)
	}
	t.used = after.sub(before)
	if r != nil {
		stacks, err := r.end(ctx, tree(p.pid()))
		if err != nil {
			return t, err
		}
		t.profile = profileOf(stacks, t.used.total, n)
	}
	return t, nil
}

// measureLive opens connections that are told something without asking, and
// counts it.
func measureLive(ctx context.Context, o options, load string, p *process, port int, x *sample) error {
	l, err := startLoad(ctx, load, "-p", strconv.Itoa(port), "-l", strconv.Itoa(o.parked), "-u", livePath, "-s", strconv.Itoa(liveSeconds(o)))
	if err != nil {
		return err
	}
	defer l.stop()
	if _, err := l.line(); err != nil {
		return err
	}
	before, err := usedCPU(p.pid())
	if err != nil {
		return err
	}
	if err := l.goOn(); err != nil {
		return err
	}
	f, err := l.line()
	if err != nil {
		return err
	}
	after, err := usedCPU(p.pid())
	if err != nil {
		return err
	}
	n, seconds := f["messages"], float64(f["ns"])/1e9
	if n == 0 {
		return errors.New("nobody is told anything")
	}
	used := after.sub(before)
	x.Requests = int(n)
	x.CPU = float64(used.total) / 1e3 / float64(n)
	x.User = used.userPart()
	x.Cores = used.total.Seconds() / seconds
	x.PerSecond = float64(n) / seconds
	x.Least, x.Most = float64(f["least"])/seconds, float64(f["most"])/seconds
	return nil
}

func micro(ns int64) float64 { return float64(ns) / 1e3 }

// measureMemory parks connections at a server that runs, and reads its memory
// before and after. A short load goes first, so that what serving needs in any
// case is there before.
func measureMemory(ctx context.Context, o options, load string, p *process, port int, x *sample) error {
	warm, err := startLoad(ctx, load, warmArgs(o, x.Work, port)...)
	if err != nil {
		return err
	}
	defer warm.stop()
	for range 2 {
		if _, err := warm.line(); err != nil {
			return err
		}
		if err := warm.goOn(); err != nil {
			return err
		}
	}
	warm.stop()
	before, err := settled(ctx, o, p.pid())
	if err != nil {
		return err
	}
	l, err := startLoad(ctx, load, what(o, x.Work, "-p", strconv.Itoa(port), "-i", strconv.Itoa(x.Conns))...)
	if err != nil {
		return err
	}
	defer l.stop()
	if _, err := l.line(); err != nil {
		return err
	}
	after, err := settled(ctx, o, p.pid())
	if err != nil {
		return err
	}
	if err := l.goOn(); err != nil {
		return err
	}
	// An error if the server has closed one meanwhile.
	if _, err := l.line(); err != nil {
		return err
	}
	x.Parked = x.Conns
	x.Before, x.After = before.resident, after.resident
	grown := after.sub(before)
	x.PerParked = float64(grown.resident) / float64(x.Parked)
	x.PrivatePerParked = float64(grown.private) / float64(x.Parked)
	x.WholePerParked = float64(after.resident) / float64(x.Parked)
	return nil
}

// settled is the memory of a server once two looks at it, half a second apart,
// find the same within a hundredth, or after three seconds. The smoke test does
// not look at it for so long.
func settled(ctx context.Context, o options, pid int) (memory, error) {
	pause := 500 * time.Millisecond
	if o.smoke {
		pause = 20 * time.Millisecond
	}
	last, err := usedMemory(pid)
	for range 6 {
		if err != nil {
			break
		}
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case <-time.After(pause):
		}
		var m memory
		if m, err = usedMemory(pid); err != nil {
			break
		}
		change := m.sub(last).resident
		last = m
		if max(change, -change) <= m.resident/100 {
			break
		}
	}
	return last, err
}
