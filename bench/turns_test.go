package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTurnsOf(t *testing.T) {
	usual := options{turns: 10, requests: 80000, conns: 64, parked: 10000, many: 1000}
	recorded := usual
	recorded.profile = true
	for _, tt := range []struct {
		o    options
		work string
		want int
	}{
		{usual, "plain", 10}, {usual, "pipelined", 10}, {usual, "1m", 1}, {usual, "ws64k", 7}, {usual, "coapudp", 10}, {usual, "plain1k", 5},
		{usual, "plain10k", 4}, {usual, "parked", 1}, {usual, "wsidle", 1}, {usual, latencyWork, 1}, {usual, sleepersWork, 1},
		{usual, startWork, 1}, {usual, liveWork, 1}, {usual, broadcastWork, 1},
		{recorded, "plain", 1},
		{options{turns: 10, requests: 2100, conns: 64}, "plain", 2},
		{options{turns: 10, requests: 100, conns: 64}, "plain", 1},
	} {
		if got := turnsOf(tt.o, tt.work); got != tt.want {
			t.Errorf("%s, %+v: %d turns, want %d", tt.work, tt.o, got, tt.want)
		}
	}
}

func TestTake(t *testing.T) {
	run := func(n, ns, p50, most int64, used time.Duration, user, system int64) turn {
		return turn{used: cpuTime{used, user, system}, figures: figures{"requests": n, "ns": ns, "p50": p50, "p99": 2 * p50, "p999": 3 * p50, "max": most, "q500000": p50, "q999900": 4 * p50, "again": n / 10}}
	}
	var x sample
	x.take(run(100, 1e6, 1000, 9000, 400*time.Microsecond, 5, 10), run(300, 1e6, 3000, 7000, 800*time.Microsecond, 5, 20), run(100, 3e6, 8000, 8000, 300*time.Microsecond, 0, 0))
	want := sample{Requests: 500, CPU: 3, User: 0.25, PerSecond: 1e5, Again: 0.1, P50: 3, P99: 6, P999: 9, Max: 9, Curve: []point{{0.5, 3}, {0.9999, 12}}}
	if fmt.Sprint(x) != fmt.Sprint(want) {
		t.Errorf("%+v\nwant %+v", x, want)
	}
	var none sample
	none.take(turn{}) // of a run that has failed
	none.take()
	if fmt.Sprint(none) != fmt.Sprint(sample{}) {
		t.Errorf("of nothing: %+v", none)
	}
}

// TestMeasureTurns has servers share a round; those that do not start, or fail, leave
// it to the others.
func TestMeasureTurns(t *testing.T) {
	program := compiled(t, "servers", "floor")
	o := options{turns: 3, requests: 100, conns: 8, threads: 1, seconds: 1}
	floor := func(t task) ([]string, error) { return []string{program, "-p", fmt.Sprint(t.port)}, nil }
	group := []built{
		{"one", floor, short},
		{"no server", func(task) ([]string, error) { return nil, errors.New("not today") }, short},
		{"of another protocol", func(t task) ([]string, error) { return []string{program, "-c", "-p", fmt.Sprint(t.port)}, nil }, short},
		{"other", floor, short},
	}
	var begun, told []string
	measureTurns(t.Context(), o, compiled(t, "load"), "plain", "", 4, 3, group, func(server string) { begun = append(begun, server) }, func(x sample, err error) {
		told = append(told, x.Server)
		good := x.Server == "one" || x.Server == "other"
		if (err == nil) != good || good && (x.Requests != 100 || x.CPU <= 0 || x.Round != 4 || x.Conns != 8) {
			t.Errorf("%+v, %v", x, err)
		}
	})
	if want := []string{"one", "no server", "of another protocol", "other"}; !slices.Equal(told, want) {
		t.Errorf("told of %q, want %q", told, want)
	}
	if got, want := strings.Join(begun, ", "), "one, of another protocol, other, other, one, other, one"; got != want {
		t.Errorf("turns of %s; want %s", got, want)
	}
}
