package pace_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/internal/pace"
)

const ms = 1_000_000

// TestPace of a lane that waits now and again, and then all the time.
func TestPace(t *testing.T) {
	var p pace.Pace
	for _, tt := range []struct {
		now     int64
		due     bool
		blocked int64 // when a wait has ended that the scheduler has seen; 0 is none
		most    int64
	}{
		{now: 1000 * ms, due: true, most: 1 * ms},
		{now: 1000*ms + 1, most: 5 * ms},
		{now: 1001 * ms, most: 5 * ms},
		{now: 1001*ms + 1, due: true, most: 5 * ms},
		{now: 1003 * ms, due: true, most: 1 * ms, blocked: 1010 * ms},
		{now: 1011 * ms, most: 1 * ms},
		{now: 1011*ms + 1, due: true, most: 5 * ms},
	} {
		if due := p.Due(tt.now); due != tt.due {
			t.Errorf("at %d ns: Due = %v", tt.now, due)
		} else if due {
			p.Yield(tt.now)
		}
		if most := p.Begin(tt.now); most != tt.most {
			t.Errorf("at %d ns: a raw wait may last %d ns, want %d", tt.now, most, tt.most)
		}
		if tt.blocked != 0 {
			p.Blocked(tt.blocked)
		}
	}
}
