package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestLoadKeepsTheRate wants as many requests as were asked for, over as long as the
// rate says, and an ascending curve.
func TestLoadKeepsTheRate(t *testing.T) {
	load := compiled(t, "load")
	port := startFloor(t)
	for _, tt := range []struct{ conns, threads int }{{1, 1}, {5, 2}, {2, 4}} {
		l, err := startLoad(t.Context(), load, "-p", strconv.Itoa(port), "-c", strconv.Itoa(tt.conns), "-t", strconv.Itoa(tt.threads),
			"-R", "1000", "-w", "10", "-n", "201", "-T", "20")
		if err != nil {
			t.Fatal(err)
		}
		defer l.stop()
		if _, err := l.line(); err != nil {
			t.Fatalf("%+v: warm-up: %v", tt, err)
		}
		l.goOn()
		f, err := l.line()
		if err != nil || f["requests"] != 201 {
			t.Fatalf("%+v: %v, %v", tt, f, err)
		}
		// The last is due after 200 ms, of each thread's share a little before.
		if took := time.Duration(f["ns"]); took < 190*time.Millisecond {
			t.Errorf("%+v: 201 requests take %v at 1000 a second", tt, took)
		}
		curve := curveOf(f)
		if len(curve) < 20 || curve[len(curve)-1].Part != 1 || within(curve, 0.5) != micro(f["p50"]) || within(curve, 0.99) != micro(f["p99"]) {
			t.Errorf("%+v: the curve is %v, of %v", tt, curve, f)
		}
		for i := range curve[1:] {
			if curve[i].Part >= curve[i+1].Part || curve[i].Time > curve[i+1].Time {
				t.Errorf("%+v: the curve falls: %v, %v", tt, curve[i], curve[i+1])
			}
		}
	}
}

// TestLoadCountsWhatIsOmitted has a server not answer for a while. The requests that
// are due meanwhile have waited too, though they were not sent.
func TestLoadCountsWhatIsOmitted(t *testing.T) {
	load := compiled(t, "load")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const stall = 300 * time.Millisecond
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		r := bufio.NewReader(c)
		for i := 0; ; i++ {
			if _, err := http.ReadRequest(r); err != nil {
				return
			}
			if i == 1 { // the first after the warm-up
				<-time.After(stall)
			}
			io.WriteString(c, good)
		}
	}()
	run, err := startLoad(t.Context(), load, "-p", strconv.Itoa(l.Addr().(*net.TCPAddr).Port), "-c", "1", "-t", "1", "-R", "200", "-w", "1", "-n", "100", "-T", "20")
	if err != nil {
		t.Fatal(err)
	}
	defer run.stop()
	if _, err := run.line(); err != nil {
		t.Fatal(err)
	}
	run.goOn()
	f, err := run.line()
	if err != nil {
		t.Fatal(err)
	}
	// 40 of the 100 are due in the first 200 ms, and wait 100 ms at least.
	if got := within(curveOf(f), 0.65); got < 100e3 {
		t.Errorf("35 %% of the requests take %.0f us or more, want 100000: %v", got, f)
	}
}

func TestLoadAtARateSeesErrors(t *testing.T) {
	load := compiled(t, "load")
	for _, tt := range []struct {
		text   string
		closes bool
		want   string
	}{
		{strings.Replace(good, "200", "503", 1), false, "status line"},
		{good, true, "closed"},
	} {
		port := answering(t, []string{tt.text}, tt.closes)
		err := talk(t, load, "-p", strconv.Itoa(port), "-c", "2", "-t", "2", "-R", "1000", "-w", "2", "-n", "50", "-T", "20")
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want a complaint with %q", err, tt.want)
		}
	}
}

func TestPace(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    options
		want int
	}{
		{"given", options{rate: 123}, 123},
		{"given, of the smoke test", options{rate: 123, smoke: true}, 123},
		{"of the smoke test", options{smoke: true}, smokeRate},
		{"nobody to find it by", options{}, 0},
	} {
		got, err := paceOf(t.Context(), tt.o, "", []built{{name: "floor"}}, io.Discard)
		if got != tt.want || (err == nil) != (tt.want > 0) {
			t.Errorf("%s: %d, %v, want %d", tt.name, got, err, tt.want)
		}
	}
}

// TestPaceIsPartOfTheGreatest has the floor in the place of the pacer.
func TestPaceIsPartOfTheGreatest(t *testing.T) {
	load := compiled(t, "load")
	b, err := newBuilder()
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	start, err := buildFloor(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	o, err := parseOptions([]string{"-smoke"})
	if err != nil {
		t.Fatal(err)
	}
	o.smoke = false
	var said strings.Builder
	rate, err := paceOf(t.Context(), o, load, []built{{pacer, start, short}}, &said)
	if err != nil || rate < 1 || !strings.HasSuffix(said.String(), "the rate is "+strconv.Itoa(rate)+"\n") {
		t.Errorf("the rate is %d, %v, and it says %q", rate, err, said.String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := paceOf(ctx, o, load, []built{{pacer, start, short}}, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("%v after the end, want %v", err, context.Canceled)
	}
}

// TestSleepers measures a server of net/http that answers both.
func TestSleepers(t *testing.T) {
	load := compiled(t, "load")
	for _, tt := range []struct{ name, text, want string }{
		{"good", slept, ""},
		{"it says something else", "Slept!\n", "wrong body"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			mux := http.NewServeMux()
			for path, text := range map[string]string{"/plaintext": "Hello, World!", "/sleep": tt.text} {
				mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
					if r.FormValue("ms") == "50" {
						<-time.After(sleepTime)
					}
					w.Header().Set("Content-Type", "text/plain")
					io.WriteString(w, text)
				})
			}
			var opened atomic.Int32
			srv := &http.Server{Handler: mux, ConnState: func(_ net.Conn, s http.ConnState) {
				if s == http.StateNew {
					opened.Add(1)
				}
			}}
			go srv.Serve(l)
			defer srv.Close()
			// The clock that is read is that of another process.
			p, err := launch(t.Context(), []string{"sleep", "1000"})
			if err != nil {
				t.Skip(err)
			}
			defer p.stop()
			o := options{conns: 4, threads: 1, rate: 200, seconds: 1, turns: 3, smoke: true, requests: 100}
			for round := range 2 {
				x := sample{Work: sleepersWork, Round: round}
				err := measureSleepers(t.Context(), o, load, p, l.Addr().(*net.TCPAddr).Port, t.TempDir(), &x)
				if tt.want != "" {
					if err == nil || !strings.Contains(err.Error(), tt.want) {
						t.Errorf("%v, want a complaint with %q", err, tt.want)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if x.Asleep <= 0 || x.Asleep > mostAsleep || x.Calm == nil || x.Calm.P50 <= 0 || x.P50 <= 0 || x.Calm.P9999 <= 0 || x.P9999 <= 0 || x.Rate != 200 || x.Requests != 40 {
					t.Errorf("%+v, calm %+v", x, x.Calm)
				}
				// Each turn has loads of its own.
				if got, want := opened.Swap(0), int32(o.turns*(2*o.conns+mostAsleep)); got != want {
					t.Errorf("%d connections in %d turns, want %d", got, o.turns, want)
				}
			}
		})
	}
}
