package small

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/internal/childtest"
)

// upgrade connects a client for WebSocket.
func upgrade(t *testing.T, address, path string) *client {
	t.Helper()
	c := dial(t, address)
	c.send("GET", path, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n")
	r, err := http.ReadResponse(c.in, nil)
	if err != nil || r.StatusCode != 101 || r.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Fatalf("answer %v, %v", r, err)
	}
	return c
}

// exchange sends bytes, and wants others.
func (c *client) exchange(in, out string) {
	c.t.Helper()
	if _, err := io.WriteString(c.c, in); err != nil {
		c.t.Fatal(err)
	}
	b := make([]byte, len(out))
	if n, err := io.ReadFull(c.in, b); err != nil || string(b) != out {
		c.t.Fatalf("got %q, %v, want %q", b[:n], err, out)
	}
}

// TestSockets talks to a program by WebSocket, and looks whether that makes it
// grow.
func TestSockets(t *testing.T) {
	s := serve(t, "./sockets")
	const zero = "\x00\x00\x00\x00" // a mask that is none
	hello := "\x81\x85" + zero + "Hello"
	long := strings.Repeat("x", 300)
	longIn, longOut := "\x82\xfe\x01\x2c"+zero+long, "\x82\x7e\x01\x2c"+long
	echo, stream := upgrade(t, s.address, "/echo"), upgrade(t, s.address, "/stream")
	var listeners [3]*client
	for i := range listeners {
		listeners[i] = upgrade(t, s.address, "/topic")
	}
	talk := func(n int) {
		t.Helper()
		for range n {
			for _, c := range [...]*client{echo, stream} {
				c.exchange(hello, "\x81\x05Hello")
				c.exchange(longIn+"\x89\x80"+zero, longOut+"\x8a\x00")
			}
			echo.exchange("\x01\x83"+zero+"Hel", "")
			echo.exchange("\x80\x82"+zero+"lo", "\x81\x05Hello")
			listeners[0].exchange(hello, "\x81\x05Hello")
			listeners[1].exchange("", "\x81\x05Hello")
			listeners[2].exchange("", "\x81\x05Hello")
		}
	}
	comeAndGo := func(n int) {
		t.Helper()
		for range n {
			c := upgrade(t, s.address, "/topic")
			c.exchange("\x88\x82"+zero+"\x03\xe8", "\x88\x02\x03\xe8")
			c.c.Close()
		}
	}
	// The smallest allocation for each would be some hundred KB.
	const rounds, most = 2000, 32 << 10
	talk(50)
	comeAndGo(50)
	before := childtest.Resident(t, s.pid)
	talk(rounds)
	comeAndGo(1000)
	if after := childtest.Resident(t, s.pid); after-before > most {
		t.Errorf("%d messages have made the program grow from %d bytes to %d", 9*rounds, before, after)
	}
}

// TestSocketsAllocations wants every allocation of the driver to be in what runs
// before the first client comes, or once for a connection that is lost.
func TestSocketsAllocations(t *testing.T) {
	found := allocations(t, "./sockets", func(pkg, _ string) ([]string, bool) {
		return []string{"New", "init", "newRoute", "Upgrade", "NewTopic", "equip", "getLocked", "put"}, pkg == "websocket" || pkg == "ws"
	})
	if found == 0 {
		t.Error("TinyGo names no allocation in them: the test sees nothing")
	}
}
