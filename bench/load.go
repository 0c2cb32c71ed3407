package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// loader is the load generator while it runs; load/load.c tells how it is talked to.
type loader struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	err tail
}

// startLoad runs the load generator. It is killed when ctx ends, but stop must
// be called in any case.
func startLoad(ctx context.Context, program string, args ...string) (*loader, error) {
	l := &loader{cmd: exec.CommandContext(ctx, program, args...)}
	l.cmd.SysProcAttr = childAttr()
	l.cmd.Cancel = func() error { return killGroup(l.cmd) }
	l.cmd.WaitDelay = 2 * time.Second
	l.cmd.Stderr = &l.err
	in, err := l.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	l.in, l.out = in, bufio.NewReader(out)
	return l, l.cmd.Start()
}

// line is the next line, which tells the generator's figures.
func (l *loader) line() (figures, error) {
	text, err := l.out.ReadString('\n')
	if err != nil {
		l.stop()
		return nil, fmt.Errorf("the load generator ended%s", l.err.said())
	}
	f, err := parseFigures(strings.TrimSpace(text))
	if err != nil {
		return nil, err
	}
	if n := f["errors"]; n != 0 {
		l.stop()
		return f, fmt.Errorf("%d errors%s", n, l.err.said())
	}
	return f, nil
}

// goOn lets the generator proceed.
func (l *loader) goOn() error {
	_, err := io.WriteString(l.in, "\n")
	return err
}

// stop ends the generator, which closes its connections, and waits for its end.
func (l *loader) stop() {
	if l.cmd.ProcessState != nil {
		return
	}
	l.in.Close()
	l.cmd.Wait()
}

// figures are what a line of the load generator tells, by name.
type figures map[string]int64

// parseFigures reads a line of words of the form name=number. A word alone has
// the value 0.
func parseFigures(line string) (figures, error) {
	f := make(figures)
	for _, word := range strings.Fields(line) {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			f[name] = 0
			continue
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		f[name] = n
	}
	return f, nil
}
