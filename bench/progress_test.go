package main

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestProgress(t *testing.T) {
	var out strings.Builder
	p := newProgress(&out, map[string]int{"plain": 2, "parked": 1}, func(work string) time.Duration {
		return map[string]time.Duration{"plain": time.Second, "parked": 3 * time.Second}[work]
	})
	p.begun = time.Now().Add(-10 * time.Second)
	p.begin("plain", 0, "floor")
	p.step("plain", 0, "floor", "fast")
	p.step("plain", 1, "floor", "fast")
	p.step("parked", 0, "floor", "9 B a connection")
	p.close()
	want := `^\[1/3 4\d s left\] plain, round 1, floor: fast
\[2/3 1\d s left\] plain, round 2, floor: fast
\[3/3 0 s left\] parked, round 1, floor: 9 B a connection
$`
	if !regexp.MustCompile(want).MatchString(out.String()) {
		t.Errorf("progress:\n%s", out.String())
	}
}

func TestRoughly(t *testing.T) {
	for _, tt := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0 s"}, {300 * time.Millisecond, "1 s"}, {99 * time.Second, "99 s"}, {100 * time.Second, "2 min"}, {14*time.Minute + 40*time.Second, "15 min"},
	} {
		if got := roughly(tt.d); got != tt.want {
			t.Errorf("roughly(%v) = %s, want %s", tt.d, got, tt.want)
		}
	}
}

// TestExpected wants some time for each work, and little for the smoke test.
func TestExpected(t *testing.T) {
	whole, err := parseOptions(nil)
	if err != nil {
		t.Fatal(err)
	}
	small, err := parseOptions([]string{"-smoke"})
	if err != nil {
		t.Fatal(err)
	}
	for _, work := range workNames {
		if got := expectedOf(whole, work); got < 100*time.Millisecond || got > time.Minute {
			t.Errorf("%s: %v", work, got)
		}
		if got := expectedOf(small, work); got > 3*time.Second {
			t.Errorf("%s, smoke: %v", work, got)
		}
	}
}
