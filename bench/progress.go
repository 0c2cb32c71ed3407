package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress tells how far the comparison is, and how long it still takes: by a bar
// on a terminal, else by a line for every run.
type progress struct {
	w           io.Writer
	bar         *progressbar.ProgressBar
	done, total int

	// What runs were expected to take, and have taken.
	expected       func(work string) time.Duration
	begun          time.Time
	behind, before time.Duration // of the expected: that of the runs that are done, and of the others
}

// newProgress is that of as many runs of each work as runs says.
func newProgress(w io.Writer, runs map[string]int, expected func(work string) time.Duration) *progress {
	p := &progress{w: w, expected: expected, begun: time.Now()}
	total := 0
	for work, n := range runs {
		total += n
		p.before += time.Duration(n) * expected(work)
	}
	p.total = total
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(w),
			progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(false),
			progressbar.OptionSetWidth(30),
			progressbar.OptionClearOnFinish(),
		)
	}
	return p
}

// begin says which run is under way.
func (p *progress) begin(work string, round int, server string) {
	if p.bar != nil {
		p.bar.Describe(fmt.Sprintf("%-9s round %d %-13s %8s", work, round+1, server, p.left()))
	}
}

// step says what came of it.
func (p *progress) step(work string, round int, server, outcome string) {
	p.done++
	d := p.expected(work)
	p.behind += d
	p.before -= d
	if p.bar != nil {
		p.bar.Add(1)
		return
	}
	fmt.Fprintf(p.w, "[%d/%d %s] %s, round %d, %s: %s\n", p.done, p.total, p.left(), work, round+1, server, outcome)
}

// left is about how long the other runs take, if what was expected of them is as
// wrong as it was of those that are done.
func (p *progress) left() string {
	d := p.before
	if p.behind > 0 {
		d = time.Duration(float64(d) * float64(time.Since(p.begun)) / float64(p.behind))
	}
	return roughly(d) + " left"
}

// roughly is a time as one tells it.
func roughly(d time.Duration) string {
	if d < 100*time.Second {
		return fmt.Sprintf("%d s", int(math.Ceil(d.Seconds())))
	}
	return fmt.Sprintf("%d min", int(math.Round(d.Minutes())))
}

// expectedOf is about how long a run of a work takes.
func expectedOf(o options, work string) time.Duration {
	seconds := 0.3 // for the start and the end of a server
	switch perSecond := 80000.0; {
	case idle(work):
		seconds += 1.2 + float64(heldBy(o, work))/15000
	case work == startWork:
		seconds = 0.02 * float64(o.starts)
	case work == liveWork:
		seconds += float64(liveSeconds(o)) + float64(o.parked)/5000
	case work == broadcastWork:
		seconds += float64(broadcasts(o)*o.parked)/50000 + float64(o.parked)/5000
	case o.smoke && rated(work):
		seconds++
	case work == latencyWork:
		seconds += 1.2 * float64(o.seconds)
	case work == sleepersWork:
		seconds += 2.4 * float64(o.seconds)
	default:
		// Works have so many requests that all take about as long.
		seconds += 1.1*float64(o.requests)/perSecond + float64(turnsOf(o, work)*heldBy(o, work))/15000 + 0.03*float64(turnsOf(o, work))
	}
	if o.profile {
		seconds += 0.5
	}
	return time.Duration(seconds * float64(time.Second))
}

// close takes the bar away, so that the tables stand alone.
func (p *progress) close() {
	if p.bar != nil {
		p.bar.Clear()
	}
}
