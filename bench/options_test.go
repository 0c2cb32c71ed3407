package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestOptions(t *testing.T) {
	o, err := parseOptions(nil)
	if err != nil {
		t.Fatal(err)
	}
	if o.rounds != 5 || o.conns != 64 || o.depth != 16 || o.parked != 10000 || !slices.Equal(o.servers, serverNames()) || !slices.Equal(o.works, usualWorks()) {
		t.Errorf("defaults: %+v", o)
	}
	if o, err = parseOptions([]string{"-servers", "nethttp,floor", "-work", "parked"}); err != nil || !slices.Equal(o.servers, []string{"floor", "nethttp"}) || !slices.Equal(o.works, []string{"parked"}) {
		t.Errorf("lists: %+v, %v", o, err)
	}
	if o, err = parseOptions([]string{"-work", "ws64,curves"}); err != nil || len(o.works) != len(curveWorks)+1 || o.works[0] != "plain" {
		t.Errorf("curves: %+v, %v", o.works, err)
	}
	if o, err = parseOptions([]string{"-plots", "x"}); err != nil || len(o.works) != len(curveWorks) || len(o.results) > 0 {
		t.Errorf("-plots: %+v, %v", o, err)
	}
	if o, err = parseOptions([]string{"-plots", "x", "-work", "latency", "a", "b"}); err != nil || !slices.Equal(o.works, []string{latencyWork}) || !slices.Equal(o.results, []string{"a", "b"}) {
		t.Errorf("-plots with files: %+v, %v", o, err)
	}
	if o, err = parseOptions([]string{"-smoke", "-parked", "300"}); err != nil || o.requests > 500 || o.rounds != 1 || o.parked != 300 {
		t.Errorf("-smoke -parked 300: %+v, %v", o, err)
	}
}

func TestWrongCommandLine(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want string // a part of the line
	}{
		{"unknown flag", []string{"-x"}, "-x"},
		{"not a number", []string{"-rounds", "many"}, "many"},
		{"argument", []string{"floor"}, `"floor"`},
		{"unknown server", []string{"-servers", "floor,apache"}, "apache"},
		{"empty server", []string{"-servers", ""}, "there is no server"},
		{"unknown work", []string{"-work", "sleep"}, "sleep"},
		{"no round", []string{"-rounds", "0"}, "-rounds 0"},
		{"negative number", []string{"-requests", "-5"}, "-requests -5"},
		{"too deep for the load generator", []string{"-depth", "257"}, "-depth 257"},
		{"a rate below 0", []string{"-rate", "-1"}, "-rate -1"},
		{"more connections than descriptors", []string{"-parked", "60000", "-work", "parked15k"}, "90000 connections are more"},
		{"a profile of what does not run", []string{"-profile", "-work", "parked"}, "does not do parked"},
		{"a path into the README", []string{"-path", "-into", "run"}, "-into"},
		{"no number after -smoke", []string{"-smoke", "-conns", "0"}, "-conns 0"},
	} {
		var out, errs strings.Builder
		if got := run(tt.args, &out, &errs); got != 2 {
			t.Errorf("%s: status %d, want 2", tt.name, got)
		}
		if line := errs.String(); !strings.Contains(line, tt.want) || strings.Count(line, "\n") != 1 || out.Len() > 0 {
			t.Errorf("%s: wrote %q and %q, want one line with %q", tt.name, out.String(), line, tt.want)
		}
	}
}

// TestRedraw draws what was written before, and says what cannot be read.
func TestRedraw(t *testing.T) {
	dir := t.TempDir()
	r := &result{Settings: settings{Conns: 64}}
	for _, work := range []string{"plain8", "plain"} {
		r.Samples = append(r.Samples, sample{Work: work, Server: baseline, Conns: heldBy(options{conns: 64}, work), CPU: 5})
	}
	if err := r.writeJSON(filepath.Join(dir, "r.json")); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	if got := run([]string{"-plots", filepath.Join(dir, "plots"), filepath.Join(dir, "r.json")}, &out, &errs); got != 0 || errs.Len() > 0 {
		t.Errorf("status %d, %q", got, errs.String())
	}
	if drawn, _ := filepath.Glob(filepath.Join(dir, "plots", "*.svg")); len(drawn) != 1 {
		t.Errorf("it has drawn %q", drawn)
	}
	if got := run([]string{"-plots", dir, filepath.Join(dir, "missing.json")}, &out, &errs); got != 1 || !strings.Contains(errs.String(), "missing.json") {
		t.Errorf("status %d, %q", got, errs.String())
	}
}

func TestHelp(t *testing.T) {
	var out, errs strings.Builder
	if got := run([]string{"-h"}, &out, &errs); got != 0 || errs.Len() > 0 {
		t.Errorf("status %d, errors %q", got, errs.String())
	}
	for _, want := range []string{"usage:", "-servers", "-smoke", "bobtail-epoll"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the help lacks %q", want)
		}
	}
}
