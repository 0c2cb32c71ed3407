package main

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

const script = `14230 
	ffffffff82025e07 tcp_established_options ([kernel.kallsyms])
	ffffffff81e314b0 __x64_sys_sendto ([kernel.kallsyms])
	          40c3ee internal/runtime/syscall.Syscall6 (/tmp/bench1/bobtail)
	          4ca3ee github.com/bobtail-go/bobtail/web.(*Exchange).send (/tmp/bench1/bobtail)

14231 
	          4ca3ee github.com/bobtail-go/bobtail/internal/opaque.(*Pointer[go.shape.struct { a int }]).Get (/tmp/bench1/bobtail (deleted))
	          4ca300 main.main (/tmp/bench1/bobtail (deleted))

14230 

14230 
	    7ffd1c5d9a3c [unknown] ([vdso])

`

func TestParseStacks(t *testing.T) {
	got, err := parseStacks(strings.NewReader(script))
	want := []stack{
		{kernel: []string{"tcp_established_options", "__x64_sys_sendto"}},
		{user: module + "/internal/opaque.(*Pointer[go.shape.struct { a int }]).Get", object: "/tmp/bench1/bobtail"},
		{user: "[unknown]", object: "[vdso]"},
	}
	if err != nil || !slices.EqualFunc(got, want, func(a, b stack) bool {
		return a.user == b.user && a.object == b.object && slices.Equal(a.kernel, b.kernel)
	}) {
		t.Errorf("parseStacks = %+v, %v, want %+v", got, err, want)
	}
	for _, tt := range []struct{ name, in string }{
		{"frame before a sample", "\t40c3ee main.main (/tmp/a)\n"},
		{"frame without a name", "1\n\t40c3ee\n"},
		{"frame without a file", "1\n\t40c3ee main.main\n"},
	} {
		if got, err := parseStacks(strings.NewReader(tt.in)); err == nil {
			t.Errorf("%s: parseStacks = %+v", tt.name, got)
		}
	}
}

// TestRecording records a process that does nothing but compute.
func TestRecording(t *testing.T) {
	p, err := newPerf(t.Context(), t.TempDir())
	if errors.Is(err, errAbsent) {
		t.Skip(err)
	}
	if err != nil {
		t.Skipf("no recordings here: %v", err)
	}
	r, err := p.begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.stop()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if err := r.off(); err != nil {
		t.Fatal(err)
	}
	stacks, err := r.end(t.Context(), []int{cmd.Process.Pid})
	if err != nil {
		t.Fatal(err)
	}
	got := profileOf(stacks, time.Second, 1)
	if len(stacks) < 10 || got.Parts[partUser] < 0.5e6 {
		t.Errorf("%d samples, %v", len(stacks), got.Parts)
	}
}
