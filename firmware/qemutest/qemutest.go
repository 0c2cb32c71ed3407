// Package qemutest runs firmware for the LM3S6965 in QEMU, for tests.
package qemutest

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/firmware/image"
)

// built are the programs that Build has made, by their package and flags.
var built sync.Map

// Build builds a program with TinyGo, once for all tests of a Main. Where there
// is no compiler, the test is skipped.
func Build(t testing.TB, pkg string, flags ...string) image.Image {
	t.Helper()
	type result struct {
		image.Image
		err error
	}
	name := fmt.Sprint(pkg, flags)
	make, _ := built.LoadOrStore(name, sync.OnceValue(func() result {
		f, err := os.CreateTemp(dir, "*.elf")
		if err != nil {
			return result{err: err}
		}
		f.Close()
		i, err := image.Build("lm3s6965", pkg, f.Name(), flags...)
		return result{i, err}
	}))
	r := make.(func() result)()
	if r.err == image.ErrNoCompiler {
		t.Skip(r.err)
	}
	if r.err != nil {
		t.Fatal(r.err)
	}
	return r.Image
}

// Config says how a Machine is run.
type Config struct {
	Kernel string   // the path of an ELF file
	Ports  []int    // TCP ports of the device that the host can reach
	Wire   *os.File // if it is set, the network: a datagram is a frame; else it is QEMU's own
	Count  bool     // an instruction takes a nanosecond of the board's time
}

// Machine is a board that runs until the test ends.
type Machine struct {
	t   testing.TB
	cmd *exec.Cmd

	stop   sync.Once
	asking sync.Mutex
	ports  map[int]string

	mu     sync.Mutex
	serial bytes.Buffer
	more   chan struct{} // closed when more has come
	done   bool
}

// Start starts a board. QEMU ends with the test, or when the test's process
// does.
func Start(t testing.TB, c Config) *Machine {
	t.Helper()
	qemu, err := exec.LookPath("qemu-system-arm")
	if err != nil {
		t.Skip(err)
	}
	m := &Machine{t: t, ports: map[int]string{}, more: make(chan struct{})}
	args := []string{"-machine", "lm3s6965evb", "-nodefaults", "-display", "none", "-kernel", c.Kernel, "-serial", "stdio", "-monitor", "unix:monitor,server=on,wait=off"}
	switch {
	case c.Wire != nil:
		args = append(args, "-netdev", "dgram,id=wire,local.type=fd,local.str=3", "-net", "nic,model=stellaris,netdev=wire")
	default:
		nic := "user,model=stellaris,restrict=on"
		for _, p := range c.Ports {
			nic += fmt.Sprintf(",hostfwd=tcp:127.0.0.1:0-:%d", p)
		}
		args = append(args, "-nic", nic)
	}
	if c.Count {
		args = append(args, "-icount", "shift=0")
	}
	m.cmd = exec.Command(qemu, args...)
	m.cmd.Dir = t.TempDir()
	if c.Wire != nil {
		m.cmd.ExtraFiles = []*os.File{c.Wire}
	}
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	endWithUs(m.cmd)
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go m.read(out)
	t.Cleanup(func() {
		m.Stop()
		if t.Failed() {
			s := m.Serial()
			t.Logf("the serial port said last:\n%s", s[max(len(s)-2000, 0):])
		}
	})
	return m
}

// Stop ends the board before the test does.
func (m *Machine) Stop() {
	m.cmd.Process.Kill()
	m.stop.Do(func() { m.cmd.Wait() })
}

// read keeps what the serial port says.
func (m *Machine) read(r io.Reader) {
	b := make([]byte, 4096)
	for {
		n, err := r.Read(b)
		m.mu.Lock()
		if m.serial.Len() < mostSerial {
			m.serial.Write(bytes.ReplaceAll(b[:n], []byte("\r"), nil))
		}
		m.done = err != nil
		close(m.more)
		m.more = make(chan struct{})
		m.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// mostSerial is how many bytes of the serial port's are kept, about.
const mostSerial = 1 << 20

// Serial is all that the serial port has said, its lines ended by \n.
func (m *Machine) Serial() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.serial.String()
}

// Await waits until the serial port has said a text so many times, and returns
// all that it has said.
func (m *Machine) Await(text string, times int) string {
	m.t.Helper()
	limit := time.After(30 * time.Second)
	for {
		m.mu.Lock()
		s, more, done := m.serial.String(), m.more, m.done
		m.mu.Unlock()
		if strings.Count(s, text) >= times {
			return s
		}
		if done {
			m.t.Fatalf("the board ended before it said %q", text)
		}
		select {
		case <-more:
		case <-limit:
			m.t.Fatalf("the board did not say %q %d times in half a minute", text, times)
		}
	}
}

// PID is the number of the emulator's process.
func (m *Machine) PID() int { return m.cmd.Process.Pid }

// dir is where programs are built, until Main ends.
var dir string

// Main runs the tests of a package, which calls it in TestMain, with a folder
// for what is built once for several of them.
func Main(m *testing.M) int {
	var err error
	if dir, err = os.MkdirTemp("", "qemutest"); err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(dir)
	return m.Run()
}
