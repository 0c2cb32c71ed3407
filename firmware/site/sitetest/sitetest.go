// Package sitetest drives a device that serves a site.Site, as clients do, and
// looks at what it answers: a desktop program, the firmware in an emulator, or
// a board on the table.
package sitetest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/host/coapdial"
	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/ws"
)

// Device is what is driven.
type Device struct {
	// HTTP and CoAP are where it listens, as HOST:PORT.
	HTTP, CoAP string

	// Connect opens a connection to one of them. If it is nil, package net does.
	Connect func(ctx context.Context, network, address string) (net.Conn, error)

	// Sockets is how many connections the device has.
	Sockets int

	// Tick, if it is not nil, lets a second pass on a device that waits for it.
	// It may be called from several goroutines.
	Tick func()

	// Patience is how long a test waits for what must come; 0 is 20 s.
	Patience time.Duration
}

// Run runs all tests, one after the other: a device has few sockets. Afterwards
// it has connections left only to those who are about to close them.
func Run(t *testing.T, d Device) {
	if d.Connect == nil {
		d.Connect = new(net.Dialer).DialContext
	}
	if d.Patience == 0 {
		d.Patience = 20 * time.Second
	}
	for _, test := range []struct {
		name string
		run  func(t *testing.T, d *Device)
	}{
		{"answers", answers},
		{"keep-alive", keepAlive},
		{"echo", echo},
		{"stats", stats},
		{"messages", messages},
		{"coap", overCoAP},
		{"led", led},
		{"idle browsers", idle},
		{"slow senders", slow},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, &d) })
	}
}

// Context is a context that ends with the device's patience.
func (d *Device) context(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d.Patience)
	t.Cleanup(cancel)
	return ctx
}

// Client is a client of HTTP with connections of its own, which it closes at
// the end of the test.
func (d *Device) client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{DialContext: d.Connect, MaxConnsPerHost: 1, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: d.Patience}
}

func (d *Device) url(path string) string { return "http://" + d.HTTP + path }

// do sends a request and returns the answer with its content.
func (d *Device) do(t *testing.T, c *http.Client, method, path string, content io.Reader) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, d.url(path), content)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %d bytes and %v", method, path, len(b), err)
	}
	return resp, string(b)
}

func (d *Device) want(t *testing.T, c *http.Client, method, path, content string, status int, body string) {
	t.Helper()
	resp, b := d.do(t, c, method, path, strings.NewReader(content))
	if resp.StatusCode != status || !strings.Contains(b, body) {
		t.Errorf("%s %s is answered %d %.200q, want %d %q", method, path, resp.StatusCode, b, status, body)
	}
}

func (d *Device) webSocket(t *testing.T, path string) *wsdial.Conn {
	t.Helper()
	c, err := wsdial.Dial(d.context(t), "ws://"+d.HTTP+path, wsdial.Config{Connect: d.Connect})
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(d.Patience))
	return c
}

func (d *Device) coap(t *testing.T) *coapdial.Client {
	t.Helper()
	c, err := coapdial.Dial(d.context(t), "coap+tcp://"+d.CoAP, coapdial.Config{Connect: d.Connect})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func answers(t *testing.T, d *Device) {
	c := d.client(t)
	d.want(t, c, "GET", "/plaintext", "", 200, "Hello, World!")
	d.want(t, c, "GET", "/json", "", 200, `{"message":"Hello, World!"}`)
	d.want(t, c, "GET", "/nothing", "", 404, "Not Found")
	d.want(t, c, "POST", "/plaintext", "", 405, "")
	d.want(t, c, "GET", "/ws", "", 426, "")
	resp, page := d.do(t, c, "GET", "/", nil)
	if !strings.HasPrefix(page, "<!DOCTYPE html>") || !strings.HasSuffix(page, "</script>\n") ||
		resp.Header.Get("Content-Type") != "text/html; charset=utf-8" || resp.ContentLength != int64(len(page)) {
		t.Errorf("the page is %v %q", resp.Header, page)
	}
	resp, none := d.do(t, c, "HEAD", "/", nil)
	if resp.ContentLength != int64(len(page)) || none != "" {
		t.Errorf("HEAD is answered %v %q", resp.Header, none)
	}
}

// keepAlive has one connection serve many requests.
func keepAlive(t *testing.T, d *Device) {
	dials := 0
	one := *d
	one.Connect = func(ctx context.Context, network, address string) (net.Conn, error) {
		dials++
		return d.Connect(ctx, network, address)
	}
	c := one.client(t)
	for range 50 {
		one.want(t, c, "GET", "/plaintext", "", 200, "Hello, World!")
	}
	if dials != 1 {
		t.Errorf("50 requests took %d connections", dials)
	}
}

// sizes are of content, from none to more than a small device has.
var sizes = []int{0, 1, 125, 126, 1000, 4097, 70_000}

func text(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(i%26) ^ byte(i>>10)&1
	}
	return b
}

func echo(t *testing.T, d *Device) {
	c := d.client(t)
	for _, n := range sizes {
		for name, content := range map[string]io.Reader{
			"with a length": bytes.NewReader(text(n)),
			"in chunks":     struct{ io.Reader }{bytes.NewReader(text(n))},
		} {
			if resp, b := d.do(t, c, "POST", "/echo", content); resp.StatusCode != 200 || b != string(text(n)) {
				t.Errorf("%d bytes %s come back as %d, %d bytes", n, name, resp.StatusCode, len(b))
			}
		}
	}
}

func stats(t *testing.T, d *Device) {
	_, b := d.do(t, d.client(t), "GET", "/stats", nil)
	var v struct {
		Board          string
		LED            string
		Seconds        *int
		Memory         int
		Sockets        struct{ All, Open, Parked int }
		Workers        struct{ All, Busy int }
		Requests       *int
		Received, Sent int
		Connections    struct{ Accepted int }
	}
	if err := json.Unmarshal([]byte(b), &v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	if v.Board == "" || v.Seconds == nil || v.Requests == nil || v.LED == "" || v.Memory == 0 || v.Sockets.All < d.Sockets || v.Sockets.Open < 1 ||
		v.Workers.All < 1 || v.Workers.Busy < 1 || v.Received == 0 || v.Connections.Accepted == 0 {
		t.Errorf("the statistics are %s", b)
	}
}

func messages(t *testing.T, d *Device) {
	c := d.webSocket(t, "/ws")
	for _, n := range sizes {
		sent := make(chan error, 1)
		go func() { sent <- c.WriteMessage(ws.OpBinary, text(n)) }()
		op, got, err := c.Receive()
		if err != nil || op != ws.OpBinary || !bytes.Equal(got, text(n)) {
			t.Fatalf("%d bytes come back as %v, %d bytes, %v", n, op, len(got), err)
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func overCoAP(t *testing.T, d *Device) {
	c, ctx := d.coap(t), d.context(t)
	get := func(path, want string) {
		t.Helper()
		if r, err := c.Get(ctx, path); err != nil || r.Code != coap.CodeContent || !strings.Contains(string(r.Body), want) {
			t.Errorf("GET %s is answered %+v, %v, want %s", path, r, err, want)
		}
	}
	get("/hello", "Hello, World!")
	get("/.well-known/core", "</time>;")
	if r, err := c.Get(ctx, "/nothing"); err != nil || r.Code != coap.CodeNotFound {
		t.Errorf("GET /nothing is answered %+v, %v", r, err)
	}
	var seen []string
	for r, err := range c.Observe(ctx, coapdial.Request{Path: "/time"}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen = append(seen, string(r.Body)); len(seen) == 3 {
			break
		}
		if d.Tick != nil {
			d.Tick()
		}
	}
	if seen[0] == seen[1] || seen[1] == seen[2] {
		t.Errorf("the seconds are %q", seen)
	}
}

// State is what /ws/live tells.
type State struct {
	Board          string
	Seconds        int
	LED            string
	Heap           []int // bytes taken, and bytes there are
	Open, Served   int
	Received, Sent int
	Sockets        string // a letter for each
	Workers        string
}

// led has it switched by each protocol, while others look by all of them.
func led(t *testing.T, d *Device) {
	live, observer, ctx := d.webSocket(t, "/ws/live"), d.coap(t), d.context(t)
	c := d.client(t)
	setLED := func(to string) { d.want(t, c, "PUT", "/led", to, 204, "") }
	setLED("off")
	observed := make(chan string, 8)
	go func() {
		defer close(observed)
		for r, err := range observer.Observe(ctx, coapdial.Request{Path: "/led"}) {
			if err != nil {
				return
			}
			observed <- string(r.Body)
		}
	}()
	sees := func(want string) {
		t.Helper()
		d.want(t, c, "GET", "/led", "", 200, want)
		select {
		case got := <-observed:
			if got != want {
				t.Errorf("%s is observed, want %s", got, want)
			}
		case <-ctx.Done():
			t.Errorf("nothing is observed, want %s", want)
		}
		for {
			_, p, err := live.Receive()
			if err != nil {
				t.Fatalf("the WebSocket tells of %v, want %s", err, want)
			}
			var s State
			if err := json.Unmarshal(p, &s); err != nil {
				t.Fatalf("%v in %s", err, p)
			}
			if s.LED == want {
				if s.Board == "" || s.Open < 1 || len(s.Sockets) < d.Sockets || !strings.ContainsAny(s.Sockets, "wr") {
					t.Errorf("told %s", p)
				}
				break
			}
		}
	}
	sees("off")
	setLED("on")
	sees("on")
	if err := live.WriteText("off"); err != nil {
		t.Fatal(err)
	}
	if got := <-observed; got != "off" { // HTTP would be too early without it
		t.Errorf("%s is observed, want off", got)
	}
	d.want(t, c, "GET", "/led", "", 200, "off")
	r, err := observer.Do(ctx, coapdial.Request{Method: coap.CodePUT, Path: "/led", Body: strings.NewReader("on")})
	if err != nil || r.Code != coap.CodeChanged {
		t.Fatalf("PUT by CoAP is answered %+v, %v", r, err)
	}
	sees("on")
	for _, nonsense := range []string{"", "o", "ON", "onn", "1"} {
		d.want(t, c, "PUT", "/led", nonsense, 400, "Want on or off.")
		if r, err := observer.Do(ctx, coapdial.Request{Method: coap.CodePUT, Path: "/led", Body: strings.NewReader(nonsense)}); err != nil || r.Code != coap.CodeBadRequest {
			t.Errorf("PUT of %q by CoAP is answered %+v, %v", nonsense, r, err)
		}
	}
	d.want(t, c, "PUT", "/led", "longer than it may be", 413, "")
	setLED("off\n")
	sees("off")
}

// idle has browsers keep all sockets, and another client served all the same.
func idle(t *testing.T, d *Device) {
	for range d.Sockets {
		d.want(t, d.client(t), "GET", "/plaintext", "", 200, "Hello, World!")
	}
	d.want(t, d.client(t), "GET", "/plaintext", "", 200, "Hello, World!")
}

// slow has all sockets but one sent half a request, and others served.
func slow(t *testing.T, d *Device) {
	for i := range d.Sockets - 1 {
		c, err := d.Connect(d.context(t), "tcp", d.HTTP)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		half := "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345"
		if i%2 == 0 {
			half = "GET /plaintext HTTP/1.1\r\nHost:"
		}
		if _, err := io.WriteString(c, half); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		d.want(t, d.client(t), "GET", "/plaintext", "", 200, "Hello, World!")
	}
}
