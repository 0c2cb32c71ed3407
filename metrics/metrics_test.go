package metrics_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/metrics"
)

// full is a reading whose every number is as long as it can be.
func full() *bobtail.Stats {
	s := new(bobtail.Stats)
	const most = ^uint64(0)
	for i := range s.Requests {
		s.Requests[i] = most
	}
	for i := range s.Timeouts {
		s.Timeouts[i] = most
	}
	s.Accepted, s.Received, s.Sent, s.Pushed = most, most, most, most
	s.Open, s.LostNow = 7, -1
	return s
}

// TestFormat holds the text to the format 0.0.4: HELP and TYPE before each
// family, each family once, counters by their suffix.
func TestFormat(t *testing.T) {
	text := string(metrics.Append(nil, full()))
	if len(text) > metrics.Size*3/4 {
		t.Errorf("%d bytes, and Size is %d", len(text), metrics.Size)
	}
	sample := regexp.MustCompile(`^(bobtail_[a-z_]+)(\{[a-z]+="[a-z0-9]+"\})? [0-9]+$`)
	family, kind, help := "", "", ""
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch f := strings.SplitN(line, " ", 4); {
		case strings.HasPrefix(line, "# HELP "):
			help = f[2]
		case strings.HasPrefix(line, "# TYPE "):
			family, kind = f[2], f[3]
			if family != help || seen[family] {
				t.Errorf("%q after the help of %q, or twice", line, help)
			}
			seen[family] = true
			if (kind == "counter") != strings.HasSuffix(family, "_total") {
				t.Errorf("%q: a counter ends in _total, a gauge does not", line)
			}
		default:
			m := sample.FindStringSubmatch(line)
			if m == nil || m[1] != family || seen[line] {
				t.Errorf("%q in the family %s", line, family)
			}
			seen[line] = true
		}
	}
	for _, want := range []string{`bobtail_requests_total{class="2xx"} 18446744073709551615`, "bobtail_sockets_open 7", "bobtail_workers_lost 0", `bobtail_timeouts_total{phase="head"} 18446744073709551615`} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("there is no %q", want)
		}
	}
}

func TestNoAllocs(t *testing.T) {
	s, dst := full(), make([]byte, 0, metrics.Size)
	alloctest.Zero(t, "Append", func() {
		if dst = metrics.Append(dst[:0], s); len(dst) == 0 {
			t.Error("nothing is written")
		}
	})
}

// TestHandler serves the text, whether it fits into a worker's memory or not.
func TestHandler(t *testing.T) {
	for _, memory := range []int{1 << 16, 2048} {
		srv, err := bobtail.New(bobtail.Config{WorkerMemory: memory})
		if err != nil {
			t.Fatal(err)
		}
		defer srv.Close()
		if err := srv.Handle("GET /metrics", metrics.Handler(srv)); err != nil {
			t.Fatal(err)
		}
		a, err := srv.Listen("127.0.0.1:0")
		if err == nil {
			err = srv.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Get("http://" + a.String() + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.Header.Get("Content-Type") != metrics.ContentType || !strings.Contains(string(b), "\nbobtail_sockets_open 1\n") || !strings.HasSuffix(string(b), "\n") {
			t.Errorf("with %d bytes: %v, %q, %v", memory, resp.Header, b, err)
		}
	}
}

// TestMore adds metrics to those of the server, in the same format.
func TestMore(t *testing.T) {
	srv, err := bobtail.New(bobtail.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	values, counts := []string{"2.xx", "4.xx"}, []uint64{1, 12345678901234567890}
	more := metrics.Handler(srv, func(p *metrics.Printer) {
		p.Counters("coap_requests_total", "Requests of CoAP.", "class", values, counts)
	}, func(p *metrics.Printer) {
		p.Counter("pings_total", "Pings.", 7)
		p.Gauge("observers", "Who observes.", -1)
	})
	if err := srv.Handle("GET /metrics", more); err != nil {
		t.Fatal(err)
	}
	a, err := srv.Listen("127.0.0.1:0")
	if err == nil {
		err = srv.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get("http://" + a.String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	const end = "# HELP bobtail_coap_requests_total Requests of CoAP.\n" +
		"# TYPE bobtail_coap_requests_total counter\n" +
		"bobtail_coap_requests_total{class=\"2.xx\"} 1\n" +
		"bobtail_coap_requests_total{class=\"4.xx\"} 12345678901234567890\n" +
		"# HELP bobtail_pings_total Pings.\n" +
		"# TYPE bobtail_pings_total counter\n" +
		"bobtail_pings_total 7\n" +
		"# HELP bobtail_observers Who observes.\n" +
		"# TYPE bobtail_observers gauge\n" +
		"bobtail_observers 0\n"
	if err != nil || !strings.Contains(string(b), "\nbobtail_sockets_open 1\n") || !strings.HasSuffix(string(b), end) {
		t.Errorf("%v in %s", err, b)
	}
}
