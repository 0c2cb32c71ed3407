//go:build linux && (amd64 || arm64)

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/firmware/site/sitetest"
	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/internal/childtest"
	"github.com/bobtail-go/bobtail/internal/tinygotest"
	"github.com/bobtail-go/bobtail/ws"
)

// TestSmall builds the program with TinyGo, has every allocation that the
// compiler leaves in package site in a function that runs before the first
// client comes, and drives the program. Its heap only grows, and must not.
func TestSmall(t *testing.T) {
	program, out := tinygotest.Build(t, ".", "-opt=z", "-print-allocs=.")
	allocations(t, out)

	p := tinygotest.Run(t, program)
	at := [2]string{p.Line(), p.Line()}
	sitetest.Run(t, sitetest.Device{HTTP: at[0], CoAP: at[1], Sockets: 5})

	// A page is open all the time, and told 20 times a second.
	look, err := wsdial.Dial(t.Context(), "ws://"+at[0]+"/ws/live", wsdial.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer look.CloseNow()
	look.SetDeadline(time.Now().Add(time.Minute))
	ask(t, at[0], look, 10)
	before := childtest.Resident(t, p.Pid)
	const rounds, most = 1000, 64 << 10
	ask(t, at[0], look, rounds)
	// The least allocation in each of a round's requests would be 16 bytes.
	after := childtest.Resident(t, p.Pid)
	if after-before > most {
		t.Errorf("%d rounds of all requests have made the program grow from %d bytes to %d", rounds, before, after)
	}
	t.Logf("resident: %d bytes", after)
}

// ask sends each kind of request n times, and has the LED switched.
func ask(t *testing.T, address string, look *wsdial.Conn, n int) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	var all bytes.Buffer
	for _, path := range []string{"", "plaintext", "json", "stats", "led"} {
		fmt.Fprintf(&all, "GET /%s HTTP/1.1\r\nHost: a\r\n\r\n", path)
	}
	all.WriteString("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
	all.WriteString("PUT /led HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\non")
	all.WriteString("PUT /led HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\noff")
	in := bufio.NewReader(c)
	for range n {
		if _, err := c.Write(all.Bytes()); err != nil {
			t.Fatal(err)
		}
		for range 8 {
			r, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, r.Body); err != nil || r.StatusCode >= 300 {
				t.Fatal(r.Status, err)
			}
		}
		if op, p, err := look.Receive(); err != nil || op != ws.OpText || len(p) == 0 {
			t.Fatal(op, err)
		}
	}
}

// allocations looks at what TinyGo prints of those in package site.
func allocations(t *testing.T, out string) {
	t.Helper()
	found := 0
	for a := range tinygotest.Allocations(out) {
		if filepath.Base(filepath.Dir(a.File)) != "site" {
			continue
		}
		found++
		if in, text := a.Enclosing(t); !slices.Contains([]string{"New", "AddWebSocket", "AddCoAP", "Small", "Resources"}, in) {
			t.Errorf("%s:%d: %s allocates: %s", filepath.Base(a.File), a.Line, in, text)
		}
	}
	if found == 0 {
		t.Error("TinyGo names no allocation in the package: the test sees nothing")
	}
}
