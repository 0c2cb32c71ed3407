package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// result is all that a comparison found out. It is written as JSON as it stands.
type result struct {
	Machine  machine
	Settings settings
	Samples  []sample
	Counts   []*count `json:",omitempty"`
	LeftOut  []string `json:",omitempty"`
	Failures []string `json:",omitempty"`
}

// machine is what the figures depend on besides the servers.
type machine struct {
	Date, Kernel, CPU, Load, Go, C string
	Cores                          int
}

// settings are the options that make figures comparable.
type settings struct {
	Rounds, Turns, Requests, Conns, Depth, Parked, Many, Starts, Threads int

	Rate int `json:",omitempty"` // of latency and sleepers

	Browser, Text bool
}

// sample is one run of one server. Times are in microseconds, memory in bytes.
type sample struct {
	Work, Server string
	Round        int

	Conns int `json:",omitempty"` // connections that are open
	Busy  int `json:",omitempty"` // those of them that send requests, if not all do

	Requests            int     `json:",omitempty"`
	CPU                 float64 `json:",omitempty"` // per request
	User                float64 `json:",omitempty"` // the part of CPU spent in user mode; 0 if the run was too short to tell
	PerSecond           float64 `json:",omitempty"`
	P50, P99, P999, Max float64 `json:",omitempty"`
	Again               float64 `json:",omitempty"` // datagrams sent once more, per request

	Profile *profile `json:",omitempty"`

	Rate   float64 `json:",omitempty"` // at which requests came, of latency and sleepers
	P9999  float64 `json:",omitempty"`
	Curve  []point `json:",omitempty"` // of these two, in ascending order
	Calm   *times  `json:",omitempty"` // without sleepers
	Asleep float64 `json:",omitempty"` // handlers, on the average

	Starts                       int     `json:",omitempty"`
	Start, LeastStart, MostStart float64 `json:",omitempty"` // to the first answer; the first is the median

	Cores       float64 `json:",omitempty"` // that the server kept busy, of wslive
	Least, Most float64 `json:",omitempty"` // messages a second of a connection, of wslive

	Parked           int     `json:",omitempty"`
	Before, After    int64   `json:",omitempty"` // resident memory of the process
	PerParked        float64 `json:",omitempty"` // what it grew by, per connection
	PrivatePerParked float64 `json:",omitempty"` // the same of private memory
	WholePerParked   float64 `json:",omitempty"` // After, per connection
}

// short is the sample in a word, for the lines of progress.
func (x sample) short() string {
	if idle(x.Work) {
		return fmt.Sprintf("%.0f B a connection", x.PerParked)
	}
	if x.Work == startWork {
		return fmt.Sprintf("%.2f ms", x.Start/1e3)
	}
	if rated(x.Work) {
		return fmt.Sprintf("p99 %.0f us", x.P99)
	}
	return fmt.Sprintf("%.3f us a %s", x.CPU, unit(x.Work))
}

// unit is what a work is counted in.
func unit(work string) string {
	if messageOf(work) != nil || work == liveWork || work == broadcastWork {
		return "message"
	}
	return "request"
}

func settingsOf(o options) settings {
	return settings{Rounds: o.rounds, Turns: o.turns, Requests: o.requests, Conns: o.conns, Depth: o.depth, Parked: o.parked, Many: o.many, Starts: o.starts,
		Threads: o.threads, Browser: o.browser, Text: o.text}
}

func thisMachine() machine {
	return machine{
		Date:   time.Now().UTC().Format("2006-01-02 15:04 UTC"),
		Kernel: strings.TrimSpace(text("/proc/sys/kernel/osrelease")),
		CPU:    cpuModel(text("/proc/cpuinfo")),
		Load:   firstField(text("/proc/loadavg")),
		Go:     runtime.Version(),
		C:      compilerVersion(),
		Cores:  runtime.NumCPU(),
	}
}

func text(name string) string {
	b, _ := os.ReadFile(name)
	return string(b)
}

func firstField(s string) string {
	f, _, _ := strings.Cut(s, " ")
	return f
}

// cpuModel is the name of the first processor in the text of /proc/cpuinfo.
func cpuModel(s string) string {
	for line := range strings.Lines(s) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown CPU"
}

func (r *result) writeJSON(name string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "\t")
	if err := e.Encode(r); err != nil {
		return err
	}
	return os.WriteFile(name, b.Bytes(), 0o644)
}

// print writes the machine, the summary, and a table for each work that was done.
func (r *result) print(w io.Writer, markdown bool) {
	r.printMachine(w)
	r.printSummary(w, markdown)
	r.printTables(w, markdown)
}

func (r *result) printMachine(w io.Writer) {
	m := r.Machine
	fmt.Fprintf(w, "%s; Linux %s; %d cores, %s; load before %s; %s; %s\n", m.Date, m.Kernel, m.Cores, m.CPU, m.Load, m.Go, m.C)
	for _, line := range r.LeftOut {
		fmt.Fprintln(w, line)
	}
}

// printSummary writes the summary of several works that were measured as usual.
func (r *result) printSummary(w io.Writer, markdown bool) {
	profiled := slices.ContainsFunc(r.Samples, func(x sample) bool { return x.Profile != nil })
	if t := r.summaryTable(); len(t.rows) > 1 && !profiled {
		fmt.Fprintf(w, "\nin short: medians; in brackets the ratio to the floor\n\n")
		t.print(w, markdown)
	}
}

func (r *result) printTables(w io.Writer, markdown bool) {
	s := r.Settings
	request := "short requests"
	if s.Browser {
		request = "requests of a browser"
	}
	rounds := fmt.Sprintf("median of %d rounds (min..max)", s.Rounds)
	if s.Rounds == 1 {
		rounds = "1 round"
	}
	titles := map[string]string{
		"plain": fmt.Sprintf("plain: %d connections, a request at a time, %s; %d requests, %d load threads; %s",
			s.Conns, request, s.Requests, s.Threads, rounds),
		"pipelined": fmt.Sprintf("pipelined: %d connections, %d requests at a time, %s; %d requests, %d load threads; %s",
			s.Conns, s.Depth, request, s.Requests*pipelinedFactor, s.Threads, rounds),
		"parked":      fmt.Sprintf("parked: %d connections after a request each; process memory only; %s", s.Parked, rounds),
		startWork:     startTitle(s, rounds),
		broadcastWork: broadcastTitle(s, rounds),
		latencyWork:   latencyTitle(s, rounds),
		sleepersWork:  sleepersTitle(s, rounds),
	}
	for _, f := range allFiles {
		n := requestsOf(options{requests: s.Requests}, f.name)
		what := "a file"
		if f.posted {
			what = "POST and echo"
		}
		titles[f.name] = fmt.Sprintf("%s: %s of %d bytes; %d connections, a request at a time, %s; %d requests, %d load threads; %s",
			f.name, what, f.size, s.Conns, request, n, s.Threads, rounds)
	}
	kind := "binary"
	if s.Text {
		kind = "text"
	}
	for _, m := range allMessages {
		n := requestsOf(options{requests: s.Requests}, m.name)
		titles[m.name] = fmt.Sprintf("%s: a %s message of %d bytes and its echo; %d WebSockets, a message at a time; %d messages, %d load threads; %s",
			m.name, kind, m.size, s.Conns, n, s.Threads, rounds)
	}
	titles[idleMessage.name] = fmt.Sprintf("%s: %d WebSockets after the echo of a message of %d bytes each; process memory only; %s",
		idleMessage.name, s.Parked, idleMessage.size, rounds)
	titles[liveWork] = fmt.Sprintf("%s: %d WebSockets that are told the same ten times a second; %s", liveWork, s.Parked, rounds)
	for _, e := range allExchanges {
		titles[e.name] = e.title(s, rounds)
	}
	o := options{conns: s.Conns, parked: s.Parked, many: s.Many}
	for i := range allCrowds {
		c := &allCrowds[i]
		conns := strconv.Itoa(c.conns(o)) + " connections"
		if c.busy != nil {
			conns += fmt.Sprintf(", of which %d are busy", c.busy(o))
		}
		switch c.like {
		case "plain":
			titles[c.name] = fmt.Sprintf("%s: %s, a request at a time, %s; %d requests, %d load threads; %s", c.name, conns, request, s.Requests, s.Threads, rounds)
		case "parked":
			titles[c.name] = fmt.Sprintf("%s: %s after a request each; process memory only; %s", c.name, conns, rounds)
		default:
			titles[c.name] = fmt.Sprintf("%s: %d WebSockets after the echo of a message of %d bytes each; process memory only; %s", c.name, c.conns(o), idleMessage.size, rounds)
		}
	}
	for _, work := range workNames {
		t := r.cpuTable(work)
		switch {
		case idle(work):
			t = r.memoryTable(work)
		case work == liveWork:
			t = r.liveTable()
		case work == startWork:
			t = r.startTable()
		case work == latencyWork:
			t = r.latencyTable()
		case work == sleepersWork:
			t = r.sleepersTable()
		}
		if len(t.rows) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s\n\n", titles[work])
		t.print(w, markdown)
		r.printProfile(w, work, markdown)
	}
	if len(r.Counts) > 0 {
		fmt.Fprintf(w, "\ninstructions of a request, or of a message and its echo, by package; by callgrind, without a network, %d to a wait\n\n", countedClients)
		countTable(r.Counts).print(w, markdown)
	}
}

// figuresOf is one figure of a server's runs, by round.
func (r *result) figuresOf(work, server string, f func(sample) float64) map[int]float64 {
	m := make(map[int]float64)
	for _, x := range r.Samples {
		if x.Work == work && x.Server == server {
			m[x.Round] = f(x)
		}
	}
	return m
}

func (r *result) spread(work, server string, f func(sample) float64) spread {
	var all []float64
	for _, v := range r.figuresOf(work, server, f) {
		all = append(all, v)
	}
	return spreadOf(all)
}

func cpu(x sample) float64 { return x.CPU }

func (r *result) cpuTable(work string) table {
	t := table{head: []string{"server", "CPU us/" + unit(work), "to the floor", "in user mode", unit(work) + "s/s", "p50 us", "p99 us"}}
	e := exchangeOf(work)
	lossy := e != nil && e.network == "udp"
	if lossy {
		t.head = append(t.head, "sent again")
	}
	for _, name := range serverNames() {
		used := r.spread(work, name, cpu)
		if used.none() {
			continue
		}
		middle := func(f func(sample) float64) float64 { return r.spread(work, name, f).Median }
		ratio := spreadOf(ratios(r.figuresOf(work, name, cpu), r.figuresOf(work, baseline, cpu)))
		t.rows = append(t.rows, []string{
			name,
			used.text(3),
			ratio.text(2),
			percent(middle(func(x sample) float64 { return x.User })),
			number(middle(func(x sample) float64 { return x.PerSecond }), 0),
			number(middle(func(x sample) float64 { return x.P50 }), 0),
			number(middle(func(x sample) float64 { return x.P99 }), 0),
		})
		if lossy {
			last := &t.rows[len(t.rows)-1]
			*last = append(*last, number(100*middle(func(x sample) float64 { return x.Again }), 2)+" %")
		}
	}
	return t
}

func (r *result) memoryTable(work string) table {
	t := table{head: []string{"server", "B/connection", "of it private", "process before", "process after", "after/connections"}}
	for _, name := range serverNames() {
		grown := r.spread(work, name, func(x sample) float64 { return x.PerParked })
		if grown.none() {
			continue
		}
		middle := func(f func(sample) float64) float64 { return r.spread(work, name, f).Median }
		t.rows = append(t.rows, []string{
			name,
			grown.text(0),
			number(middle(func(x sample) float64 { return x.PrivatePerParked }), 0),
			number(middle(func(x sample) float64 { return float64(x.Before) / 1024 }), 0) + " KiB",
			number(middle(func(x sample) float64 { return float64(x.After) / 1024 }), 0) + " KiB",
			number(middle(func(x sample) float64 { return x.WholePerParked }), 0) + " B",
		})
	}
	return t
}

func (r *result) liveTable() table {
	t := table{head: []string{"server", "CPU us/message", "cores", "messages/s", "least to one", "most to one"}}
	for _, name := range serverNames() {
		used := r.spread(liveWork, name, cpu)
		if used.none() {
			continue
		}
		middle := func(f func(sample) float64) float64 { return r.spread(liveWork, name, f).Median }
		t.rows = append(t.rows, []string{
			name,
			used.text(3),
			number(middle(func(x sample) float64 { return x.Cores }), 2),
			number(middle(func(x sample) float64 { return x.PerSecond }), 0),
			number(middle(func(x sample) float64 { return x.Least }), 1),
			number(middle(func(x sample) float64 { return x.Most }), 1),
		})
	}
	return t
}

// text is the spread with so many decimals, or a dash if it is of nothing.
func (s spread) text(decimals int) string {
	if s.none() {
		return "-"
	}
	if s.Min == s.Max {
		return number(s.Median, decimals)
	}
	return fmt.Sprintf("%s (%s..%s)", number(s.Median, decimals), number(s.Min, decimals), number(s.Max, decimals))
}

// percent is a part of one in percent, or a dash for 0, which says "not known".
func percent(part float64) string {
	if part == 0 {
		return "-"
	}
	return number(100*part, 0) + " %"
}

func number(x float64, decimals int) string { return strconv.FormatFloat(x, 'f', decimals, 64) }
