package main

import (
	"context"
	"io"
	"iter"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/host/coapdial"
	"github.com/bobtail-go/bobtail/host/wsdial"
)

// TestSensor has one set the reading by each protocol in turn, while others look
// by all of them.
func TestSensor(t *testing.T) {
	s := &sensor{tenths: 200}
	srv, err := bobtail.New(bobtail.Config{Sockets: 32})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	udp, err := s.serve(srv)
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	web, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := srv.Listen("coap+tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go udp.Serve(socket.(*net.UDPConn))
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	page := "http://" + web.String()
	overTCP := dial(t, ctx, "coap+tcp://"+tcp.String()+"/temperature")
	overUDP := dial(t, ctx, "coap://"+socket.LocalAddr().String()+"/temperature")

	// Three look: two observe, and one has a WebSocket.
	look, err := wsdial.Dial(ctx, "ws://"+web.String()+"/live", wsdial.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer look.CloseNow()
	nextTCP, stopTCP := iter.Pull2(overTCP.Observe(ctx, coapdial.Request{}))
	defer stopTCP()
	nextUDP, stopUDP := iter.Pull2(overUDP.Observe(ctx, coapdial.Request{}))
	defer stopUDP()
	sees := func(want string) {
		t.Helper()
		if _, p, err := look.Receive(); err != nil || string(p) != want {
			t.Errorf("the WebSocket has %q, %v, want %s", p, err, want)
		}
		for name, next := range map[string]func() (*coapdial.Response, error, bool){"TCP": nextTCP, "UDP": nextUDP} {
			if r, err, ok := next(); !ok || err != nil || string(r.Body) != want {
				t.Errorf("over %s, %+v, %v, %v is observed, want %s", name, r, err, ok, want)
			}
		}
		resp, err := http.Get(page + "/temperature")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if b, err := io.ReadAll(resp.Body); err != nil || string(b) != want {
			t.Errorf("HTTP has %q, %v, want %s", b, err, want)
		}
	}
	sees("20.0")

	put := func(text string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, "PUT", page+"/temperature", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	write := func(c *coapdial.Client, text string) coap.Code {
		t.Helper()
		r, err := c.Do(ctx, coapdial.Request{Method: coap.CodePUT, Body: strings.NewReader(text)})
		if err != nil {
			t.Fatal(err)
		}
		return r.Code
	}
	if code := put("-7.5"); code != 204 {
		t.Errorf("PUT answers %d", code)
	}
	sees("-7.5")
	if code := write(overTCP, "31"); code != coap.CodeChanged {
		t.Errorf("PUT over TCP answers %v", code)
	}
	sees("31.0")
	if code := write(overUDP, "125.0"); code != coap.CodeChanged {
		t.Errorf("PUT over UDP answers %v", code)
	}
	sees("125.0")
	for _, nonsense := range []string{"", "x", "1.23", "125.1", "-40.1", "1e1", "1000", ".5", "--1"} {
		if code := put(nonsense); code != 400 {
			t.Errorf("PUT of %q answers %d", nonsense, code)
		}
		if code := write(overTCP, nonsense); code != coap.CodeBadRequest {
			t.Errorf("PUT of %q over TCP answers %v", nonsense, code)
		}
	}
	s.set(200)
	sees("20.0")

	resp, err := http.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(b), "<title>Sensor</title>") {
		t.Errorf("the page is %q, %v", b, err)
	}
	links, err := overTCP.Do(ctx, coapdial.Request{Path: "/.well-known/core?rt=temperature"})
	if err != nil || !strings.HasPrefix(string(links.Body), "</temperature>;") || !strings.Contains(string(links.Body), ";obs") {
		t.Errorf("the links are %+v, %v", links, err)
	}
}

func dial(t *testing.T, ctx context.Context, uri string) *coapdial.Client {
	t.Helper()
	c, err := coapdial.Dial(ctx, uri, coapdial.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestText(t *testing.T) {
	for _, v := range []struct {
		text   string
		tenths int
	}{{"0", 0}, {"0.5", 5}, {"-0.5", -5}, {" 9.9\n", 99}, {"99.9", 999}, {"100", 1000}, {"-40", -400}} {
		n, ok := parseTenths([]byte(v.text))
		if !ok || n != v.tenths {
			t.Errorf("%q is %d, %v, want %d", v.text, n, ok, v.tenths)
		}
	}
	for n := lowest; n <= highest; n++ {
		text := appendTenths(nil, n)
		if got, ok := parseTenths(text); !ok || got != n || len(text) > longest {
			t.Fatalf("%d is written %q, which reads as %d, %v", n, text, got, ok)
		}
	}
}
