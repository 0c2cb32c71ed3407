package qemutest

import (
	"bufio"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ask gives the monitor a command and returns its answer.
func (m *Machine) ask(command string) string {
	m.t.Helper()
	path := filepath.Join(m.cmd.Dir, "monitor")
	var c net.Conn
	var err error
	for limit := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		// QEMU makes the socket some time after it has begun, and does not say.
		if c, err = net.Dial("unix", path); err == nil || time.Now().After(limit) {
			break
		}
	}
	if err != nil {
		m.t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	r := bufio.NewReader(c)
	const prompt = "(qemu) "
	if _, err := until(r, prompt); err != nil {
		m.t.Fatalf("QEMU's monitor: %v", err)
	}
	if _, err := c.Write([]byte(command + "\n")); err != nil {
		m.t.Fatal(err)
	}
	out, err := until(r, prompt)
	if err != nil {
		m.t.Fatalf("QEMU's monitor: %v", err)
	}
	return out
}

func until(r *bufio.Reader, end string) (string, error) {
	var b strings.Builder
	for !strings.HasSuffix(b.String(), end) {
		c, err := r.ReadByte()
		if err != nil {
			return "", err
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

// forward is a line of "info usernet": state, descriptor, the host's address
// and port, the device's.
var forward = regexp.MustCompile(`TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s+\S+\s+(\d+)`)

// Addr is the address at which the host reaches a port of the device. The
// system has chosen it, so that no two tests want the same. It may be called
// from any goroutine after a first call from the test's own.
func (m *Machine) Addr(port int) string {
	m.t.Helper()
	m.asking.Lock()
	defer m.asking.Unlock()
	if len(m.ports) == 0 {
		for _, f := range forward.FindAllStringSubmatch(m.ask("info usernet"), -1) {
			p, _ := strconv.Atoi(f[2])
			m.ports[p] = "127.0.0.1:" + f[1]
		}
	}
	a, ok := m.ports[port]
	if !ok {
		m.t.Fatalf("QEMU forwards %v, not port %d", m.ports, port)
	}
	return a
}
