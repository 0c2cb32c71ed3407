package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// terminal is a pseudo-terminal with a run of bobtail on it.
type terminal struct {
	t     *testing.T
	cmd   *exec.Cmd
	ours  *os.File // what its user sees and types
	shown string   // what came of it, and was not waited for yet
}

// ioctl is a system call with a number.
func ioctl(t *testing.T, f *os.File, what uintptr, n *uint32) {
	t.Helper()
	c, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var e syscall.Errno
	if err := c.Control(func(fd uintptr) {
		_, _, e = syscall.Syscall(syscall.SYS_IOCTL, fd, what, uintptr(unsafe.Pointer(n)))
	}); err != nil || e != 0 {
		t.Fatal(err, e)
	}
}

func onTerminal(t *testing.T, env []string, args ...string) *terminal {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { ours.Close() })
	var zero, number uint32
	ioctl(t, ours, syscall.TIOCSPTLCK, &zero)
	ioctl(t, ours, syscall.TIOCGPTN, &number)
	theirs, err := os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer theirs.Close()
	y := &terminal{t: t, ours: ours, cmd: exec.Command(binary, args...)}
	y.cmd.Stdin, y.cmd.Stdout, y.cmd.Stderr = theirs, theirs, theirs
	y.cmd.Env = append(append(os.Environ(), "TERM=xterm", "NO_COLOR="), env...)
	y.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := y.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ours.SetDeadline(time.Now().Add(patient))
	t.Cleanup(func() { y.cmd.Process.Kill(); y.cmd.Wait() })
	return y
}

func (y *terminal) types(text string) {
	y.t.Helper()
	if _, err := y.ours.WriteString(text); err != nil {
		y.t.Fatal(err)
	}
}

// shows waits until the terminal shows a text, and gives what was before it.
func (y *terminal) shows(text string) string {
	y.t.Helper()
	for {
		if before, after, ok := strings.Cut(y.shown, text); ok {
			y.shown = after
			return before
		}
		b := make([]byte, 4096)
		n, err := y.ours.Read(b)
		y.shown += string(b[:n])
		if err != nil {
			y.t.Fatalf("%q is not shown, but %q: %v", text, y.shown, err)
		}
	}
}

// ends waits for the end, and gives what is left on the terminal.
func (y *terminal) ends(status int) string {
	y.t.Helper()
	for {
		b := make([]byte, 4096)
		n, err := y.ours.Read(b)
		y.shown += string(b[:n])
		if err != nil {
			break // no other process has the terminal
		}
	}
	y.cmd.Wait()
	if got := y.cmd.ProcessState.ExitCode(); got != status {
		y.t.Errorf("status %d, want %d", got, status)
	}
	return y.shown
}

// TestWSTerminal types and looks.
func TestWSTerminal(t *testing.T) {
	s := serveWS(t, false)
	told := func(want ws.Code) {
		t.Helper()
		<-s.asked
		var closed *wsconn.CloseError
		if err := <-s.told; !errors.As(err, &closed) || closed.Code != want {
			t.Errorf("the server was told %v, want %d", err, want)
		}
	}
	t.Run("lines and messages", func(t *testing.T) {
		y := onTerminal(t, nil, "ws", "-slash", s.URL+"/echo")
		y.shows("connected; Ctrl-C ends it")
		y.shows("> ")
		y.types("hellx\x7fo\r") // a letter is taken back
		y.shows("< \x1b[0mhello\r\n")
		y.types("\x1b[A\r") // the line before
		y.shows("< \x1b[0mhello\r\n")
		y.types("/ping x\r")
		y.shows("pong x")
		y.types("/what\r")
		y.shows("there is no command /what")
		y.types("still here\r")
		y.shows("< \x1b[0mstill here\r\n")
		y.types("\x04") // Ctrl-D
		y.ends(0)
		told(ws.CodeNormal)
	})
	t.Run("Ctrl-C", func(t *testing.T) {
		y := onTerminal(t, nil, "ws", "-close", "1001", s.URL+"/echo")
		y.shows("> ")
		y.types("half a line\x03")
		y.ends(0)
		told(ws.CodeGoingAway)
	})
	t.Run("messages of both kinds, that cannot harm it", func(t *testing.T) {
		y := onTerminal(t, nil, "ws", s.URL+"/kinds")
		all := y.ends(0)
		for _, want := range []string{`< ` + "\x1b[0m" + `a text \u001b[2J\u202e`, "3 bytes, binary", "00000000  00 01 ff", "the end", "the server closes with 1000, normal closure"} {
			if !strings.Contains(all, want) {
				t.Errorf("%q is not shown, but %q", want, all)
			}
		}
		if strings.Contains(all, "\x1b[2J") {
			t.Error("a message has cleared the terminal")
		}
		<-s.asked
		<-s.told
	})
	t.Run("without colours", func(t *testing.T) {
		y := onTerminal(t, []string{"NO_COLOR=1"}, "ws", s.URL+"/echo")
		y.shows("> ")
		y.types("plain\r")
		y.shows("< plain\r\n")
		y.types("\x04")
		y.ends(0)
		told(ws.CodeNormal)
	})
	t.Run("dumb", func(t *testing.T) {
		y := onTerminal(t, []string{"TERM=dumb"}, "ws", "-quiet", s.URL+"/echo")
		y.types("plain\n")
		if before := y.shows("< plain\r\n"); strings.Contains(before, "\x1b") || strings.Contains(before, "connected") {
			t.Errorf("%q", before)
		}
		y.types("\x04")
		y.ends(0)
		told(ws.CodeNormal)
	})
	t.Run("the server goes", func(t *testing.T) {
		y := onTerminal(t, nil, "ws", s.URL+"/gone")
		if all := y.ends(1); !strings.Contains(all, "bobtail: the server has gone without a close frame\r\n") {
			t.Errorf("%q", all)
		}
		<-s.asked
		<-s.told
	})
}
