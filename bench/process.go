package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// process is a server that runs.
type process struct {
	cmd *exec.Cmd
	out tail
}

// childAttr puts a child into a process group of its own, so that a Ctrl-C of
// the terminal does not end it before its figures are read, and kills it when
// this program dies.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// killGroup ends a child and its descendants. The child has not been waited
// for, so that its number cannot have become another's.
func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// start runs a server on a free port, which is that of its task, and waits until
// it takes connections. The server is killed when ctx ends, but stop must be
// called in any case.
func start(ctx context.Context, s starter, t task) (*process, int, error) {
	port, err := freePort()
	if err != nil {
		return nil, 0, err
	}
	t.port = port
	p, err := startAt(ctx, s, t)
	return p, port, err
}

// startAt is start at the address that the task has.
func startAt(ctx context.Context, s starter, t task) (*process, error) {
	args, err := s(t)
	if err != nil {
		return nil, err
	}
	p, err := launch(ctx, args)
	if err != nil {
		return nil, err
	}
	if err := p.await(ctx, t); err != nil {
		p.stop()
		return nil, fmt.Errorf("%w%s", err, p.out.said())
	}
	return p, nil
}

// launch runs a command line, and does not wait for anything.
func launch(ctx context.Context, args []string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, args[0], args[1:]...)}
	p.cmd.SysProcAttr = childAttr()
	p.cmd.Cancel = func() error { return killGroup(p.cmd) }
	p.cmd.WaitDelay = 2 * time.Second
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	return p, p.cmd.Start()
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop ends the server and waits for its end. It is asked first: one with
// processes of its own can wait for them, who else would be left as zombies.
func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	for limit := time.Now().Add(time.Second); !p.ended() && time.Now().Before(limit); {
		time.Sleep(2 * time.Millisecond)
	}
	killGroup(p.cmd)
	p.cmd.Wait()
}

// reached reports by nil that the server of a task is there.
func reached(t task) error {
	if t.coap == "udp" {
		return ping(t.address())
	}
	c, err := net.DialTimeout("tcp", t.address(), time.Second)
	if err != nil {
		return err
	}
	return c.Close()
}

// await returns when a connection is taken, or with an error when the server has
// ended or ten seconds have passed.
func (p *process) await(ctx context.Context, t task) error {
	limit := time.Now().Add(10 * time.Second)
	for {
		err := reached(t)
		if err == nil {
			return nil
		}
		if p.ended() {
			return errors.New("it ended at once")
		}
		if time.Now().After(limit) {
			return fmt.Errorf("it does not listen: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// blamed is an error of a measurement, which says so if the server has ended.
func (p *process) blamed(err error) error {
	if err != nil && p.ended() {
		return fmt.Errorf("it ended (%w)", err)
	}
	return err
}

// ended reports whether the server has ended by itself. Nobody has waited for it.
func (p *process) ended() bool { return ended(p.pid()) }

// ended reports whether a child has ended for which nobody has waited.
func ended(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	i := bytes.LastIndexByte(b, ')')
	return bytes.HasPrefix(b[i+1:], []byte(" Z"))
}

// freePort is a port of the loopback on which nobody listens, on TCP or UDP.
func freePort() (int, error) {
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		port := l.Addr().(*net.TCPAddr).Port
		u, err := net.ListenPacket("udp", address(port))
		l.Close()
		if err == nil {
			return port, u.Close()
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return 0, err
		}
	}
}

// tail keeps the last bytes that were written to it. Its text is to be read
// after the program that writes has been waited for.
type tail struct{ b []byte }

const tailSize = 2048 // bytes

func (t *tail) Write(b []byte) (int, error) {
	t.b = append(t.b, b...)
	if extra := len(t.b) - tailSize; extra > 0 {
		t.b = append(t.b[:0], t.b[extra:]...)
	}
	return len(b), nil
}

// said is the last line, to be put behind an error.
func (t *tail) said() string {
	lines := strings.Split(strings.TrimSpace(string(t.b)), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return ": " + last
	}
	return ""
}
