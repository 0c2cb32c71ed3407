package main

import (
	"slices"
	"testing"
)

func TestSummary(t *testing.T) {
	var r result
	for round, slow := range []float64{1, 2, 1.1} {
		r.Samples = append(r.Samples,
			sample{Work: "plain", Server: "floor", Round: round, CPU: 5 * slow},
			sample{Work: "plain", Server: "bobtail-epoll", Round: round, CPU: 6 * slow},
			sample{Work: "plain", Server: "gnet", Round: round, CPU: 6.5 * slow},
			sample{Work: "plain", Server: "nginx", Round: round, CPU: 7 * slow},
			sample{Work: "parked", Server: "bobtail-epoll", Round: round, Parked: 1000, PerParked: 90 * slow},
			sample{Work: sleepersWork, Server: "fasthttp", Round: round, P99: 300, Calm: &times{P99: 150}},
			sample{Work: startWork, Server: "gnet", Round: round, Start: 3000 * slow},
			sample{Work: startWork, Server: "nginx", Round: round, Start: 4000 * slow},
			sample{Work: startWork, Server: "fasthttp", Round: round, Start: 3500 * slow},
			sample{Work: "coap", Server: "gocoap", Round: round, CPU: 12 * slow},
			sample{Work: liveWork, Server: "bobtail-epoll", Round: round},
		)
	}
	got := r.summaryTable()
	want := [][]string{
		{"plain", "CPU a request", "at most 1.05 times the floor, io_uring 0.97", "6.60 us (1.20)", "5.50 us", "gnet 7.15 us (1.30)"},
		{"parked", "memory a connection", "at most 150 B", "99 B", "-", "-"},
		{sleepersWork, "p99 with, to without", "at most 1.2", "-", "-", "fasthttp 2.00"},
		{startWork, "first answer", "below nginx", "-", "-", "gnet 3.30 ms, nginx 4.40 ms"},
		{"coap", "CPU a request", "below libcoap and go-coap", "-", "-", "gocoap 13.20 us"},
	}
	if head := []string{"work", "what", "aim", "bobtail-epoll", "floor", "best other"}; !slices.Equal(got.head, head) || !slices.EqualFunc(got.rows, want, slices.Equal) {
		t.Errorf("summary:\n%q\n%q\nwant\n%q\n%q", got.head, got.rows, head, want)
	}
}

// TestGoals holds the summary to works that there are.
func TestGoals(t *testing.T) {
	for _, g := range goals {
		if !slices.Contains(workNames, g.work) {
			t.Errorf("there is no work %s", g.work)
		}
	}
}
