package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// startWork is the one that looks how long it takes from the start of a program to
// its first answer.
const startWork = "start"

// startTitle is what stands over its table.
func startTitle(s settings, rounds string) string {
	return fmt.Sprintf("%s: from the start of the program to its first answer to GET /plaintext; median of %d starts; %s", startWork, s.Starts, rounds)
}

// measureStart starts a server again and again, each time on a port of its own.
func measureStart(ctx context.Context, o options, s built, t task, x *sample) error {
	var took, used []float64
	for range o.starts {
		d, c, err := startOnce(ctx, s.start, t)
		if err != nil {
			return err
		}
		took = append(took, micro(d.Nanoseconds()))
		used = append(used, micro(c.total.Nanoseconds()))
	}
	all := spreadOf(took)
	x.Starts, x.Start, x.LeastStart, x.MostStart, x.CPU = o.starts, all.Median, all.Min, all.Max, median(used)
	return nil
}

// startOnce starts a server, and returns after which time the first answer was
// there, and what of the processors the server had used by then.
func startOnce(ctx context.Context, s starter, t task) (time.Duration, cpuTime, error) {
	var used cpuTime
	var err error
	if t.port, err = freePort(); err != nil {
		return 0, used, err
	}
	args, err := s(t)
	if err != nil {
		return 0, used, err
	}
	began := time.Now()
	p, err := launch(ctx, args)
	if err != nil {
		return 0, used, err
	}
	defer p.stop()
	err = firstAnswer(ctx, p, t, began.Add(10*time.Second))
	took := time.Since(began)
	if err == nil {
		used, err = usedCPU(p.pid())
	}
	return took, used, err
}

// firstAnswer asks a server that may not be there yet until it takes a connection,
// and then waits for the answer. The program is looked at now and then only, as that
// takes longer than asking.
func firstAnswer(ctx context.Context, p *process, t task, limit time.Time) error {
	for i := 1; ; i++ {
		c, err := net.DialTimeout("tcp", t.address(), time.Second)
		if err == nil {
			defer c.Close()
			c.SetDeadline(limit)
			return ask(c)
		}
		if i%1024 == 0 && p.ended() {
			return errors.New("it ended at once")
		}
		if ctx.Err() != nil || time.Now().After(limit) {
			return fmt.Errorf("it does not listen: %w", err)
		}
		// A refusal takes 20 us or so, and the processor is to be the server's.
		time.Sleep(50 * time.Microsecond)
	}
}

// ask does one request, and wants the answer that all are to give.
func ask(c net.Conn) error {
	if _, err := io.WriteString(c, "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	b, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != 200 || string(b) != "Hello, World!") {
		err = fmt.Errorf("it answers %d with %.100q", resp.StatusCode, b)
	}
	return err
}

// startTable has the times in milliseconds.
func (r *result) startTable() table {
	t := table{head: []string{"server", "ms to the first answer", "to the floor", "least", "most", "CPU ms"}}
	milli := func(v spread) spread { return spread{v.Median / 1e3, v.Min / 1e3, v.Max / 1e3} }
	start := func(x sample) float64 { return x.Start }
	for _, name := range serverNames() {
		took := r.spread(startWork, name, start)
		if took.none() {
			continue
		}
		ratio := spreadOf(ratios(r.figuresOf(startWork, name, start), r.figuresOf(startWork, baseline, start)))
		t.rows = append(t.rows, []string{
			name,
			milli(took).text(2),
			ratio.text(2),
			number(r.spread(startWork, name, func(x sample) float64 { return x.LeastStart }).Min/1e3, 2),
			number(r.spread(startWork, name, func(x sample) float64 { return x.MostStart }).Max/1e3, 2),
			milli(r.spread(startWork, name, cpu)).text(2),
		})
	}
	return t
}
