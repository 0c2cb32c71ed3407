package main_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/firmware/qemutest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/lneto"
	"github.com/bobtail-go/bobtail/transport/lneto/lnetotest"
)

// QEMU's own network completes handshakes itself, and so hides what becomes of
// a SYN, a reset and a lost frame. Here the host's end is a stack too.

const (
	server = "10.0.2.15:80"
	rst    = 1 << 2
	syn    = 1 << 1
)

// onWire starts a board at one end of a wire and a host at the other.
func onWire(t *testing.T, f lnetotest.Faults) (*qemutest.Machine, *lnetotest.Wire, *lnetotest.Host) {
	t.Helper()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
	if err != nil {
		t.Skip(err)
	}
	if err := syscall.SetNonblock(pair[0], true); err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "wire"), os.NewFile(uintptr(pair[1]), "wire")
	wire := lnetotest.NewWire(f)
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { ours.Close() })
	m := qemutest.Start(t, qemutest.Config{Kernel: whole(t).ELF, Wire: theirs})
	theirs.Close()
	card := wire.Card()
	var over atomic.Bool
	t.Cleanup(func() { over.Store(true) })
	wg.Go(func() {
		b := make([]byte, 2048)
		for {
			n, err := ours.Read(b)
			if err != nil {
				return
			}
			card.Send(b[:n])
		}
	})
	wg.Go(func() {
		b := make([]byte, 2048)
		for !over.Load() {
			n, _ := card.Receive(b)
			if n == 0 {
				card.Idle()
				continue
			}
			ours.Write(b[:n])
		}
	})
	host, err := lnetotest.NewHost(wire, lneto.Config{MAC: [6]byte{2, 0, 0, 0, 0, 9}, Addr: transport.IPv4(10, 0, 2, 2, 0), Seed: 9})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close() })
	m.Await("10.0.2.15:0\n", 1)
	return m, wire, host
}

// client is a client of HTTP on the wire.
func client(t *testing.T, h *lnetotest.Host) *http.Client {
	tr := &http.Transport{DialContext: h.DialContext, DisableKeepAlives: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 60 * time.Second}
}

// hello asks for the text that is always the same.
func hello(c *http.Client) error {
	resp, err := c.Get("http://" + server + "/plaintext")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && string(b) != "Hello, World!" {
		err = fmt.Errorf("the answer is %q", b)
	}
	return err
}

// TestLoss has a wire lose, double and reorder frames.
func TestLoss(t *testing.T) {
	_, _, h := onWire(t, lnetotest.Faults{Seed: 7, Lose: 40, Double: 20, Reorder: 20})
	c := client(t, h)
	for range 10 {
		if err := hello(c); err != nil {
			t.Fatal(err)
		}
	}
	want := strings.Repeat("0123456789abcdef", 1500)
	resp, err := c.Post("http://"+server+"/echo", "text/plain", strings.NewReader(want))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != want {
		t.Errorf("%d of %d bytes came back, and %v", len(b), len(want), err)
	}
}

// TestCrowd has more clients come at once than there are connections. Those for
// whom there is no room are not answered, and come again by themselves; the
// room of one who has not asked for anything yet is given to the next, and he
// comes again too. No SYN is answered with a reset. One who resets in the middle
// of a request, and one at a port where nobody listens, harm nobody.
func TestCrowd(t *testing.T) {
	m, w, h := onWire(t, lnetotest.Faults{})
	var mu sync.Mutex
	answered := map[string]bool{} // by the client's port, that its SYN was
	refused, asked := 0, 0
	w.Tap(func(f []byte) bool {
		if len(f) < 54 || f[12] != 8 || f[13] != 0 || f[23] != 6 {
			return true
		}
		mu.Lock()
		defer mu.Unlock()
		tcp := f[14+int(f[14]&15)*4:]
		switch fromBoard := bytes.Equal(f[26:30], []byte{10, 0, 2, 15}); {
		case !fromBoard && tcp[13]&syn != 0:
			asked++
		case fromBoard && tcp[13]&syn != 0:
			answered[string(tcp[2:4])] = true
		case fromBoard && tcp[13]&rst != 0 && !answered[string(tcp[2:4])]:
			refused++
		}
		return true
	})
	c := client(t, h)
	const clients = 16
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			var err error
			for range 20 {
				if err = hello(c); err == nil {
					return
				}
			}
			t.Errorf("client %d: %v", i, err)
		})
	}
	wg.Wait()
	mu.Lock()
	if refused > 0 {
		t.Errorf("%d SYNs were answered with a reset", refused)
	}
	t.Logf("%d clients sent %d SYNs", clients, asked)
	mu.Unlock()

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 20 {
		conn, err := h.Dial(ctx, transport.IPv4(10, 0, 2, 15, 80))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\nand so"); err != nil {
			t.Fatal(err)
		}
		conn.Reset()
	}
	if conn, err := h.Dial(ctx, transport.IPv4(10, 0, 2, 15, 81)); err == nil {
		conn.Close()
		t.Error("somebody listens on port 81")
	} else if transport.Of(err) != transport.ErrRefused {
		t.Errorf("port 81: %v, want %v", err, transport.ErrRefused)
	}
	if err := hello(c); err != nil {
		t.Error(err)
	}
	if s := m.Serial(); strings.Contains(s, "panic") || strings.Contains(s, "fault") {
		t.Error("the board has failed")
	}
}
