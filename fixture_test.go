package bobtail_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/leaktest"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// run runs the body on a server of the configuration, once for each backend.
func run(t *testing.T, cfg bobtail.Config, body func(t *testing.T, f *fixture)) {
	t.Helper()
	servertest.Each(t, with(cfg, body))
}

// runVirtual is run on memory alone, for tests of what takes time.
func runVirtual(t *testing.T, cfg bobtail.Config, body func(t *testing.T, f *fixture)) {
	t.Helper()
	servertest.Virtual(t, with(cfg, body))
}

// runMemory is runVirtual on a network of the caller's.
func runMemory(t *testing.T, mem memory.Config, cfg bobtail.Config, body func(t *testing.T, f *fixture)) {
	t.Helper()
	servertest.Kind{Memory: mem}.Run(t, with(cfg, body))
}

// with is a test that has the body run on a server of the configuration.
func with(cfg bobtail.Config, body func(t *testing.T, f *fixture)) func(*testing.T, servertest.Kind) {
	return func(t *testing.T, k servertest.Kind) {
		f := newFixture(t, k, cfg)
		defer f.end()
		body(t, f)
	}
}

// step is how far virtual time goes at once.
const step = servertest.Step

// wall is the time of every Date, so that answers can be compared.
const wall = 784111777

// date is its field.
const date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

// fixture is a server and the network around it.
type fixture struct {
	*servertest.Fixture
	closed bool
}

func newFixture(t testing.TB, k servertest.Kind, cfg bobtail.Config) *fixture {
	t.Helper()
	if cfg.Wall == nil {
		cfg.Wall = func() int64 { return wall * 1e9 }
	}
	f := &fixture{Fixture: servertest.New(t, k, cfg)}
	f.Listen("127.0.0.1:0")
	return f
}

func (f *fixture) sink(pattern string, s bobtail.Sink) {
	f.T.Helper()
	if err := f.Server.HandleSink(pattern, s); err != nil {
		f.T.Fatal(err)
	}
}

// close closes the server.
func (f *fixture) close() {
	f.closed = true
	f.Server.Close()
}

func (f *fixture) end() {
	f.closed = true
	f.End(nil)
}

// client is a client that speaks in bytes.
type client struct {
	*servertest.Client
	f *fixture
}

// dial connects a client.
func (f *fixture) dial() *client {
	f.T.Helper()
	return f.client(f.Connect())
}

func (f *fixture) client(c *servertest.Client) *client { return &client{c, f} }

// tryDial is dial for a client that may be refused.
func (f *fixture) tryDial() (*client, error) {
	c, err := f.TryConnect()
	if err != nil {
		return nil, err
	}
	return f.client(c), nil
}

// wantEnd wants the server to have closed in order, with these bytes left.
func (c *client) wantEnd(want string) {
	c.f.T.Helper()
	if got, err := c.All(); err != nil || got != want {
		c.f.T.Errorf("got %q and error %v, want %q and the end", got, err, want)
	}
}

// wantAbort wants the connection to be reset, and returns what came before.
func (c *client) wantAbort() string {
	c.f.T.Helper()
	got, err := c.All()
	if err == nil || err == servertest.ErrPatience {
		c.f.T.Errorf("got %q and error %v, want a reset", got, err)
	}
	return got
}

// wantSilence wants the server to say nothing now, and not to close either.
func (c *client) wantSilence() (silent bool) {
	c.f.T.Helper()
	if c.Silent() {
		return true
	}
	got, err := c.All()
	c.f.T.Errorf("got %q and error %v, want nothing yet", got, err)
	return false
}

// answer is a response, read whole.
type answer struct {
	*http.Response
	body string
	err  error // of reading the content
}

// answer reads a response to a method, and fails the test if there is none.
func (c *client) answer(method string) answer {
	c.f.T.Helper()
	a, err := c.tryAnswer(method)
	if err != nil {
		c.f.T.Fatalf("no answer to %s: %v", method, err)
	}
	return a
}

func (c *client) tryAnswer(method string) (answer, error) {
	r, err := http.ReadResponse(c.In, &http.Request{Method: method})
	if err != nil {
		return answer{}, err
	}
	b, err := io.ReadAll(r.Body)
	return answer{r, string(b), err}, nil
}

// want wants a response of a status and content.
func (c *client) want(method string, status int, body string) answer {
	c.f.T.Helper()
	a := c.answer(method)
	if a.StatusCode != status || a.body != body || a.err != nil {
		c.f.T.Errorf("%s: answer %d %s, error %v; want %d %s", method, a.StatusCode, servertest.Brief(a.body), a.err, status, servertest.Brief(body))
	}
	return a
}

// get is a GET request, close the same that ends the connection.
func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n" }
func closeAt(p string) string {
	return "GET " + p + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
}
func post(p, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", p, len(body), body)
}

// ok is the answer to a request with text.
func ok(text string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n%s\r\n%s", len(text), date, text)
}

// fast installs the handler that others are measured by.
func (f *fixture) fast() {
	f.Handle("GET /fast", func(w bobtail.Response, r *bobtail.Request) error { return w.Text("fast\n") })
}

// wantFast wants a new client to be served at once, in d of virtual time.
func (f *fixture) wantFast(d time.Duration) {
	f.T.Helper()
	c := f.dial()
	var began int64
	if f.Net != nil {
		began = f.Net.Now()
	}
	c.Send(closeAt("/fast"))
	c.want("GET", 200, "fast\n")
	if f.Net != nil {
		if took := time.Duration(f.Net.Now() - began); took > d {
			f.T.Errorf("the answer took %v, want at most %v", took, d)
		}
	}
	c.Conn.Close()
	f.Settle()
}

// echo streams content back.
func echo(w bobtail.Response, r *bobtail.Request) error {
	head := w.Status(200)
	if t := r.Header("Content-Type"); t != nil {
		head = head.HeaderBytes("Content-Type", t)
	}
	var body bobtail.Body
	var err error
	if n, known := r.ContentLength(); known {
		body, err = head.StreamN(n)
	} else {
		body, err = head.Stream()
	}
	if err != nil {
		return err
	}
	for {
		p, err := r.NextPiece()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err = body.Write(p); err != nil {
			return err
		}
	}
}

func TestMain(m *testing.M) { leaktest.Main(m) }

// gathered are what handlers have left for the test.
type gathered[T any] struct {
	mu   sync.Mutex
	list []T
}

func (g *gathered[T]) add(x T) {
	g.mu.Lock()
	g.list = append(g.list, x)
	g.mu.Unlock()
}

func (g *gathered[T]) all() []T {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.list)
}

func (g *gathered[T]) len() int { return len(g.all()) }

// wait waits until there are n, and returns the nth.
func (g *gathered[T]) wait(f *fixture, n int) T {
	f.T.Helper()
	f.Await("a ticket or an outlet", func() bool { return g.len() >= n })
	f.Settle()
	return g.all()[n-1]
}
