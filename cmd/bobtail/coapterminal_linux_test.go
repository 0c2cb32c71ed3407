package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCoAPTerminal looks at what people see.
func TestCoAPTerminal(t *testing.T) {
	p := startCoAP(t)
	t.Run("text", func(t *testing.T) {
		y := onTerminal(t, nil, "coap", "get", p.tcp+"hello")
		if all := y.ends(0); all != "Hello, World!\r\n" {
			t.Errorf("%q", all)
		}
	})
	t.Run("text that a terminal would obey", func(t *testing.T) {
		y := onTerminal(t, nil, "coap", "post", "-format", "text", "-payload", "\x1b[2J", p.udp+"echo")
		if all := y.ends(0); all != `\u001b[2J`+"\r\n" {
			t.Errorf("%q", all)
		}
	})
	t.Run("bytes", func(t *testing.T) {
		y := onTerminal(t, nil, "coap", "post", "-format", "octets", "-payload", "\x01\x02", p.tcp+"echo")
		if all := y.ends(0); !strings.HasPrefix(all, "2 bytes\r\n00000000  01 02 ") {
			t.Errorf("%q", all)
		}
	})
	t.Run("a code where there is nothing else", func(t *testing.T) {
		y := onTerminal(t, nil, "coap", "post", p.tcp+"echo")
		if all := y.ends(0); all != "2.04 Changed\r\n" {
			t.Errorf("%q", all)
		}
	})
	t.Run("a URI that a terminal would obey", func(t *testing.T) {
		y := onTerminal(t, nil, "coap", "get", p.udp+"hello/\x1b[2J/\x1b")
		if all := y.ends(2); strings.Contains(all, "\x1b") || !strings.Contains(all, `hello/\u001b[2J`) {
			t.Errorf("%q", all)
		}
	})
	t.Run("Ctrl-C ends an observation", func(t *testing.T) {
		for _, u := range []string{p.tcp, p.udp} {
			y := onTerminal(t, nil, "coap", "observe", u+"time")
			y.shows(":")
			y.shows("\r\n")
			y.shows("\r\n")
			y.types("\x03")
			y.ends(0)
		}
	})
	t.Run("Ctrl-C ends a request", func(t *testing.T) {
		y := onTerminal(t, nil, "coap", "get", "-v", p.tcp+"sleep?ms=60000")
		y.shows("> GET")
		y.types("\x03")
		if all := y.ends(1); !strings.Contains(all, "bobtail: interrupted before all was answered\r\n") {
			t.Errorf("%q", all)
		}
	})
	t.Run("progress, which is taken away", func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "out")
		y := onTerminal(t, nil, "coap", "get", "-block", "64", "-o", name, p.udp+"large")
		y.shows("receiving")
		all := y.ends(0)
		if !regexp.MustCompile(`\r *\r$`).MatchString(all) {
			t.Errorf("the end is %q", all)
		}
		if info, err := os.Stat(name); err != nil || info.Size() != largeSize {
			t.Errorf("%v, %v", info, err)
		}
		y = onTerminal(t, nil, "coap", "post", "-block", "64", "-file", name, p.udp+"sum")
		y.shows("sending")
		if all := y.ends(0); !strings.Contains(all, "1048576 ") {
			t.Errorf("the end is %q", all)
		}
		y = onTerminal(t, nil, "coap", "get", "-quiet", "-block", "64", "-o", name, p.udp+"large")
		if all := y.ends(0); all != "" {
			t.Errorf("quietly it shows %q", all)
		}
	})
}
