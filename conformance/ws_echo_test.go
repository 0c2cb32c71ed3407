package conformance

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// wsPaths are those at which bobtail serve echoes messages as they come.
var wsPaths = []string{"ws", "ws/straight"}

// onPaths runs a test against every path that echoes, with every backend.
func onPaths(t *testing.T, test func(t *testing.T, url string), args ...string) {
	onBackends(t, func(t *testing.T, p *program) {
		for _, path := range wsPaths {
			t.Run(path, func(t *testing.T) { test(t, p.wsURL(path)) })
		}
	}, args...)
}

// echoes are handlers of a server of the tests' own, other than those of
// bobtail serve: how they are made, and whether they get messages whole.
var echoes = []struct {
	name  string
	whole bool
	make  func(d *websocket.Driver, o websocket.Options) bobtail.Handler
}{
	{"whole", true, func(d *websocket.Driver, o websocket.Options) bobtail.Handler {
		return d.Upgrade(o, websocket.Handler{Message: func(c *websocket.Conn, op ws.Opcode, p []byte) error { return c.Send(op, p) }})
	}},
	{"straight", false, func(d *websocket.Driver, o websocket.Options) bobtail.Handler {
		return d.Straight(o, func(c *websocket.Straight) error { return stream(c.Conn) })
	}},
}

// onEchoes runs a test against each of them, with messages of so many bytes at
// most.
func onEchoes(t *testing.T, extension wsconn.Extension, test func(t *testing.T, url string, most int)) {
	for _, e := range echoes {
		most := 1 << 30
		t.Run(e.name, func(t *testing.T) {
			onServers(t, func(t *testing.T, srv *bobtail.Server) {
				d, err := websocket.New(srv, websocket.Config{Extension: extension})
				if err != nil {
					t.Fatal(err)
				}
				if e.whole {
					most = d.MaxWhole()
				}
				handle(t, srv, "GET /ws", e.make(d, websocket.Options{Compress: extension != nil}))
			}, func(t *testing.T, url string) { test(t, "ws"+strings.TrimPrefix(url, "http")+"ws", most) })
		})
	}
}

// stream echoes messages as they come, until the connection ends.
func stream(c *wsconn.Conn) error {
	for {
		op, err := c.Next()
		if err != nil {
			return err
		}
		w, err := c.Begin(op)
		if err != nil {
			return err
		}
		if _, err := c.WriteTo(w); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
}

// clients are ways in which a program echoes with a client of ours, until the
// connection ends.
var clients = map[string]func(c *wsdial.Conn) error{
	"whole": func(c *wsdial.Conn) error {
		for {
			op, p, err := c.Receive()
			if err != nil {
				return err
			}
			if err := c.WriteMessage(op, p); err != nil {
				return err
			}
		}
	},
	"streamed": func(c *wsdial.Conn) error { return stream(c.Conn) },
}

// asServer is a listener whose connections are those of a client of ours that
// echoes.
type asServer struct {
	t *testing.T
	l net.Listener

	// connect has the client connect and echo until the connection ends. What
	// it ended with is then sent to done.
	connect func(wsdial.Config)
	done    chan error
}

func listen(t *testing.T) *asServer {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &asServer{t: t, l: l, done: make(chan error, 1000)}
}

func newServer(t *testing.T, echo func(c *wsdial.Conn) error) *asServer {
	s := listen(t)
	s.connect = func(config wsdial.Config) {
		c, err := wsdial.Dial(context.Background(), "ws://"+s.l.Addr().String()+"/", config)
		if err != nil {
			s.done <- err
			return
		}
		err = echo(c)
		c.Close()
		s.done <- err
	}
	return s
}

// pooledEchoes are the handlers of a connection that a server of ours has
// dialled, and serves as it does those of clients.
var pooledEchoes = map[string]websocket.Handler{
	"whole":  {Message: func(c *websocket.Conn, op ws.Opcode, p []byte) error { return c.Send(op, p) }},
	"pieces": {Data: func(c *websocket.Conn, p ws.Part) error { return c.Piece(p.Op, p.Last, p.Payload) }},
}

// onPooled runs a test with every backend's pool as the client, of messages of
// so many bytes at most.
func onPooled(t *testing.T, extension wsconn.Extension, test func(t *testing.T, s *asServer, most int)) {
	for name, h := range pooledEchoes {
		var d *websocket.Driver
		t.Run(name, func(t *testing.T) {
			onServers(t, func(t *testing.T, srv *bobtail.Server) {
				var err error
				if d, err = websocket.New(srv, websocket.Config{Extension: extension, Rand: rand.Reader}); err != nil {
					t.Fatal(err)
				}
			}, func(t *testing.T, url string) {
				s := listen(t)
				h.Close = func(_ *websocket.Conn, code ws.Code, _ []byte) {
					s.done <- &wsconn.CloseError{Code: code}
				}
				s.connect = func(wsdial.Config) {
					addr, err := transport.ParseAddr(s.l.Addr().String())
					if err == nil {
						err = d.Dial(websocket.Target{Addr: addr, Host: s.l.Addr().String(), Failed: func(_ any, err error) { s.done <- err }},
							websocket.Options{Compress: extension != nil}, h)
					}
					if err != nil {
						s.done <- err
					}
				}
				most := 1 << 30
				if h.Message != nil {
					most = d.MaxWhole()
				}
				test(t, s, most)
			})
		})
	}
}

// dial has the client connect, with a Config and as the server answers.
func (s *asServer) dial(config wsdial.Config, fields func(offers string) []string) *wire {
	s.t.Helper()
	go s.connect(config)
	s.l.(*net.TCPListener).SetDeadline(time.Now().Add(patient))
	c, err := s.l.Accept()
	if err != nil {
		s.t.Fatal(err)
	}
	w, err := accept(c, fields)
	if err != nil {
		s.t.Fatal(err)
	}
	return w
}

// TestServerCases sends every case to the server, in every cut.
func TestServerCases(t *testing.T) {
	onPaths(t, func(t *testing.T, url string) { serverCases(t, url, 1<<20) })
}

// TestEchoCases does so with other handlers.
func TestEchoCases(t *testing.T) {
	onEchoes(t, nil, serverCases)
}

// casesUpTo are the cases for an end whose handler gets messages whole: longer
// ones must be refused.
func casesUpTo(most int) []wsCase {
	all := wsCases()
	for i, c := range all {
		size := 0
		for _, f := range c.send {
			size += len(f.payload)
		}
		if size > most {
			all[i].want = []string{gotClose(1009)}
		}
	}
	return all
}

func serverCases(t *testing.T, url string, most int) {
	for _, c := range casesUpTo(most) {
		for _, cut := range c.cuts() {
			w, err := upgrade(url)
			if err != nil {
				t.Fatal(err)
			}
			w.listen()
			if bad := w.conversation(c.send, cut, c.want); bad != "" {
				t.Errorf("%s, cut %d: %s", c.id, cut, bad)
			}
		}
	}
}

// TestClientCases sends every case to clients, in every cut.
func TestClientCases(t *testing.T) {
	for name, echo := range clients {
		t.Run(name, func(t *testing.T) {
			clientCases(t, newServer(t, echo), 1<<20)
		})
	}
}

// TestPooledCases sends them to clients that are connections of a server's.
func TestPooledCases(t *testing.T) {
	onPooled(t, nil, clientCases)
}

func clientCases(t *testing.T, s *asServer, most int) {
	for _, c := range casesUpTo(most) {
		for _, cut := range c.cuts() {
			w := s.dial(wsdial.Config{}, nil)
			w.listen()
			if bad := w.conversation(c.send, cut, c.want); bad != "" {
				t.Errorf("%s, cut %d: %s", c.id, cut, bad)
			}
			// What the client's program is told is the code that was agreed on.
			err := <-s.done
			var closed *wsconn.CloseError
			if errors.As(err, &closed) && closed.Code != ws.CodeNoStatus && gotClose(int(closed.Code)) != c.want[len(c.want)-1] {
				t.Errorf("%s, cut %d: the client has ended with %v", c.id, cut, err)
			}
		}
	}
}
