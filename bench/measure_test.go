package main

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const rest = " S 1 100 100 0 -1 4194560 900 0 1 0 17 23 0 0 20 0 5 0 8200 1000 200"
	for _, tt := range []struct {
		name, in     string
		user, system int64
		ok           bool
	}{
		{"plain name", "42 (floor)" + rest, 17, 23, true},
		{"name with a blank and brackets", "42 (a) R (b c)" + rest, 17, 23, true},
		{"no name", "42 floor" + rest, 0, 0, false},
		{"cut before the system time", "42 (floor) S 1 100 100 0 -1 4194560 900 0 1 0 17", 0, 0, false},
		{"not a number", "42 (floor) S 1 100 100 0 -1 4194560 900 0 1 0 x 23 0", 0, 0, false},
		{"nothing", "", 0, 0, false},
	} {
		user, system, err := parseStat([]byte(tt.in))
		if user != tt.user || (tt.ok && system != tt.system) || (err == nil) != tt.ok {
			t.Errorf("%s: parseStat(%q) = %d, %d, %v, want %d, %d", tt.name, tt.in, user, system, err, tt.user, tt.system)
		}
	}
}

func TestParseRollup(t *testing.T) {
	const head = "55d0-7ffc ---p 00000000 00:00 0    [rollup]\n"
	for _, tt := range []struct {
		name, in string
		want     memory
		ok       bool
	}{
		{"all fields", head + "Rss:   100 kB\nPss:   50 kB\nShared_Clean: 30 kB\nPrivate_Clean:  10 kB\nPrivate_Dirty:    60 kB\n",
			memory{100 << 10, 70 << 10}, true},
		{"Private_Dirty is missing", head + "Rss: 100 kB\nPrivate_Clean: 10 kB\n", memory{}, false},
		{"not a number", head + "Rss: many kB\n", memory{}, false},
		{"nothing, as of a process that has ended", "", memory{}, false},
	} {
		got, err := parseRollup([]byte(tt.in))
		if (err == nil) != tt.ok || (tt.ok && got != tt.want) {
			t.Errorf("%s: parseRollup = %v, %v, want %v", tt.name, got, err, tt.want)
		}
	}
}

// TestProcessClock compares the clock of another process with what the kernel
// tells when it has ended.
func TestProcessClock(t *testing.T) {
	cmd := exec.Command("sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo; read x")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skipf("no shell: %v", err)
	}
	out.Read(make([]byte, 1))
	used, err := usedCPU(cmd.Process.Pid)
	in.Close()
	cmd.Wait()
	if err != nil {
		t.Fatal(err)
	}
	// The end of the process costs something too, but no more than this.
	whole := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if used.total <= 0 || used.total > whole || whole-used.total > 50*time.Millisecond {
		t.Errorf("clock = %v, of %v in all", used.total, whole)
	}
}

func TestTreeHasChildren(t *testing.T) {
	cmd := exec.CommandContext(context.Background(), "sh", "-c", "echo; read x")
	in, _ := cmd.StdinPipe()
	if err := cmd.Start(); err != nil {
		t.Skipf("no shell: %v", err)
	}
	defer cmd.Wait()
	defer in.Close()
	if _, err := os.Stat("/proc/self/task"); err != nil {
		t.Skip("no /proc")
	}
	if got := tree(os.Getpid()); !slices.Contains(got, cmd.Process.Pid) || got[0] != os.Getpid() {
		t.Errorf("tree = %v, want %d first and %d in it", got, os.Getpid(), cmd.Process.Pid)
	}
}

func TestUserPart(t *testing.T) {
	if got := (cpuTime{user: 25, system: 75}).userPart(); got != 0.25 {
		t.Errorf("userPart = %v, want 0.25", got)
	}
	if got := (cpuTime{user: 1, system: 1}).userPart(); got != 0 {
		t.Errorf("userPart of two ticks = %v, want 0", got)
	}
}
