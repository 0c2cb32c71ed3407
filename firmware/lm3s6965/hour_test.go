package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/firmware/qemutest"
	"github.com/bobtail-go/bobtail/host/coapdial"
	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/ws"
)

// stats is what a test wants to know of GET /stats.
type stats struct {
	Heap     [2]int
	Requests int
	Sockets  struct{ All, Open, Parked int }
	Blocks   struct{ Stash, Output int }
	Stacks   map[string][2]int // by the name of the task
}

// ask gets the statistics of a board on a connection of its own.
func ask(t *testing.T, m *qemutest.Machine) (s stats) {
	t.Helper()
	b, err := get(newClient(t), "http://"+m.Addr(80)+"/stats")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	var all map[string]json.RawMessage
	json.Unmarshal(b, &all)
	s.Stacks = map[string][2]int{}
	for name, v := range all {
		if task, ok := strings.CutPrefix(name, "stack "); ok {
			var used [2]int
			json.Unmarshal(v, &used)
			s.Stacks[task] = used
		}
	}
	return s
}

// newClient is a client of one connection, which it closes after each request
// of get.
func newClient(t *testing.T) *http.Client {
	tr := &http.Transport{MaxConnsPerHost: 1}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

func get(c *http.Client, url string) ([]byte, error) {
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return nil, err
	}
	req.Close = true
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// TestHour has four clients do what clients do in an hour, as fast as the
// emulator goes: requests that keep the connection and that do not, content
// with and without a length, messages, CoAP, connections that are reset in the
// middle of a request or an answer, and some that send nothing. Afterwards the
// heap must be what it was, to the byte, and nobody may keep anything.
func TestHour(t *testing.T) {
	m := board(t)
	ask(t, m)
	before := ask(t, m)
	const rounds = 150
	var wg sync.WaitGroup
	for _, client := range []func(*testing.T, *qemutest.Machine, int) error{requests, contents, others, rude} {
		wg.Go(func() {
			for i := range rounds {
				if err := client(t, m, i); err != nil {
					t.Errorf("round %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	var after stats
	for limit := time.Now().Add(20 * time.Second); time.Now().Before(limit); {
		// Those who were reset are gone when the board has noticed, at the latest
		// by a deadline.
		if after = ask(t, m); after.Sockets.Open <= 1 {
			break
		}
	}
	if after.Heap != before.Heap {
		t.Errorf("the heap was %d bytes before and is %d now", before.Heap, after.Heap)
	}
	if after.Sockets.Open > 1 || after.Blocks.Stash+after.Blocks.Output > 0 {
		t.Errorf("kept: sockets %+v, blocks %+v", after.Sockets, after.Blocks)
	}
	t.Logf("%d requests of HTTP; stacks %v", after.Requests-before.Requests, after.Stacks)
	if s := m.Serial(); strings.Contains(s, "panic") || strings.Contains(s, "fault") || strings.Count(s, "bobtail on") > 1 {
		t.Error("the board has failed")
	}
	measured.stacks = after.Stacks
}

// requests sends eight requests on one connection, pipelined in pairs.
func requests(t *testing.T, m *qemutest.Machine, i int) error {
	c, err := dial(m, 80)
	if err != nil {
		return err
	}
	defer c.Close()
	const one = "GET /plaintext HTTP/1.1\r\nHost: a\r\nUser-Agent: the hour\r\nAccept: */*\r\n\r\n"
	b := make([]byte, 4096)
	for range 4 {
		if _, err := io.WriteString(c, one+one); err != nil {
			return err
		}
		for n := 0; bytes.Count(b[:n], []byte("Hello, World!")) < 2; {
			k, err := c.Read(b[n:])
			if n += k; err != nil {
				return fmt.Errorf("after %q: %w", b[:n], err)
			}
		}
	}
	return nil
}

// contents sends content of a length that is told, and of one that is not.
func contents(t *testing.T, m *qemutest.Machine, i int) error {
	want := strings.Repeat("0123456789abcdef", 1+i%200)
	var content io.Reader = strings.NewReader(want)
	if i%2 == 1 {
		content = struct{ io.Reader }{content}
	}
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	resp, err := c.Post("http://"+m.Addr(80)+"/echo", "text/plain", content)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || string(got) != want {
		return fmt.Errorf("%d of %d bytes came back, and %w", len(got), len(want), err)
	}
	return nil
}

// others speaks WebSocket and CoAP.
func others(t *testing.T, m *qemutest.Machine, i int) error {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if i%2 == 0 {
		c, err := coapdial.Dial(ctx, "coap+tcp://"+m.Addr(5683), coapdial.Config{})
		if err != nil {
			return err
		}
		defer c.Close()
		resp, err := c.Get(ctx, "/hello")
		if err != nil {
			return err
		}
		return resp.Err()
	}
	c, err := wsdial.Dial(ctx, "ws://"+m.Addr(80)+"/ws", wsdial.Config{})
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	want := bytes.Repeat([]byte("message "), 1+i)
	go c.WriteMessage(ws.OpText, want)
	op, got, err := c.Receive()
	if err != nil || op != ws.OpText || !bytes.Equal(got, want) {
		return fmt.Errorf("%v of %d bytes came back for %d, and %w", op, len(got), len(want), err)
	}
	return nil
}

// rude resets its connection at a different moment each time.
func rude(t *testing.T, m *qemutest.Machine, i int) error {
	c, err := dial(m, 80)
	if err != nil {
		return err
	}
	defer c.Close()
	const request = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n"
	s := request + strings.Repeat("x", 4000)
	n := i * 7 % len(s)
	if n > 0 {
		if _, err := io.WriteString(c, s[:n]); err != nil && !errors.Is(err, net.ErrClosed) {
			return nil // the board has answered and closed
		}
	}
	if i%3 == 0 && n > len(request) { // the content comes back as it is sent
		c.Read(make([]byte, 100))
	}
	return c.(*net.TCPConn).SetLinger(0)
}

func dial(m *qemutest.Machine, port int) (net.Conn, error) {
	c, err := net.DialTimeout("tcp", m.Addr(port), 10*time.Second)
	if err == nil {
		err = c.SetDeadline(time.Now().Add(20 * time.Second))
	}
	return c, err
}
