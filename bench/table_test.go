package main

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	x := table{
		head: []string{"server", "us", "ratio"},
		rows: [][]string{{"floor", "7.2", "1"}, {"x", "µ", "1.04 (1..2)"}},
	}
	for _, tt := range []struct {
		name     string
		markdown bool
		words    int
		want     string
	}{
		{"text", false, 0, `
server   us        ratio
floor   7.2            1
x         µ  1.04 (1..2)
`},
		{"Markdown", true, 0, `
| server |  us |       ratio |
|--------|----:|------------:|
| floor  | 7.2 |           1 |
| x      |   µ | 1.04 (1..2) |
`},
		{"text with two columns of words", false, 1, `
server  us         ratio
floor   7.2            1
x       µ    1.04 (1..2)
`},
		{"Markdown with two columns of words", true, 1, `
| server | us  |       ratio |
|--------|-----|------------:|
| floor  | 7.2 |           1 |
| x      | µ   | 1.04 (1..2) |
`},
	} {
		var b strings.Builder
		x.words = tt.words
		x.print(&b, tt.markdown)
		if got := "\n" + b.String(); got != tt.want {
			t.Errorf("%s: got%swant%s", tt.name, got, tt.want)
		}
	}
}

// TestResultTables makes the tables of figures that can be checked by hand.
func TestResultTables(t *testing.T) {
	r := &result{Settings: settings{Rounds: 3, Requests: 100, Conns: 64, Parked: 10}, LeftOut: []string{"nginx is left out: nginx is not here"}}
	for round, slow := range []float64{1, 2, 1} {
		r.Samples = append(r.Samples,
			sample{Work: "plain", Server: "nethttp", Round: round, CPU: 12 * slow, PerSecond: 1000, P50: 5, P99: 9},
			sample{Work: "plain", Server: "floor", Round: round, CPU: 5 * slow, User: 0.1, PerSecond: 2000, P50: 3, P99: 4})
	}
	r.Samples = append(r.Samples, sample{Work: "parked", Server: "nethttp", Before: 1 << 20, After: 2 << 20, PerParked: 100, PrivatePerParked: 90, WholePerParked: 200})
	r.Settings.Many, r.Settings.Starts, r.Settings.Rate = 1000, 20, 5000
	for round, slow := range []float64{1, 2, 1} {
		r.Samples = append(r.Samples,
			sample{Work: "plain10k", Server: "floor", Round: round, CPU: 6 * slow},
			sample{Work: startWork, Server: "floor", Round: round, Start: 1000 * slow, LeastStart: 900, MostStart: 2500, CPU: 500},
			sample{Work: startWork, Server: "nginx", Round: round, Start: 5000 * slow, LeastStart: 4000, MostStart: 12000, CPU: 4000},
			sample{Work: latencyWork, Server: "gnet", Round: round, PerSecond: 4999, CPU: 3, P50: 80 * slow, P99: 900, P999: 2000, P9999: 3000, Max: 4000},
			sample{Work: sleepersWork, Server: "nethttp", Round: round, Asleep: 31.6, P50: 90, P99: 600 * slow, P999: 1500, Calm: &times{P50: 80, P99: 400 * slow, P999: 1100}})
	}
	var b strings.Builder
	r.print(&b, false)
	got := b.String()
	for _, want := range []string{
		"nginx is left out",
		"floor     5.000 (5.000..10.000)          1.00          10 %        2000       3       4\n",
		"nethttp  12.000 (12.000..24.000)          2.40             -        1000       5       9\n",
		"plain10k: 64 connections, of which 64 are busy, a request at a time, short requests; 100 requests",
		"floor 1.00 (1.00..2.00) 1.00 0.90 2.50 0.50\n",
		"nginx 5.00 (5.00..10.00) 5.00 4.00 12.00 4.00\n",
		"requests come at a rate of 5000 a second",
		"gnet 4999 3.000 80 (80..160) 900 2000 3000 4000\n",
		"nethttp 32 80 90 400 600 1.50 1100 1500\n",
		"nethttp           100             90        1024 KiB       2048 KiB              200 B\n",
	} {
		if !strings.Contains(squeeze(got), squeeze(want)) {
			t.Errorf("the text lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "pipelined") {
		t.Errorf("a table for work that was not done:\n%s", got)
	}
	if strings.Index(got, "floor ") > strings.Index(got, "nethttp ") {
		t.Errorf("the floor does not come first:\n%s", got)
	}
}

// squeeze makes every run of blanks one, so that widths do not matter.
func squeeze(s string) string {
	for strings.Contains(s, "  ") {
		s = strings.ReplaceAll(s, "  ", " ")
	}
	return s
}

func TestCPUModel(t *testing.T) {
	if got := cpuModel("processor\t: 0\nmodel name\t: A: B\nmodel name\t: C\n"); got != "A: B" {
		t.Errorf("cpuModel = %q", got)
	}
	if got := cpuModel(""); got != "unknown CPU" {
		t.Errorf("cpuModel of nothing = %q", got)
	}
}
