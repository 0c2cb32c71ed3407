package main

import (
	"flag"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
)

func TestParseSize(t *testing.T) {
	for _, c := range []struct {
		in   string
		want uint64
		ok   bool
	}{
		{"0", 0, true},
		{"4096", 4096, true},
		{"16k", 16 << 10, true},
		{"16K", 16 << 10, true},
		{"16KiB", 16 << 10, true},
		{"16kb", 16 << 10, true},
		{"12b", 12, true},
		{"1m", 1 << 20, true},
		{"3g", 3 << 30, true},
		{"8589934591g", 8589934591 << 30, true},
		{"9223372036854775807", math.MaxInt64, true},
		{"", 0, false},
		{"k", 0, false},
		{"1kk", 0, false},
		{"1t", 0, false},
		{"-1", 0, false},
		{"+1", 0, false},
		{"1.5k", 0, false},
		{" 1", 0, false},
		{"99999999999g", 0, false},
		{"9223372036854775808", 0, false},
	} {
		if got, ok := parseSize(c.in); ok != c.ok || ok && got != c.want {
			t.Errorf("parseSize(%q) = %d, %v, want %d, %v", c.in, got, ok, c.want, c.ok)
		}
		if back, ok := parseSize(sizeText(c.want)); !ok || back != c.want {
			t.Errorf("sizeText(%d) = %q, which is %d, %v", c.want, sizeText(c.want), back, ok)
		}
	}
}

func TestPatienceText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		500 * time.Millisecond:    "500ms",
		30 * time.Second:          "30s",
		75 * time.Second:          "1m15s",
		time.Minute:               "1m",
		time.Hour:                 "1h",
		time.Hour + time.Second:   "1h0m1s",
		time.Hour + 2*time.Minute: "1h2m",
	} {
		if got := (patience{&d}).String(); got != want {
			t.Errorf("patience of %v = %q, want %q", d, got, want)
		}
	}
}

// TestDefaults wants the defaults that help shows to be those of the library,
// as far as its memory tells.
func TestDefaults(t *testing.T) {
	_, s := serveOptions()
	if got, want := s.config.Memory(), (bobtail.Config{}).Memory(); got != want {
		t.Errorf("the defaults need %+v, want %+v as the library's", got, want)
	}
	if err := s.config.Validate(); err != nil {
		t.Error(err)
	}
}

// TestEveryFlag wants every flag to set what it says, and nothing else.
func TestEveryFlag(t *testing.T) {
	last := backendNames()[len(backendNames())-1]
	const d = 7 * time.Second
	cases := []struct {
		name, value string
		set         func(s *settings)
	}{
		{"addr", ":7", func(s *settings) { s.addr = ":7" }},
		{"backend", last, func(s *settings) { s.backend = last }},
		{"tls-self", "true", func(s *settings) { s.tlsSelf = true }},
		{"tls-cert", "cert.pem", func(s *settings) { s.tlsCert = "cert.pem" }},
		{"tls-key", "key.pem", func(s *settings) { s.tlsKey = "key.pem" }},
		{"coap-trust", "true", func(s *settings) { s.trust = true }},
		{"coap", "h:5683", func(s *settings) { s.coap = "h:5683" }},
		{"no-list", "true", func(s *settings) { s.noList = true }},
		{"sockets", "7", func(s *settings) { s.config.Sockets = 7 }},
		{"workers", "7", func(s *settings) { s.config.Workers = 7 }},
		{"spare", "7", func(s *settings) { s.config.Spare = 7 }},
		{"worker-memory", "7k", func(s *settings) { s.config.WorkerMemory = 7 << 10 }},
		{"stash", "7", func(s *settings) { s.config.Stash = 7 }},
		{"admission", "wait", func(s *settings) { s.admit = "wait" }},
		{"per-address", "7", func(s *settings) { s.config.PerAddress = 7 }},
		{"max-head", "7k", func(s *settings) { s.config.Limits.Head = 7 << 10 }},
		{"max-fields", "7", func(s *settings) { s.config.Limits.Fields = 7 }},
		{"max-target", "7k", func(s *settings) { s.config.Limits.Target = 7 << 10 }},
		{"max-body", "7g", func(s *settings) { s.config.Limits.Body = 7 << 30 }},
		{"timeout-open", "7s", func(s *settings) { s.config.Timeouts.Open = d }},
		{"timeout-head", "7s", func(s *settings) { s.config.Timeouts.Head = d }},
		{"timeout-idle", "7s", func(s *settings) { s.config.Timeouts.Idle = d }},
		{"timeout-body", "7s", func(s *settings) { s.config.Timeouts.Body = d }},
		{"timeout-write", "7s", func(s *settings) { s.config.Timeouts.Write = d }},
		{"min-rate", "7k", func(s *settings) { s.config.Timeouts.Rate = 7 << 10 }},
		{"timeout-handler", "7s", func(s *settings) { s.config.Timeouts.Handler = d }},
		{"timeout-held", "7s", func(s *settings) { s.config.Timeouts.Held = d }},
		{"timeout-drain", "7s", func(s *settings) { s.config.Timeouts.Drain = d }},
		{"log", "all", func(s *settings) { s.log = logAll }},
		{"quiet", "true", func(s *settings) { s.quiet = true }},
	}
	text := func(s *settings) string { return fmt.Sprintf("%+v", *s) }
	tested := map[string]bool{}
	for _, c := range cases {
		o, got := serveOptions()
		if _, err := o.parse([]string{"-" + c.name + "=" + c.value}); err != nil {
			t.Errorf("-%s=%s: %v", c.name, c.value, err)
		}
		_, want := serveOptions()
		c.set(want)
		if text(got) != text(want) {
			t.Errorf("-%s=%s makes\n%s, want\n%s", c.name, c.value, text(got), text(want))
		}
		tested[c.name] = true
	}
	o, _ := serveOptions()
	o.VisitAll(func(f *flag.Flag) {
		if !tested[f.Name] {
			t.Errorf("-%s is in no test", f.Name)
		}
	})
	for field, name := range flagOf {
		if o.Lookup(name) == nil {
			t.Errorf("%s is said to be set by -%s, which is not there", field, name)
		}
	}
}

func TestMeant(t *testing.T) {
	list := []string{"sockets", "stash", "workers", "worker-memory"}
	for word, want := range map[string]string{
		"socket":   ", did you mean -sockets?",
		"sokets":   ", did you mean -sockets?",
		"worker":   ", did you mean -workers?",
		"stahs":    ", did you mean -stash?",
		"frobnify": "",
		"":         "",
	} {
		if got := meant(word, list, "-"); got != want {
			t.Errorf("meant(%q) = %q, want %q", word, got, want)
		}
	}
}
