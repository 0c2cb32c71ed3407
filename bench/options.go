package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
)

// options is the command line.
type options struct {
	servers  []string
	works    []string
	rounds   int
	turns    int
	requests int
	conns    int
	depth    int
	parked   int
	many     int
	starts   int
	seconds  int
	rate     int
	threads  int // of the load generator
	browser  bool
	text     bool
	smoke    bool
	json     string
	markdown bool
	into     string
	line     []string // the command line
	plots    string   // folder of the drawings
	results  []string // files to draw, instead of measuring
	path     bool
	seed     uint64
	profile  bool
	perf     *perf // what records, nil if nothing is recorded
}

// pipelinedFactor is how many times more requests a pipelined run has, which
// takes about as long then: a pipelined request costs the least server a tenth.
const pipelinedFactor = 4

// workNames are all works, in the order of their tables.
var workNames = []string{"plain", "pipelined", "plain1", "plain8", "plain256", "plain1k", "plain4k", "plain10k",
	"parked1k", "parked4k", "parked", "parked15k", "10k", "1m", "echo1k", latencyWork, sleepersWork, startWork,
	"ws64", "ws1k", "ws64k", "wsidle", "wsidle15k", liveWork, broadcastWork,
	"coap", "coap16", "coapudp", "coapudp16", coapIdle}

// usualWorks are those that are done if none are named.
func usualWorks() []string {
	return slices.DeleteFunc(slices.Clone(workNames), func(work string) bool { return slices.Contains(curveOnly, work) })
}

// serverNames are the names that -servers takes, in the order of the tables.
func serverNames() []string {
	var names []string
	for _, s := range servers {
		names = append(names, s.name)
	}
	return names
}

func newFlags(o *options, list, work *string) *flag.FlagSet {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(list, "servers", strings.Join(serverNames(), ","), "servers to compare, a `LIST` with commas; ratios are to the floor")
	f.StringVar(work, "work", strings.Join(usualWorks(), ","), fmt.Sprintf("what they are to do, a `LIST` with commas; besides there are\n%s, and %s is all for the plots", strings.Join(curveOnly, ", "), curves))
	f.IntVar(&o.rounds, "rounds", 5, "each server is measured `N` times")
	f.IntVar(&o.turns, "turns", 10, "in a round the servers share the requests of a work that is told in CPU time in\n`N` turns, while all of them run; and as often sleepers come and go in a run of sleepers")
	f.IntVar(&o.requests, "requests", 200000, fmt.Sprintf("`N` requests a plain run; a pipelined run has %d times as many,\none of 10k half, one of 1m a fiftieth, 2000 at least, one of ws64k a tenth, one of coap16\n%d and one of coapudp16 %d times as many", pipelinedFactor, pipelinedFactor, pipelinedFactor/2))
	f.IntVar(&o.conns, "conns", 64, "`N` connections of every run but those with a number in their name, parked,\nwsidle, wslive, broadcast and coapidle, and four times as many as of coapudp16")
	f.IntVar(&o.depth, "depth", 16, "`N` requests at a time on a connection of a run of pipelined, coap16 or coapudp16")
	f.IntVar(&o.parked, "parked", 10000, "`N` connections of a run of plain10k, parked, wsidle, wslive, broadcast or\ncoapidle, and a half more of parked15k and wsidle15k")
	f.IntVar(&o.many, "many", 1000, "`N` connections of a run of plain1k, all busy")
	f.IntVar(&o.starts, "starts", 20, "`N` starts of a server in a run of start")
	f.IntVar(&o.seconds, "seconds", 5, "`N` seconds of a run of latency, and of each half of one of sleepers")
	f.IntVar(&o.rate, "rate", 0, fmt.Sprintf("`N` requests a second of latency and sleepers; 0 is %.0f percent of what %s does\nat most in the same comparison", 100*pacedPart, pacer))
	f.IntVar(&o.threads, "threads", 2, "`N` threads of the load generator")
	f.BoolVar(&o.browser, "browser", false, "send the fields of a browser, 555 bytes, instead of three")
	f.BoolVar(&o.text, "text", false, "send the messages to WebSockets as text, which a server is to check, not as binary")
	f.BoolVar(&o.smoke, "smoke", false, "a few hundred requests a server, to see that all works; the figures mean nothing")
	f.StringVar(&o.json, "json", "", "write every single figure to `FILE` too")
	f.BoolVar(&o.markdown, "markdown", false, "print the tables in Markdown")
	f.StringVar(&o.into, "into", "", "write the tables into README.md, between the comments <!-- `NAME` --> and\n<!-- end of NAME -->, in Markdown, and the command line with them")
	f.StringVar(&o.plots, "plots", "", fmt.Sprintf("draw costs, memory and latencies as SVG in `DIR`; -work is %s then, unless it is given", curves))
	f.BoolVar(&o.profile, "profile", false, fmt.Sprintf("tell where the time goes, by perf, and count instructions, by valgrind; of %s\nand -work %s, unless others are named", strings.Join(profileServers, ","), strings.Join(profileWorks, ",")))
	f.BoolVar(&o.path, "path", false, "measure instead CoAP over TCP and UDP on paths with delay and loss, which takes root;\nof -servers bobtail-epoll, unless others are named")
	f.Uint64Var(&o.seed, "seed", 1, "`N` to draw from which packets of a path are lost")
	return f
}

func usage() string {
	var o options
	var list, work string
	var b strings.Builder
	b.WriteString("usage: go run . [flags]\n" +
		"       go run . -plots DIR FILE...   draws what -json has written, and measures nothing\n" +
		"Measures CPU time per request or message, and memory per idle connection, of servers of\n" +
		"HTTP, WebSocket and CoAP side by side. Takes some minutes; the machine should have nothing else to do.\n")
	f := newFlags(&o, &list, &work)
	f.SetOutput(&b)
	f.PrintDefaults()
	return b.String()
}

func parseOptions(args []string) (options, error) {
	var o options
	var list, work string
	f := newFlags(&o, &list, &work)
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 && o.plots == "" {
		return o, fmt.Errorf("unexpected argument %q; -h helps", f.Arg(0))
	}
	o.results = f.Args()
	o.line = args
	given := make(map[string]bool)
	f.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if o.plots != "" && !given["work"] {
		work = curves
	}
	if o.profile {
		if !given["work"] {
			work = strings.Join(profileWorks, ",")
		}
		if !given["servers"] {
			list = strings.Join(profileServers, ",")
		}
	}
	if o.smoke {
		// A flag that is given by name still counts.
		small := map[string]string{"rounds": "1", "turns": "2", "requests": "200", "conns": "16", "depth": "8", "parked": "200", "many": "100", "starts": "2", "seconds": "1"}
		for name, value := range small {
			if !given[name] {
				f.Set(name, value)
			}
		}
	}
	var err error
	if o.servers, err = choose("server", list, serverNames()); err != nil {
		return o, err
	}
	if o.path && o.into != "" {
		return o, errors.New("-into does not take what -path measures")
	}
	if o.path {
		o.servers = forPath(o.servers)
		if !given["servers"] {
			o.servers = pathServers
		}
	}
	if o.works, err = choose("work", expand(work), workNames); err != nil {
		return o, err
	}
	if i := slices.IndexFunc(o.works, func(work string) bool { return !recorded(work) }); o.profile && i >= 0 {
		return o, fmt.Errorf("-profile does not do %s", o.works[i])
	}
	for _, n := range []struct {
		name            string
		value, min, max int
	}{
		{"rounds", o.rounds, 1, 1000},
		{"turns", o.turns, 1, 1000},
		{"requests", o.requests, 1, 100000000},
		{"conns", o.conns, 1, 10000},
		{"depth", o.depth, 1, 256},
		{"parked", o.parked, 1, 60000},
		{"many", o.many, 1, 60000},
		{"starts", o.starts, 1, 10000},
		{"seconds", o.seconds, 1, 600},
		{"rate", o.rate, 0, 100000000},
		{"threads", o.threads, 1, 64},
	} {
		if n.value < n.min || n.value > n.max {
			return o, fmt.Errorf("-%s %d is not from %d to %d", n.name, n.value, n.min, n.max)
		}
	}
	conns := 0
	for _, work := range o.works {
		conns = max(conns, heldBy(o, work))
	}
	if most := descriptors() - spareDescriptors; conns > most {
		return o, fmt.Errorf("%d connections are more than the limit of descriptors leaves for them, %d", conns, most)
	}
	return o, nil
}

// spareDescriptors are those of a server that are not connections.
const spareDescriptors = 100

// descriptors is the number of descriptors that a process may have here.
func descriptors() int {
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) != nil {
		return 1024
	}
	return int(min(lim.Max, 1<<20))
}

// expand puts the works that curves stands for into a list.
func expand(list string) string {
	names := strings.Split(list, ",")
	if i := slices.Index(names, curves); i >= 0 {
		names = slices.Replace(names, i, i+1, curveWorks...)
	}
	return strings.Join(names, ",")
}

// choose returns the names of a list with commas, in the order of all.
func choose(what, list string, all []string) ([]string, error) {
	var chosen []string
	want := strings.Split(list, ",")
	for _, name := range want {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("there is no %s %q; there are %s", what, name, strings.Join(all, ", "))
		}
	}
	for _, name := range all {
		if slices.Contains(want, name) {
			chosen = append(chosen, name)
		}
	}
	return chosen, nil
}
