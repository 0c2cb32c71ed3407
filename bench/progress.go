package main

import (
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress tells how far the comparison is: by a bar on a terminal, else by a
// line for every run.
type progress struct {
	w           io.Writer
	bar         *progressbar.ProgressBar
	done, total int
}

func newProgress(w io.Writer, total int) *progress {
	p := &progress{w: w, total: total}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(w),
			progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionSetWidth(30),
			progressbar.OptionClearOnFinish(),
		)
	}
	return p
}

// begin says which run is under way.
func (p *progress) begin(work string, round int, server string) {
	if p.bar != nil {
		p.bar.Describe(fmt.Sprintf("%-9s round %d %-13s", work, round+1, server))
	}
}

// step says what came of it.
func (p *progress) step(work string, round int, server, outcome string) {
	p.done++
	if p.bar != nil {
		p.bar.Add(1)
		return
	}
	fmt.Fprintf(p.w, "[%d/%d] %s, round %d, %s: %s\n", p.done, p.total, work, round+1, server, outcome)
}

// close takes the bar away, so that the tables stand alone.
func (p *progress) close() {
	if p.bar != nil {
		p.bar.Clear()
	}
}
