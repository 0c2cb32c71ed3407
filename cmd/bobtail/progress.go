package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// silent is a progress that nobody sees.
type silent struct{ io.Writer }

func (silent) Close() error { return nil }

// isWatched reports whether standard error is a terminal, to show progress on.
func isWatched() bool { return term.IsTerminal(int(os.Stderr.Fd())) }

// newBar shows on standard error how many bytes of a total are done; -1 is an
// unknown total.
func newBar(what string, total int64) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total,
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetWriter(os.Stderr),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionFullWidth(),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetRenderBlankState(true),
	)
}
