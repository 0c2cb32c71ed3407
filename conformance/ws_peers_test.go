package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/ws/deflate"
	"github.com/bobtail-go/bobtail/wsconn"
)

// lengths are those of the messages that are exchanged.
var lengths = []int{0, 1, 125, 126, 127, 4096, 65535, 65536, 1 << 20}

// content is a message of a length: a text, or one that is none.
func content(n int, binary bool) string {
	s := samples[3]
	if binary {
		s = samples[1]
	}
	return strings.Repeat(s, n/len(s)+1)[:n]
}

// converse does with a client of another package what clients do. Messages have
// so many bytes at most.
func converse(o other, most int) error {
	echoed := func(binary bool, want string) error {
		if b, got, err := o.receive(); err != nil || got != want || b != binary {
			return fmt.Errorf("a message of %d bytes, binary %v, comes back as one of %d, binary %v: %w", len(want), binary, len(got), b, err)
		}
		return nil
	}
	for _, n := range lengths {
		for _, binary := range []bool{false, true} {
			s := content(min(n, most), binary)
			if err := o.send(binary, s); err != nil {
				return err
			}
			if err := echoed(binary, s); err != nil {
				return err
			}
			// What was said before is said again: with context takeover it is not
			// sent again.
			if err := o.send(binary, s[:len(s)/2], s[len(s)/2:len(s)/3*2], "", s[len(s)/3*2:]); err != nil {
				return err
			}
			if err := echoed(binary, s); err != nil {
				return err
			}
		}
	}
	// Many are sent before the first is read.
	for i := range 20 {
		if err := o.send(false, content(100*i, false)); err != nil {
			return err
		}
	}
	for i := range 20 {
		if err := echoed(false, content(100*i, false)); err != nil {
			return err
		}
	}
	if err := o.ping("are you there"); err != nil {
		return err
	}
	if _, coder := o.(*coderConn); !coder {
		if err := o.send(false, "behind a ping"); err != nil {
			return err
		}
		if err := echoed(false, "behind a ping"); err != nil {
			return err
		}
	}
	if !o.pong("are you there") {
		return errors.New("no pong")
	}
	if _, coder := o.(*coderConn); coder {
		return nil // its connection ended with the read for the pong
	}
	if code, err := o.close(4001, "squid"); code != 4001 || err != nil {
		return fmt.Errorf("close 4001 is answered with %d, %w", code, err)
	}
	return nil
}

// TestOtherClients has clients of other packages talk to the server, with
// compression and without.
func TestOtherClients(t *testing.T) {
	onPaths(t, func(t *testing.T, url string) { otherClients(t, url, 1<<20) })
}

// TestEchoOtherClients does so with other handlers, and with context takeover.
func TestEchoOtherClients(t *testing.T) {
	e, err := deflate.New(deflate.Config{ServerTakeover: true, ClientTakeover: true, Contexts: 100})
	if err != nil {
		t.Fatal(err)
	}
	onEchoes(t, e, func(t *testing.T, url string, most int) { otherClients(t, url, most) })
}

func otherClients(t *testing.T, url string, most int) {
	for name, dial := range others {
		for _, compress := range []bool{false, true} {
			o, extensions, err := dial(url, compress)
			if err != nil {
				t.Errorf("%s, compression %v: %v", name, compress, err)
				continue
			}
			if agreed := strings.HasPrefix(extensions, "permessage-deflate"); agreed != compress {
				t.Errorf("%s, compression %v: %q was agreed on", name, compress, extensions)
			}
			if err := converse(o, most); err != nil {
				t.Errorf("%s, compression %v, %q: %v", name, compress, extensions, err)
			}
		}
	}
}

// TestCloses has each client close, with codes and reasons of all kinds.
func TestCloses(t *testing.T) {
	onPaths(t, func(t *testing.T, url string) {
		for name, dial := range others {
			for _, c := range []struct {
				code   int
				reason string
			}{{1000, ""}, {1001, "going"}, {3000, strings.Repeat("x", 123)}, {4999, "ё"}} {
				o, _, err := dial(url, false)
				if err != nil {
					t.Fatal(err)
				}
				if code, err := o.close(c.code, c.reason); code != c.code || err != nil {
					t.Errorf("%s: close %d %q is answered with %d, %v", name, c.code, c.reason, code, err)
				}
			}
		}
	})
}

// TestOtherServers has our client talk to servers of other packages, with
// compression and without, with context takeover and without.
func TestOtherServers(t *testing.T) {
	for name, handler := range otherServers {
		for way, config := range map[string]*deflate.Config{
			"plain":    nil,
			"alone":    {},
			"takeover": {ServerTakeover: true, ClientTakeover: true, Contexts: 10},
		} {
			t.Run(name+"/"+way, func(t *testing.T) {
				srv := httptest.NewServer(handler(config != nil))
				defer srv.Close()
				var e wsconn.Extension
				if config != nil {
					var err error
					if e, err = deflate.New(*config); err != nil {
						t.Fatal(err)
					}
				}
				var pongs []string
				c, err := wsdial.Dial(context.Background(), "ws"+strings.TrimPrefix(srv.URL, "http"), wsdial.Config{
					Extension: e, Pong: func(p []byte) { pongs = append(pongs, string(p)) },
				})
				if err != nil {
					t.Fatal(err)
				}
				defer c.CloseNow()
				if agreed := c.Params() != 0; agreed != (config != nil) {
					t.Errorf("agreed on %q", c.Header().Get("Sec-WebSocket-Extensions"))
				}
				if err := ours(c); err != nil {
					t.Error(err)
				}
				if len(pongs) != 1 || pongs[0] != "are you there" {
					t.Errorf("pongs %q", pongs)
				}
				if err := c.CloseWith(4001, "squid"); err != nil {
					t.Errorf("close: %v", err)
				}
			})
		}
	}
}

// ours does with our client what clients do.
func ours(c *wsdial.Conn) error {
	echoed := func(op ws.Opcode, want string) error {
		if got, p, err := c.Receive(); err != nil || string(p) != want || got != op {
			return fmt.Errorf("a message of %d bytes, %v, comes back as one of %d, %v: %w", len(want), op, len(p), got, err)
		}
		return nil
	}
	for _, n := range lengths {
		for _, op := range []ws.Opcode{ws.OpText, ws.OpBinary} {
			s := content(n, op == ws.OpBinary)
			if err := c.WriteMessage(op, []byte(s)); err != nil {
				return err
			}
			if err := echoed(op, s); err != nil {
				return err
			}
			w, err := c.Begin(op)
			if err != nil {
				return err
			}
			for _, p := range []string{s[:len(s)/2], s[len(s)/2 : len(s)/3*2], "", s[len(s)/3*2:]} {
				if _, err := w.Write([]byte(p)); err != nil {
					return err
				}
			}
			if err := w.Close(); err != nil {
				return err
			}
			if err := echoed(op, s); err != nil {
				return err
			}
		}
	}
	if err := c.Ping([]byte("are you there")); err != nil {
		return err
	}
	for i := range 20 {
		if err := c.WriteMessage(ws.OpText, []byte(content(100*i, false))); err != nil {
			return err
		}
	}
	for i := range 20 {
		if err := echoed(ws.OpText, content(100*i, false)); err != nil {
			return err
		}
	}
	return nil
}
