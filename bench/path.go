package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/bobtail-go/bobtail/bench/relay"
	"github.com/bobtail-go/bobtail/internal/netspace"
)

// A path goes from the load generator to a server through two network
// namespaces. Each has a TAP device, and a relay of this program carries what is
// sent from one to the other.

// pathOf is what one path is like. A packet takes half of the round trip each
// way, and is lost with the same probability on both.
type pathOf struct {
	trip time.Duration
	loss float64
}

func (p pathOf) String() string {
	s := fmt.Sprintf("%d ms", p.trip.Milliseconds())
	if p.loss > 0 {
		s += fmt.Sprintf(", %g %% lost", 100*p.loss)
	}
	return s
}

func (p pathOf) config(seed uint64) relay.Config {
	return relay.Config{Delay: p.trip / 2, Loss: p.loss, Seed: seed}
}

// flight is how many requests are on their way.
type flight struct {
	conns, deep int
}

// pathRun is one run over a path.
type pathRun struct {
	path    pathOf
	network string // tcp or udp
	flight  flight
}

// pathSample is what came of a run.
type pathSample struct {
	pathRun
	Server         string
	Requests       int
	PerSecond      float64
	P50, P99, Max  float64 // microseconds
	Bytes, Packets float64 // that both sent, per request
	Dropped        int64   // packets
	Again          int64   // requests
}

// The addresses of the two ends, of a network for tests (RFC 5737).
var (
	nearAddr = netip.MustParseAddr("192.0.2.1")
	farAddr  = netip.MustParseAddr("192.0.2.2")
)

const pathPort = 5683

// pathRuns are the runs over all paths, in the order of the table, and the number
// of requests of each for one at a time.
func pathRuns(o options) (runs []pathRun, requests int) {
	paths := []pathOf{{0, 0}, {20 * time.Millisecond, 0}, {20 * time.Millisecond, 0.01}, {20 * time.Millisecond, 0.05}}
	flights := []flight{{64, 1}, {8, o.depth}}
	requests = 1600
	if o.smoke {
		paths = []pathOf{{0, 0}, {4 * time.Millisecond, 0.01}}
		flights = []flight{{8, o.depth}}
		requests = 80
	}
	for _, p := range paths {
		for _, f := range flights {
			for _, network := range []string{"tcp", "udp"} {
				runs = append(runs, pathRun{p, network, f})
			}
		}
	}
	return runs, requests
}

// compareOverPaths measures CoAP over TCP and over UDP, and prints a table. It
// returns the exit status.
func compareOverPaths(ctx context.Context, o options, w, progress io.Writer) int {
	err := overPaths(ctx, o, w, progress)
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		fmt.Fprintln(progress, "bench: interrupted")
		return 130
	case errors.Is(err, errAbsent):
		fmt.Fprintln(progress, "bench:", err)
		return 0
	}
	fmt.Fprintln(progress, "bench:", err)
	return 1
}

func overPaths(ctx context.Context, o options, w, progress io.Writer) error {
	b, err := newBuilder()
	if err != nil {
		return err
	}
	defer b.close()
	load, err := b.compile(ctx, "load")
	if err != nil {
		return err
	}
	near, far, r, err := layPath()
	if err != nil {
		return fmt.Errorf("the comparison over paths, which takes the rights of root and /dev/net/tun, is %w: %w", errAbsent, err)
	}
	defer near.Close()
	defer far.Close()
	defer r.Close()
	res := &result{Machine: thisMachine()}
	ready := build(ctx, b, o, res, progress)
	runs, n := pathRuns(o)
	m := res.Machine
	fmt.Fprintf(w, "%s; Linux %s; %d cores, %s; load before %s; %s; %s\n", m.Date, m.Kernel, m.Cores, m.CPU, m.Load, m.Go, m.C)
	fmt.Fprintf(w, "\nCoAP over paths with delay and loss: GET of 13 bytes; datagrams are sent again after 2 to 3 s; seed %d; ms of round trip\n\n", o.seed)
	t := table{head: []string{"server", "path", "over", "connections", "at a time", "requests", "requests/s", "p50 ms", "p99 ms", "most ms", "bytes/request", "packets/request", "packets lost", "requests again"}}
	var failed error
	for _, s := range ready {
		for _, run := range runs {
			kind := streams
			if run.network == "udp" {
				kind = datagrams
			}
			if s.does&kind == 0 {
				continue
			}
			requests := n
			if run.flight.deep > 1 {
				requests *= 2
			}
			r.Set(run.path.config(o.seed))
			x, err := measurePath(ctx, near, far, r, load, s, run, requests)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				fmt.Fprintf(progress, "%s, %v, %s: %v\n", s.name, run.path, run.network, err)
				failed = errors.Join(failed, fmt.Errorf("%s fails over %s on a path of %v", s.name, run.network, run.path))
				continue
			}
			fmt.Fprintf(progress, "%s, %v, %s, %d at a time: %.0f requests/s\n", s.name, run.path, run.network, run.flight.deep, x.PerSecond)
			t.rows = append(t.rows, x.row())
		}
	}
	if len(t.rows) > 0 {
		t.print(w, o.markdown)
	}
	if len(t.rows) == 0 && failed == nil {
		return errors.New("there is no server to measure")
	}
	return failed
}

func (x pathSample) row() []string {
	again := "-"
	if x.network == "udp" {
		again = strconv.FormatInt(x.Again, 10)
	}
	return []string{
		x.Server, x.path.String(), x.network, strconv.Itoa(x.flight.conns), strconv.Itoa(x.flight.deep), strconv.Itoa(x.Requests),
		number(x.PerSecond, 0), number(x.P50/1e3, 1), number(x.P99/1e3, 1), number(x.Max/1e3, 1),
		number(x.Bytes, 0), number(x.Packets, 2), strconv.FormatInt(x.Dropped, 10), again,
	}
}

// layPath makes both ends and joins them.
func layPath() (near, far *netspace.Space, r *relay.Relay, err error) {
	if near, err = netspace.New(); err != nil {
		return nil, nil, nil, err
	}
	if far, err = netspace.New(); err != nil {
		near.Close()
		return nil, nil, nil, err
	}
	a, err := near.Device(nearAddr.As4())
	if err == nil {
		b, err2 := far.Device(farAddr.As4())
		if err = err2; err == nil {
			return near, far, relay.Start(os.NewFile(uintptr(a), "near"), os.NewFile(uintptr(b), "far"), relay.Config{}), nil
		}
		syscall.Close(a)
	}
	near.Close()
	far.Close()
	return nil, nil, nil, err
}

// measurePath runs a server at the far end, and the load at the near one.
func measurePath(ctx context.Context, near, far *netspace.Space, r *relay.Relay, load string, s built, run pathRun, n int) (pathSample, error) {
	x := pathSample{pathRun: run, Server: s.name, Requests: n}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	var p *process
	err := far.Do(func() (err error) {
		p, err = startAt(ctx, s.start, task{host: farAddr.String(), port: pathPort, conns: run.flight.conns + spareSockets, coap: run.network})
		return err
	})
	if err != nil {
		return x, err
	}
	defer p.stop()
	args := []string{"-a", farAddr.String(), "-p", strconv.Itoa(pathPort), "-k", run.network, "-c", strconv.Itoa(run.flight.conns),
		"-d", strconv.Itoa(run.flight.deep), "-W", "-t", "1", "-w", strconv.Itoa(run.flight.conns), "-n", strconv.Itoa(n), "-T", "90"}
	var l *loader
	if err := near.Do(func() (err error) {
		l, err = startLoad(ctx, load, args...)
		return err
	}); err != nil {
		return x, err
	}
	defer l.stop()
	// What is done before is not the path's: the handshake, the CSM, and a first
	// request of each connection.
	if _, err := l.line(); err != nil {
		return x, err
	}
	a0, b0 := r.Counts()
	if err := l.goOn(); err != nil {
		return x, err
	}
	f, err := l.line()
	if err != nil {
		return x, err
	}
	a, b := r.Counts()
	if f["requests"] != int64(n) {
		return x, fmt.Errorf("%d answers to %d requests", f["requests"], n)
	}
	x.PerSecond = float64(n) / (float64(f["ns"]) / 1e9)
	x.P50, x.P99, x.Max = micro(f["p50"]), micro(f["p99"]), micro(f["max"])
	x.Again = f["again"]
	x.Bytes = float64(a.Bytes+b.Bytes-a0.Bytes-b0.Bytes) / float64(n)
	x.Packets = float64(a.Frames+b.Frames-a0.Frames-b0.Frames) / float64(n)
	x.Dropped = a.Dropped + b.Dropped - a0.Dropped - b0.Dropped
	return x, nil
}

// pathServers are those that -path measures if no others are named.
var pathServers = []string{"bobtail-epoll"}

// forPath leaves the servers that have CoAP.
func forPath(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !slices.ContainsFunc(servers, func(s server) bool { return s.name == name && s.does&(streams|datagrams) != 0 })
	})
}
