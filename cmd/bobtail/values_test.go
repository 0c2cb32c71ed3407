package main

import (
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

// TestEveryFieldHasItsFlag wants every flag to change what it says, and
// nothing else.
func TestEveryFieldHasItsFlag(t *testing.T) {
	key := func(s *settings) string { return fmt.Sprintf("%+v", *s) }
	o, untouched := serveOptions()
	seen := map[string]string{}
	for _, g := range o.groups {
		for _, f := range g.flags {
			o, s := serveOptions()
			var value string
			switch f.arg {
			case "TIME":
				value = "7s"
			case "N", "BYTES":
				value = "777"
			case "HOST:PORT":
				value = ":7"
			case "":
				value = "true"
			default:
				value = backendNames()[len(backendNames())-1]
				if f.name == "admission" {
					value = "wait"
				}
			}
			if _, err := o.parse([]string{"-" + f.name + "=" + value}); err != nil {
				t.Errorf("-%s=%s: %v", f.name, value, err)
				continue
			}
			if len(backendNames()) > 1 && key(s) == key(untouched) {
				t.Errorf("-%s=%s changes nothing", f.name, value)
			}
			if other := seen[key(s)]; other != "" {
				t.Errorf("-%s and -%s change the same", f.name, other)
			}
			seen[key(s)] = f.name
		}
	}
	for _, name := range flagOf {
		if o.Lookup(name) == nil {
			t.Errorf("an error of the configuration would name the flag -%s, which is not there", name)
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
