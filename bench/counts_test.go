package main

import (
	"errors"
	"maps"
	"runtime"
	"slices"
	"testing"
)

// mostInstructions is what a request, or a message and its echo, may take, some
// percent more than it does by the compiler of Go 1.26. Which vector instructions a
// processor of amd64 has makes some of a thousand, what else runs nothing.
var mostInstructions = map[string]float64{
	"plain": 2820, "pipelined": 1935, "ws64": 1810, "coap": 3055, "coap16": 1930,
}

// TestInstructions holds the instructions of a request to limits: unlike a time they
// do not depend on what else the machine does.
func TestInstructions(t *testing.T) {
	if testing.Short() {
		t.Skip("counts instructions")
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("the limits are those of amd64")
	}
	b, err := newBuilder()
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	c, err := newCounter(t.Context(), b)
	if errors.Is(err, errAbsent) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, work := range counted {
		x, err := c.count(t.Context(), work)
		if err != nil {
			t.Errorf("%s: %v", work, err)
			continue
		}
		t.Logf("%s: %.1f instructions", work, x.all())
		if got, most := x.all(), mostInstructions[work]; got > most {
			t.Errorf("%s: %.0f instructions, more than %.0f; go run . -profile tells by function", work, got, most)
		}
	}
}

const callgrindText = `version: 1
creator: callgrind-3.19.0
positions: line
events: Ir
summary: 26

fl=./github.com/bobtail-go/bobtail/http1/head.go
fn=github.com/bobtail-go/bobtail/http1.(*Parser).Parse
0 12
fi=./github.com/bobtail-go/bobtail/internal/ascii/ascii.go
0 3
cfi=./runtime/memmove_amd64.s
cfn=runtime.memmove
calls=2 0
0 999

fn=runtime.memmove
* 4
+3 7

totals: 26
`

func TestParseCallgrind(t *testing.T) {
	got, err := parseCallgrind([]byte(callgrindText))
	want := map[string]int64{module + "/http1.(*Parser).Parse": 15, "runtime.memmove": 11}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("parseCallgrind = %v, %v, want %v", got, err, want)
	}
	for _, tt := range []struct{ name, in string }{
		{"nothing", ""},
		{"no function", "events: Ir\n0 12\n"},
		{"no cost", "fn=main.main\n0\n"},
		{"cost that is no number", "fn=main.main\n0 many\n"},
	} {
		if got, err := parseCallgrind([]byte(tt.in)); err == nil {
			t.Errorf("%s: parseCallgrind = %v", tt.name, got)
		}
	}
}

func TestPackageOf(t *testing.T) {
	for _, tt := range []struct{ in, want, short string }{
		{module + ".(*Server).Poll", "bobtail", "bobtail.(*Server).Poll"},
		{module + "/http1.(*Parser).Parse", "http1", "http1.(*Parser).Parse"},
		{module + "/internal/ascii.Equal", "internal/ascii", "internal/ascii.Equal"},
		{module + "/web.(*Driver).run.func1", "web", "web.(*Driver).run.func1"},
		{module + "/pool.Ring[" + module + "/pool.Handle].Pop", "pool", "pool.Ring[pool.Handle].Pop"},
		{module + "/internal/opaque.(*Pointer[go.shape.struct { a/b.c int }]).Get", "internal/opaque", "internal/opaque.(*Pointer[go.shape.struct { a/b.c int }]).Get"},
		{"main.(*mill).Receive", "main", "main.(*mill).Receive"},
		{"runtime.memmove", "runtime", "runtime.memmove"},
		{"internal/runtime/atomic.Load", "runtime", "internal/runtime/atomic.Load"},
		{"sync/atomic.AddInt64", "runtime", "sync/atomic.AddInt64"},
		{"syscall.RawSyscall6", systemCalls, "syscall.RawSyscall6"},
		{"internal/runtime/syscall/linux.Syscall6", systemCalls, "internal/runtime/syscall/linux.Syscall6"},
		{"memcpy", "runtime", "memcpy"},
		{"", "runtime", ""},
	} {
		if got, short := packageOf(tt.in), shortName(tt.in); got != tt.want || short != tt.short {
			t.Errorf("packageOf(%q) = %q, and %q for short, want %q, %q", tt.in, got, short, tt.want, tt.short)
		}
	}
}

func TestCountTable(t *testing.T) {
	got := countTable([]*count{
		{"plain", map[string]float64{"http1": 300.4, "runtime": 20, "transport": 0.2}, nil},
		{"ws64", map[string]float64{"ws": 100, "runtime": 0.1}, nil},
	})
	want := [][]string{{"all", "321", "100"}, {"http1", "300", "-"}, {"ws", "-", "100"}, {"runtime", "20", "-"}}
	if !slices.EqualFunc(got.rows, want, slices.Equal) || !slices.Equal(got.head, []string{"package", "plain", "ws64"}) {
		t.Errorf("countTable = %v, %v, want %v", got.head, got.rows, want)
	}
}
