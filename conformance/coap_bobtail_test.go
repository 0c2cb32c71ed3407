package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/host/coapdial"
	"github.com/bobtail-go/bobtail/host/coapudp"
	"github.com/bobtail-go/bobtail/resource"
)

// ---- clients ----

// dialled is the client of package coapdial.
type dialled struct{}

var coapMethods = map[string]coap.Code{"": coap.CodeGET, "GET": coap.CodeGET, "POST": coap.CodePOST, "PUT": coap.CodePUT, "DELETE": coap.CodeDELETE}

func (dialled) do(ctx context.Context, url string, r coapRequest) (a coapAnswer, err error) {
	if r.token != "" {
		return a, errOwnTokens
	}
	c, err := coapdial.Dial(ctx, url, coapdial.Config{NonConfirmable: r.non})
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	q := coapdial.Request{Method: coapMethods[r.method], BlockSize: r.block}
	if r.payload != "" {
		q.Body = strings.NewReader(r.payload)
		if r.format >= 0 {
			q.Options = append(q.Options, coapdial.Format(coap.Format(r.format)))
		}
	}
	for _, o := range r.options {
		q.Options = append(q.Options, coapdial.Option{Number: coap.Option(o.number), Value: []byte(o.value)})
	}
	answer, err := c.Do(ctx, q)
	if err != nil {
		return a, err
	}
	return coapAnswer{code: answer.Code.String(), payload: string(answer.Body)}, nil
}

// errOwnTokens is of clients that choose tokens by themselves.
var errOwnTokens = errors.New(ownTokens)

func (dialled) observe(ctx context.Context, url string, n int) (states []string, err error) {
	c, err := coapdial.Dial(ctx, url, coapdial.Config{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Release(ctx)) }()
	for a, err := range c.Observe(ctx, coapdial.Request{}) {
		if err == nil {
			err = a.Err()
		}
		if err != nil {
			return states, err
		}
		if states = append(states, string(a.Body)); len(states) == n {
			return states, nil
		}
	}
	return states, errors.New("the observation ends by itself")
}

func (dialled) ping(ctx context.Context, url string) error {
	c, err := coapdial.Dial(ctx, url, coapdial.Config{})
	if err != nil {
		return err
	}
	return errors.Join(c.Ping(ctx), c.Ping(ctx), c.Close())
}

// told is the program's client, bobtail coap.
type told struct{ dir string }

// command runs it, and splits what it says on standard error into lines.
func (p told) command(ctx context.Context, args ...string) (out string, notes []string, err error) {
	cmd := exec.CommandContext(ctx, binary, append([]string{"coap"}, args...)...)
	var b, e strings.Builder
	cmd.Stdout, cmd.Stderr = &b, &e
	err = cmd.Run()
	return b.String(), strings.Split(strings.TrimSpace(e.String()), "\n"), err
}

func (p told) do(ctx context.Context, url string, r coapRequest) (a coapAnswer, err error) {
	if r.token != "" {
		return a, errOwnTokens
	}
	dir, err := os.MkdirTemp(p.dir, "do")
	if err != nil {
		return a, err
	}
	body := filepath.Join(dir, "body")
	method := "get"
	if r.method != "" {
		method = strings.ToLower(r.method)
	}
	args := []string{"-quiet", "-v", "-o", body}
	if r.payload != "" {
		file := filepath.Join(dir, "payload")
		if err := os.WriteFile(file, []byte(r.payload), 0o600); err != nil {
			return a, err
		}
		args = append(args, "-file", file)
		if r.format >= 0 {
			args = append(args, "-format", strconv.Itoa(r.format))
		}
	}
	if r.block > 0 {
		args = append(args, "-block", strconv.Itoa(r.block))
	}
	for _, o := range r.options {
		args = append(args, "-option", fmt.Sprintf("%d=%s", o.number, o.value))
	}
	if r.non {
		args = append(args, "-non")
	}
	_, notes, err := p.command(ctx, append(append([]string{method}, args...), url)...)
	for _, line := range notes {
		line = strings.TrimPrefix(strings.TrimPrefix(line, "bobtail: "), "< ")
		if code, _, _ := strings.Cut(line, " "); len(code) == 4 && code[1] == '.' && code[0] >= '2' && code[0] <= '5' {
			a.code = code
		}
	}
	if a.code == "" {
		return a, fmt.Errorf("bobtail coap %s %q: %v: %q", method, args, err, notes)
	}
	if (err == nil) != (a.code[0] == '2') {
		return a, fmt.Errorf("bobtail coap ends with %v after %s", err, a.code)
	}
	b, err := os.ReadFile(body)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return a, err
	}
	a.payload = string(b)
	return a, nil
}

func (p told) observe(ctx context.Context, url string, n int) ([]string, error) {
	out, notes, err := p.command(ctx, "observe", "-count", strconv.Itoa(n), url)
	if err != nil {
		return nil, fmt.Errorf("bobtail coap observe: %w: %q", err, notes)
	}
	return strings.Split(strings.TrimSpace(out), "\n"), nil
}

func (p told) ping(ctx context.Context, url string) error {
	_, notes, err := p.command(ctx, "ping", "-count", "2", url)
	if err != nil {
		return fmt.Errorf("bobtail coap ping: %w: %q", err, notes)
	}
	return nil
}

// ---- servers ----

// coapProgram is bobtail serve with CoAP.
func coapProgram(t *testing.T, backend string, args ...string) *coapSite {
	t.Helper()
	p := start(t, append([]string{"-backend", backend, "-coap", "127.0.0.1:0"}, args...)...)
	host := func(scheme string) string {
		_, rest, _ := strings.Cut(p.greeting, " "+scheme+"://")
		addr, _, _ := strings.Cut(rest, "/")
		return addr
	}
	if host("coap+tcp") == "" {
		t.Fatalf("bobtail serve says %q", p.greeting)
	}
	return &coapSite{
		addr: host("coap+tcp"), secure: host("coaps+tcp"), noUDP: backend != backends[0], // which has nothing to do with backends
		small: "/hello", says: "Hello, World!", fixed: "/hello", post: "/echo", large: "/large", clock: "/time",
		links: `</time>;title="the time, every second";rt="time";obs`, filter: "rt=time", strict: true, formats: true,
	}
}

// coapStore is what can be put, got and deleted.
type coapStore struct {
	mu    sync.Mutex
	texts map[string][]byte
}

func (s *coapStore) serve(w resource.Response, r *resource.Request) error {
	name := string(r.PathValue("name"))
	s.mu.Lock()
	defer s.mu.Unlock()
	text, found := s.texts[name]
	switch r.Method() {
	case coap.CodePUT:
		if err := r.Precondition(found, []byte("etag")); err != nil {
			return err
		}
		s.texts[name] = append([]byte(nil), r.Payload()...)
		if found {
			return w.Code(coap.CodeChanged).Empty()
		}
		return w.Code(coap.CodeCreated).Empty()
	case coap.CodeDELETE:
		delete(s.texts, name)
		return w.Code(coap.CodeDeleted).Empty()
	}
	if !found {
		return resource.ErrNotFound
	}
	return w.Bytes(coap.FormatOctets, text)
}

// coapTests is a server of the tests' own, with the packages as any program has
// them, and with this for coapudp.ServerConfig.Amplification.
func coapTests(t *testing.T, amplification int) *coapSite {
	t.Helper()
	srv, err := bobtail.New(bobtail.Config{Workers: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	r := &resource.Router{Transfers: 64, Observations: 64, Gather: 1 << 20, Gathers: 16}
	store := &coapStore{texts: make(map[string][]byte)}
	clock, still := r.NewTopic(resource.TopicOptions{}), r.NewTopic(resource.TopicOptions{})
	r.Add(resource.Route{Pattern: "GET /hello", Formats: []coap.Format{coap.FormatText}, Handler: func(w resource.Response, r *resource.Request) error {
		return w.Text("Hello, World!")
	}})
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		r.Add(resource.Route{Pattern: method + " /store/{name}", Handler: store.serve, Conditional: true})
	}
	for path, topic := range map[string]*resource.Topic{"/clock": clock, "/still": still} {
		r.Add(resource.Route{Pattern: "GET " + path, Attributes: []resource.Attribute{{Name: "obs"}}, Handler: func(w resource.Response, r *resource.Request) error {
			r.Observe(topic)
			return w.Text("at first")
		}})
	}
	if _, err := coaptcp.New(srv, coaptcp.Config{Resources: r}); err != nil {
		t.Fatal(err)
	}
	u, err := coapudp.New(coapudp.ServerConfig{Resources: r, Amplification: amplification})
	if err != nil {
		t.Fatal(err)
	}
	addr := coapPort(t)
	c, err := coapudp.Listen("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := srv.Listen("coap+tcp://" + addr); err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- u.Serve(c) }()
	stop := make(chan struct{})
	var ticking sync.WaitGroup
	ticking.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
				clock.Publish(resource.Notification{Payload: []byte(strconv.Itoa(n))})
			}
		}
	})
	t.Cleanup(func() {
		close(stop)
		ticking.Wait()
		u.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return &coapSite{
		addr: addr, small: "/hello", says: "Hello, World!", fixed: "/hello", store: "/store/", clock: "/clock", still: "/still",
		links: `</clock>;obs`, filter: "obs", strict: true, formats: true, conditional: true,
	}
}

// onCoap runs a test against all servers of ours.
func onCoap(t *testing.T, test func(t *testing.T, s *coapSite)) {
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		test(t, coapTests(t, 0))
	})
	for _, b := range backends {
		t.Run("program over "+b, func(t *testing.T) {
			t.Parallel()
			test(t, coapProgram(t, b))
		})
	}
}

// ---- the tests ----

// ownUnable is what clients cannot do that choose tokens by themselves.
var ownUnable = map[string]string{"tcp tokens": ownTokens, "udp tokens": ownTokens}

const ownTokens = "the client chooses tokens by itself"

func TestCoapLibcoapClient(t *testing.T) {
	client := newLibcoap(t)
	onCoap(t, func(t *testing.T, s *coapSite) { coapTest(t, client, s, nil) })
}

// TestCoapLibcoapTLS is over TLS (RFC 8323 section 8.2), with both of the
// libraries for TLS that Debian's clients are built with.
func TestCoapLibcoapTLS(t *testing.T) {
	for _, name := range []string{"openssl", "gnutls"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := &libcoap{program: need(t, "coap-client-"+name), dir: t.TempDir(), anyone: true}
			site := coapProgram(t, "epoll", "-tls-self")
			coapTestOver(t, client, site, "tls", "coaps+tcp://"+site.secure, nil)
		})
	}
}

// TestCoapGocoapClient has servers that trust it over UDP, since it does not know
// the option Echo (RFC 9175).
func TestCoapGocoapClient(t *testing.T) {
	t.Run("server that trusts", func(t *testing.T) {
		t.Parallel()
		coapTest(t, gocoap{}, coapTests(t, -1), nil)
	})
	for _, b := range backends {
		t.Run("program over "+b, func(t *testing.T) {
			t.Parallel()
			coapTest(t, gocoap{}, coapProgram(t, b, "-coap-trust"), nil)
		})
	}
}

func TestCoapLibcoapServer(t *testing.T) {
	site := startLibcoap(t)
	t.Run("coapdial", func(t *testing.T) { coapTest(t, dialled{}, site, ownUnable) })
	t.Run("program", func(t *testing.T) { coapTest(t, told{t.TempDir()}, site, ownUnable) })
}

func TestCoapGocoapServer(t *testing.T) {
	site := startGocoap(t)
	t.Run("coapdial", func(t *testing.T) { coapTest(t, dialled{}, site, ownUnable) })
	t.Run("program", func(t *testing.T) { coapTest(t, told{t.TempDir()}, site, ownUnable) })
}

// coapMany sends many requests at a time, of two kinds.
func coapMany(t *testing.T, do func(ctx context.Context, r coapRequest, path string) (coapAnswer, error)) {
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	var many sync.WaitGroup
	for i := range 32 {
		many.Go(func() {
			for n := range 10 {
				text := largeText[64*i : 64*i+10*n+1]
				a, err := do(ctx, coapRequest{method: "POST", payload: text}, "/echo")
				if err != nil || a.code != "2.04" || a.payload != text {
					t.Errorf("post %d of %d: %v, %v", n, i, a, err)
					return
				}
				a, err = do(ctx, coapRequest{format: -1}, "/hello")
				if err != nil || a.code != "2.05" || a.payload != "Hello, World!" {
					t.Errorf("get %d of %d: %v, %v", n, i, a, err)
					return
				}
			}
		})
	}
	many.Wait()
}

// TestCoapManyAtOnce has one connection carry requests of 32 goroutines: of
// go-coap's client to ours, and of ours to go-coap's server.
func TestCoapManyAtOnce(t *testing.T) {
	for _, scheme := range []string{"coap+tcp://", "coap://"} {
		for _, backend := range backends {
			t.Run(scheme+backend, func(t *testing.T) {
				c, _, err := dialGocoap(t.Context(), scheme+coapProgram(t, backend).addr, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				coapMany(t, func(ctx context.Context, r coapRequest, path string) (coapAnswer, error) {
					return gocoapDo(ctx, c, path, r)
				})
			})
		}
		t.Run(scheme+"go-coap", func(t *testing.T) {
			c, err := coapdial.Dial(t.Context(), scheme+startGocoap(t).addr, coapdial.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			coapMany(t, func(ctx context.Context, r coapRequest, path string) (coapAnswer, error) {
				a, err := c.Do(ctx, coapdial.Request{Method: coapMethods[r.method], Path: path, Body: strings.NewReader(r.payload)})
				if err != nil {
					return coapAnswer{}, err
				}
				return coapAnswer{a.Code.String(), string(a.Body)}, nil
			})
		})
	}
}

// TestCoapOwn has ours talk to ours, through the same cases.
func TestCoapOwn(t *testing.T) {
	onCoap(t, func(t *testing.T, s *coapSite) {
		t.Run("coapdial", func(t *testing.T) { coapTest(t, dialled{}, s, ownUnable) })
	})
}
