package coaptcp_test

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/internal/leaktest"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// A world is what a test needs around it: a server with a driver, and what that
// serves.
type world struct {
	cfg  bobtail.Config
	coap coaptcp.Config
	mem  memory.Config
	site func(f *fixture, r *resource.Router)
}

// run runs the body in a world, once for each backend.
func run(t *testing.T, x world, body func(t *testing.T, f *fixture)) {
	t.Helper()
	servertest.Each(t, x.with(body))
}

// runVirtual is run on memory alone, for tests of what takes time.
func runVirtual(t *testing.T, x world, body func(t *testing.T, f *fixture)) {
	t.Helper()
	servertest.Virtual(t, x.with(body))
}

// runMemory is runVirtual on the network of the world.
func runMemory(t *testing.T, x world, body func(t *testing.T, f *fixture)) {
	t.Helper()
	servertest.Kind{Memory: x.mem}.Run(t, x.with(body))
}

// with is a test that has the body run in the world.
func (x world) with(body func(t *testing.T, f *fixture)) func(*testing.T, servertest.Kind) {
	return func(t *testing.T, k servertest.Kind) {
		f := newFixture(t, k, x)
		defer f.end()
		body(t, f)
	}
}

// fixture is a server with a driver, and the network around it.
type fixture struct {
	*servertest.Fixture
	coap   *coaptcp.Driver
	router *resource.Router
	later  tickets
	topic  *resource.Topic
	calls  atomic.Int32
	hold   chan bool
	peers  chan pool.Handle
}

func newFixture(t testing.TB, k servertest.Kind, x world) *fixture {
	t.Helper()
	f := &fixture{Fixture: servertest.New(t, k, x.cfg), router: new(resource.Router)}
	if x.site != nil {
		x.site(f, f.router)
	}
	if x.coap.Resources == nil {
		x.coap.Resources = f.router
	}
	var err error
	if f.coap, err = coaptcp.New(f.Server, x.coap); err != nil {
		t.Fatal(err)
	}
	f.Listen("coap+tcp://127.0.0.1:0")
	return f
}

// end wants nothing to be left.
func (f *fixture) end() {
	f.End(func() {
		// A handler that the server has left alone ends by itself.
		f.Await("the end of all connections", func() bool { return f.coap.Stats().Open == 0 })
		if n := f.coap.Stats().Waiting; n != 0 {
			f.T.Errorf("%d requests of our own left", n)
		}
		if s := f.router.Stats(); s.Observations != 0 || s.Tickets != 0 || s.Transfers != 0 {
			f.T.Errorf("the router keeps something: %+v", s)
		}
		f.Await("all output blocks to be free", func() bool {
			blocks, nodes := f.Server.Engine().Pool().Outputs.Count()
			return f.Server.Engine().Pool().Outputs.Reserve(min(blocks, nodes), 0)
		})
		if n := f.Server.Engine().Pool().Stash.Used(); n != 0 {
			f.T.Errorf("%d stash blocks left", n)
		}
	})
}

// client is a client that speaks in bytes.
type client struct {
	*servertest.Client
	f *fixture
}

// connect connects a client.
func (f *fixture) connect() *client {
	f.T.Helper()
	return &client{f.Connect(), f}
}

// wantEnd wants the end of the connection.
func (c *client) wantEnd() {
	c.f.T.Helper()
	b, err := io.ReadAll(c.In)
	if err != nil || len(b) != 0 {
		c.f.T.Fatalf("got %s and error %v, want the end", servertest.Brief(b), err)
	}
}

// wantSilence wants the server to say nothing now, on memory.
func (c *client) wantSilence() {
	c.f.T.Helper()
	if c.Silent() {
		return
	}
	m, err := c.tryNext()
	c.f.T.Fatalf("got %s, %v, want nothing yet", show(m), err)
}

// dial connects a client, and reads the server's CSM.
func (f *fixture) dial() *client {
	f.T.Helper()
	c := f.connect()
	if m := c.next(); m.Code != coap.CodeCSM {
		f.T.Fatalf("the first message is %s", show(m))
	}
	return c
}

// next reads a message of the server's.
func (c *client) next() coap.Message {
	c.f.T.Helper()
	m, err := c.tryNext()
	if err != nil {
		c.f.T.Fatalf("no message: %v\nstats %+v", err, c.f.Server.Stats())
	}
	return m
}

func (c *client) tryNext() (m coap.Message, err error) {
	var b []byte
	for {
		m, n, err := coap.ParseTCP(b)
		if n > 0 || err != nil {
			return m, err
		}
		k, err := c.In.ReadByte()
		if err != nil {
			return m, err
		}
		b = append(b, k)
	}
}

// wantMessage wants a message of a code next, with a token and a payload.
func (c *client) wantMessage(code coap.Code, token, payload string) coap.Message {
	c.f.T.Helper()
	m := c.next()
	if m.Code != code || string(m.Token) != token || string(m.Payload) != payload {
		c.f.T.Fatalf("got %s, want %s token %q payload %s", show(m), code, token, servertest.Brief([]byte(payload)))
	}
	return m
}

// wantAbort wants an Abort next, with some words in its diagnostic, and then the
// end.
func (c *client) wantAbort(words string) coap.Message {
	c.f.T.Helper()
	m := c.next()
	if m.Code != coap.CodeAbort || !strings.Contains(string(m.Payload), words) {
		c.f.T.Fatalf("got %s, want an Abort that says %q", show(m), words)
	}
	c.wantEnd()
	return m
}

func show(m coap.Message) string {
	return fmt.Sprintf("%s token %q options %x payload %s", m.Code, m.Token, []byte(m.Options), servertest.Brief(m.Payload))
}

// message is a message as it is on the wire. What is behind the token are options
// by number, in order, and then the payload.
func message(code coap.Code, token string, parts ...any) string {
	var o []byte
	prev := coap.Option(0)
	m := coap.Message{Code: code, Token: []byte(token)}
	for i := 0; i < len(parts); i++ {
		n, ok := parts[i].(coap.Option)
		if !ok {
			m.Payload = []byte(parts[i].(string))
			break
		}
		i++
		switch v := parts[i].(type) {
		case string:
			o = coap.AppendOption(o, prev, n, []byte(v))
		case int:
			o = coap.AppendUintOption(o, prev, n, uint64(v))
		}
		prev = n
	}
	m.Options = o
	return string(coap.AppendTCP(nil, m))
}

// get is a GET of a path of one segment.
func get(token, path string, parts ...any) string {
	return message(coap.CodeGET, token, append([]any{coap.OptURIPath, path}, parts...)...)
}

// post is a POST to a path of one segment.
func post(token, path, payload string) string {
	return message(coap.CodePOST, token, coap.OptURIPath, path, payload)
}

// csm is a CSM of a client.
func csm(s coap.Settings) string { return string(coap.AppendCSM(nil, s)) }

// handle adds a handler to a router.
func handle(t testing.TB, r *resource.Router, pattern string, h resource.Handler) {
	t.Helper()
	if err := r.Handle(pattern, h); err != nil {
		t.Fatal(err)
	}
}

func TestMain(m *testing.M) { leaktest.Main(m) }
