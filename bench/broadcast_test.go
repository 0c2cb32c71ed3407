package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// TestFloorBroadcasts wants a message at all but who has sent it.
func TestFloorBroadcasts(t *testing.T) {
	port := startFloor(t, "-w", "-b")
	var all []*net.TCPConn
	for range 5 {
		c := dial(t, port)
		io.WriteString(c, upgradeRequest)
		receives(t, c, upgradeAnswer)
		all = append(all, c)
	}
	long := strings.Repeat("0123456789", 13)
	for i := range 3 {
		io.WriteString(all[i], frame(0x82, "one")+frame(0x81, long))
		for j, c := range all {
			if j != i {
				receives(t, c, echoOf(0x82, "one")+echoOf(0x81, long))
			}
		}
	}
	all[4].Close()
	io.WriteString(all[0], frame(0x82, "two"))
	for _, c := range all[1:4] {
		receives(t, c, echoOf(0x82, "two"))
	}
}

// TestLoadIsStrictAboutBroadcasts has a server do with each message what the case
// says: to get it to one listener more than once, not, or in another form.
func TestLoadIsStrictAboutBroadcasts(t *testing.T) {
	load := compiled(t, "load")
	for _, tt := range []struct {
		name   string
		frames func(listener, message int, payload string) string
		want   string // of the complaint; empty if there is to be none
	}{
		{"good", func(_, _ int, s string) string { return echoOf(0x82, s) }, ""},
		{"a ping before it", func(_, _ int, s string) string { return echoOf(0x89, "squid") + echoOf(0x89, "") + echoOf(0x82, s) }, ""},
		{"the first is early", func(l, m int, s string) string {
			if l == 1 && m == 1 {
				return ""
			}
			return echoOf(0x82, s)
		}, ""},
		{"twice", func(_, m int, s string) string { return strings.Repeat(echoOf(0x82, s), min(m, 2)) }, "twice"},
		{"one listener not at all", func(l, _ int, s string) string {
			if l == 2 {
				return ""
			}
			return echoOf(0x82, s)
		}, "do not get"},
		{"one listener not any more", func(l, m int, s string) string {
			if l == 2 && m > 4 {
				return ""
			}
			return echoOf(0x82, s)
		}, "do not get"},
		{"another text", func(_, _ int, s string) string { return echoOf(0x82, strings.Replace(s, "squid", "Squid", 1)) }, "not the message"},
		{"as text", func(_, _ int, s string) string { return echoOf(0x81, s) }, "not the message"},
		{"longer", func(_, _ int, s string) string { return echoOf(0x82, s+"x") }, "not the message"},
		{"the last again", func(_, m int, s string) string {
			if m > 4 {
				s = "0000004" + s[7:]
			}
			return echoOf(0x82, s)
		}, "another than the next"},
		{"a close frame", func(_, _ int, _ string) string { return "\x88\x00" }, "not the message"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			port := strconv.Itoa(broadcastingBy(t, tt.frames))
			limit := "30"
			if tt.want == "do not get" {
				limit = "3" // it is waited for
			}
			err := talk(t, load, "-p", port, "-l", "3", "-u", listenPath, "-B", publishPath, "-m", "64", "-w", "2", "-n", "5", "-T", limit)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v, want a complaint with %q", err, tt.want)
			}
		})
	}
}

// broadcastingBy is the port of a server that sends each listener what a function
// makes of a message; listeners and messages are counted from 1.
func broadcastingBy(t *testing.T, frames func(listener, message int, payload string) string) int {
	t.Helper()
	var mu sync.Mutex
	var listeners []net.Conn
	publish := func(r io.Reader) {
		for m := 1; ; m++ {
			b := make([]byte, 2+4+64)
			if _, err := io.ReadFull(r, b); err != nil {
				return
			}
			for i := range b[6:] {
				b[6+i] ^= b[2+i%4]
			}
			mu.Lock()
			for i, c := range listeners {
				io.WriteString(c, frames(i+1, m, string(b[6:])))
			}
			mu.Unlock()
		}
	}
	return accepting(t, func(_ int, c net.Conn) {
		r := bufio.NewReader(c)
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if req.URL.Path == publishPath {
			io.WriteString(c, upgradeAnswer)
			publish(r)
			return
		}
		mu.Lock()
		io.WriteString(c, upgradeAnswer)
		listeners = append(listeners, c)
		mu.Unlock()
		io.Copy(io.Discard, r)
	})
}
