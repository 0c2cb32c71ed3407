package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// perf makes recordings of what all processors do, by the program of that name. Of one
// process alone it would count too little where the kernel works for it in interrupts,
// and some virtual machines have no other event than the clock's.
type perf struct {
	temp string // folder of the recordings
}

// recordRate is the samples a second of each processor: not a divisor of the kernel's
// own ticks, and few enough to take some percent of the time.
const recordRate = 4999

// newPerf looks whether recordings can be made here; the error is a line that says why
// not.
func newPerf(ctx context.Context, temp string) (*perf, error) {
	if _, err := exec.LookPath("perf"); err != nil {
		return nil, fmt.Errorf("perf is %w", errAbsent)
	}
	p := &perf{temp}
	r, err := p.begin(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := r.end(ctx, nil); err != nil {
		return nil, err
	}
	return p, nil
}

// recording is one that is under way.
type recording struct {
	cmd          *exec.Cmd
	control, ack *os.File
	data         string
	out          tail
}

// begin returns when the recording is on.
func (p *perf) begin(ctx context.Context) (*recording, error) {
	r := &recording{data: filepath.Join(p.temp, "perf.data")}
	var err error
	pipe := func(name string) (f *os.File) {
		name = filepath.Join(p.temp, name)
		if err == nil {
			if err = syscall.Mkfifo(name, 0o600); errors.Is(err, os.ErrExist) {
				err = nil
			}
		}
		if err == nil {
			f, err = os.OpenFile(name, os.O_RDWR, 0)
		}
		return f
	}
	r.control, r.ack = pipe("control"), pipe("ack")
	if err != nil {
		r.close()
		return nil, err
	}
	r.cmd = exec.CommandContext(ctx, "perf", "record", "-q", "-a", "-e", "cpu-clock", "-F", strconv.Itoa(recordRate), "-g",
		"-D", "-1", "--control", "fifo:"+r.control.Name()+","+r.ack.Name(), "-o", r.data)
	r.cmd.SysProcAttr = childAttr()
	r.cmd.Cancel = func() error { return killGroup(r.cmd) }
	r.cmd.WaitDelay = 2 * time.Second
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.out
	if err := r.cmd.Start(); err != nil {
		r.close()
		return nil, err
	}
	if err := r.say("enable"); err != nil {
		killGroup(r.cmd)
		r.cmd.Wait()
		r.close()
		return nil, fmt.Errorf("perf does not record%s", r.out.said())
	}
	return r, nil
}

func (r *recording) close() {
	r.control.Close()
	r.ack.Close()
	os.Remove(r.data)
}

// say tells perf something, and waits until it has done it.
func (r *recording) say(word string) error {
	if _, err := io.WriteString(r.control, word+"\n"); err != nil {
		return err
	}
	b, have := make([]byte, len("ack\n\x00")), 0
	for limit := time.Now().Add(time.Minute); ; {
		r.ack.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		n, err := io.ReadFull(r.ack, b[have:])
		have += n
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) || ended(r.cmd.Process.Pid) || time.Now().After(limit) {
			return err
		}
	}
}

// off ends what is recorded.
func (r *recording) off() error { return r.say("disable") }

// stop ends the recording if end has not.
func (r *recording) stop() {
	if r.cmd.ProcessState == nil {
		killGroup(r.cmd)
		r.cmd.Wait()
		r.close()
	}
}

// end ends the recording, and gives the stacks of processes in it.
func (r *recording) end(ctx context.Context, pids []int) ([]stack, error) {
	defer r.close()
	err := r.say("stop")
	if err != nil {
		killGroup(r.cmd)
	}
	if err = errors.Join(err, r.cmd.Wait()); err != nil {
		return nil, fmt.Errorf("perf: %w%s", err, r.out.said())
	}
	if len(pids) == 0 {
		return nil, nil
	}
	var list []string
	for _, pid := range pids {
		list = append(list, strconv.Itoa(pid))
	}
	var out tail
	cmd := exec.CommandContext(ctx, "perf", "script", "-i", r.data, "--pid", strings.Join(list, ","), "-F", "pid,ip,sym,dso")
	cmd.Stderr = &out
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("perf script: %w%s", err, out.said())
	}
	return parseStacks(strings.NewReader(string(text)))
}

// stack is where one sample was, the innermost function first: in user mode, of which
// only that is known, or in the kernel.
type stack struct {
	user   string // function
	object string // file of it
	kernel []string
}

// parseStacks reads what perf script writes: a line for each sample, with its frames in
// lines with a tab below, and an empty one.
func parseStacks(r io.Reader) ([]stack, error) {
	var all []stack
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		frame, ok := strings.CutPrefix(line, "\t")
		if !ok {
			if strings.TrimSpace(line) != "" {
				all = append(all, stack{})
			}
			continue
		}
		_, name, ok := strings.Cut(strings.TrimSpace(frame), " ")
		name = strings.Replace(name, " (deleted))", ")", 1)
		at := strings.LastIndex(name, " (")
		if !ok || at < 0 || len(all) == 0 {
			return nil, fmt.Errorf("perf script wrote %q", line)
		}
		function, object := name[:at], strings.TrimSuffix(name[at+2:], ")")
		switch s := &all[len(all)-1]; {
		case s.user != "":
		case strings.HasPrefix(object, "[kernel") || strings.HasPrefix(object, "[guest"):
			s.kernel = append(s.kernel, function)
		case len(s.kernel) == 0:
			s.user, s.object = function, object
		}
	}
	// A sample whose process was gone has no frames.
	return slices.DeleteFunc(all, func(s stack) bool { return s.user == "" && len(s.kernel) == 0 }), lines.Err()
}
