// Bench measures what a request, or a message to a WebSocket, costs in several
// servers, side by side.
//
// It starts each server by itself, loads it from the same machine, and prints
// the CPU time that the server's process took per request or message, and the
// memory that it holds per idle connection. The servers take turns within a round, so
// that what disturbs the machine disturbs all alike, and each figure is the
// median over the rounds. README.md tells what is measured and what is not.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
)

func main() {
	// A child is killed when the thread that started it ends, and the first
	// thread of a process ends last.
	runtime.LockOSThread()
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program, and returns its exit status: 0, 1 if a server failed, 2
// for a wrong command line, 130 if it was interrupted.
func run(args []string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		io.WriteString(stdout, usage())
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	}
	if len(o.results) > 0 {
		if err := redraw(o.plots, o.results); err != nil {
			fmt.Fprintln(stderr, "bench:", err)
			return 1
		}
		return 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if o.path {
		return compareOverPaths(ctx, o, stdout, stderr)
	}
	if o.into != "" {
		// Not after half an hour.
		if _, err := insert(readme, o.into, ""); err != nil {
			fmt.Fprintln(stderr, "bench:", err)
			return 2
		}
	}
	res, err := compare(ctx, o, stderr)
	if ctx.Err() != nil {
		fmt.Fprintln(stderr, "bench: interrupted")
		return 130
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	if o.json != "" {
		if err := res.writeJSON(o.json); err != nil {
			fmt.Fprintln(stderr, "bench:", err)
			return 1
		}
	}
	res.print(stdout, o.markdown)
	if o.into != "" {
		if err := res.printInto(o); err != nil {
			fmt.Fprintln(stderr, "bench:", err)
			return 1
		}
	}
	if o.plots != "" {
		if err := plotResults(o.plots, res); err != nil {
			fmt.Fprintln(stderr, "bench:", err)
			return 1
		}
	}
	if len(res.Failures) > 0 {
		fmt.Fprintln(stderr, "bench: failed:", strings.Join(res.Failures, "; "))
		return 1
	}
	return 0
}

// redraw draws what was measured before.
func redraw(dir string, files []string) error {
	results, err := readResults(files)
	if err != nil {
		return err
	}
	return plotResults(dir, results...)
}
