package small

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/internal/childtest"
)

// TestChange has connections leave HTTP, for a driver and for a handler, and
// looks whether their messages make the program grow.
func TestChange(t *testing.T) {
	s := serve(t, "./change")
	type conn struct {
		net.Conn
		in *bufio.Reader
	}
	open := func(path string) conn {
		t.Helper()
		n, err := net.Dial("tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		n.SetDeadline(time.Now().Add(time.Minute))
		c := conn{n, bufio.NewReader(n)}
		io.WriteString(n, "GET "+path+" HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echoes\r\n\r\nrest")
		r, err := http.ReadResponse(c.in, nil)
		if err != nil || r.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%s: %+v, %v", path, r, err)
		}
		return c
	}
	want := func(c conn, want string) {
		t.Helper()
		if got, err := c.in.ReadString('\n'); err != nil || got != want+"|\n" {
			t.Fatalf("got %q, %v, want %q", got, err, want+"|\n")
		}
	}
	var all []conn
	for _, path := range []string{"/switch", "/hold", "/switch"} {
		c := open(path)
		defer c.Close()
		want(c, "rest")
		all = append(all, c)
	}
	echo := func(n int) {
		t.Helper()
		for range n {
			for _, c := range all {
				io.WriteString(c, "echo")
				want(c, "echo")
			}
		}
	}
	again := func(n int) {
		t.Helper()
		for range n {
			c := open("/switch")
			want(c, "rest")
			c.Close()
		}
	}
	// The smallest allocation for each would be some hundred KB.
	const rounds, most = 5000, 64 << 10
	echo(50)
	again(20)
	before := childtest.Resident(t, s.pid)
	echo(rounds)
	again(500)
	if after := childtest.Resident(t, s.pid); after-before > most {
		t.Errorf("%d messages have made the program grow from %d bytes to %d", rounds, before, after)
	}
}
