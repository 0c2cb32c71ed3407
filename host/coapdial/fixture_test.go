package coapdial_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coapconn"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/host/coapdial"
	"github.com/bobtail-go/bobtail/host/coapudp"
	"github.com/bobtail-go/bobtail/internal/leaktest"
	"github.com/bobtail-go/bobtail/internal/pipetest"
	"github.com/bobtail-go/bobtail/resource"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

// TestMain wants every goroutine to end.
func TestMain(m *testing.M) { leaktest.Main(m) }

// site is what the tests serve.
type site struct {
	router resource.Router
	topic  *resource.Topic
	mu     sync.Mutex
	state  []byte
	reads  int           // of /changing
	hold   chan struct{} // what /slow waits for
	got    []byte        // the last upload
	size   uint64        // of it, as it was announced
}

// refusal is an error of a handler's.
type refusal struct{}

func (refusal) Error() string   { return "not for\nyou" }
func (refusal) Code() coap.Code { return coap.CodeForbidden }

// blob is content of any size.
type blob int64

func (b blob) Size() int64 { return int64(b) }
func (b blob) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		n := off + int64(i)
		p[i] = byte(n*7 + n>>10)
	}
	return len(p), nil
}

func blobOf(n int) []byte {
	p := make([]byte, n)
	blob(0).ReadAt(p, 0)
	return p
}

func newSite(t testing.TB) *site {
	s := &site{state: []byte("first"), hold: make(chan struct{})}
	s.router.Gather, s.router.Gathers, s.router.Transfers = 70_000, 40, 40
	s.router.Observations = 64
	s.topic = s.router.NewTopic(resource.TopicOptions{})
	handle := func(pattern string, h resource.Handler) {
		if err := s.router.Handle(pattern, h); err != nil {
			t.Fatal(err)
		}
	}
	handle("GET /hello/{name}", func(w resource.Response, r *resource.Request) error {
		q, _ := r.Query("q")
		return w.Text("hello ", string(r.PathValue("name")), string(q))
	})
	handle("GET /large/{size}", func(w resource.Response, r *resource.Request) error {
		n, err := strconv.Atoi(string(r.PathValue("size")))
		if err != nil {
			return resource.ErrBadRequest
		}
		return w.Source(coap.FormatOctets, blob(n))
	})
	echo := func(w resource.Response, r *resource.Request) error {
		return w.Code(coap.CodeChanged).Bytes(r.Payload())
	}
	handle("POST /echo", echo)
	handle("FETCH /echo", func(w resource.Response, r *resource.Request) error {
		return w.Code(coap.CodeContent).Bytes(bytes.Repeat(r.Payload(), 1000))
	})
	handle("GET /state", func(w resource.Response, r *resource.Request) error {
		r.Observe(s.topic)
		s.mu.Lock()
		defer s.mu.Unlock()
		return w.Bytes(coap.FormatText, s.state)
	})
	handle("GET /slow", func(w resource.Response, r *resource.Request) error {
		<-s.hold
		return w.Text("at last")
	})
	handle("GET /fail", func(w resource.Response, r *resource.Request) error {
		return refusal{}
	})
	handle("GET /tagged", func(w resource.Response, r *resource.Request) error {
		return w.Code(coap.CodeContent).ETag([]byte("tag")).Text("tagged")
	})
	// What is sent changes with every third block.
	handle("GET /changing/{times}", func(w resource.Response, r *resource.Request) error {
		times, _ := strconv.Atoi(string(r.PathValue("times")))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reads++
		tag := byte(min(s.reads/3, times))
		return w.Code(coap.CodeContent).ETag([]byte{tag + 1}).Bytes(bytes.Repeat([]byte{'a' + tag}, 5000))
	})
	if err := s.router.Add(resource.Route{Pattern: "PUT /upload", Data: func(w resource.Response, r *resource.Request, p resource.Part) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if p.Offset == 0 {
			s.got, s.size = s.got[:0], p.Size
		}
		s.got = append(s.got, p.P...)
		if p.Last {
			return w.Code(coap.CodeChanged).Empty()
		}
		return nil
	}}); err != nil {
		t.Fatal(err)
	}
	return s
}

// change gives /state another state.
func (s *site) change(state []byte) {
	s.mu.Lock()
	s.state = state
	s.mu.Unlock()
	s.topic.Publish(resource.Notification{Payload: state})
}

// again has /changing begin anew.
func (s *site) again() {
	s.mu.Lock()
	s.reads = 0
	s.mu.Unlock()
}

func (s *site) uploaded() ([]byte, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]byte(nil), s.got...), s.size
}

// kinds are the servers that a client is tested against.
var kinds = []struct {
	name string
	tcp  bool
	open func(t testing.TB, s *site) (uri string)
}{
	{"conn", true, func(t testing.TB, s *site) string { return serveConns(t, s, nil) }},
	{"driver", true, serveDriver},
	{"udp", false, serveUDP},
}

// each runs a test against each of them.
func each(t *testing.T, f func(t *testing.T, s *site, c *coapdial.Client, tcp bool), change ...func(*coapdial.Config)) {
	t.Helper()
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			s := newSite(t)
			var config coapdial.Config
			for _, change := range change {
				change(&config)
			}
			f(t, s, dial(t, k.open(t, s), config), k.tcp)
		})
	}
}

// serveConns serves each connection by a coapconn.Conn.
func serveConns(t testing.TB, s *site, secure *tls.Config) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	uri := "coap+tcp://" + l.Addr().String()
	if secure != nil {
		l = tls.NewListener(l, secure)
		uri = "coaps+tcp://" + l.Addr().String()
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer nc.Close()
				c, err := coapconn.New(coapconn.Config{
					In: make([]byte, 10_000), Out: make([]byte, coapconn.MinOut), Resources: &s.router, Arena: make([]byte, 10_000),
					Answers: make([]byte, 30_000), Pushes: make([]byte, 10_000), Background: func(f func()) { all.Go(f) },
				})
				if err == nil {
					err = c.Reset(pipetest.Patient{Conn: nc})
				}
				if err != nil {
					t.Error(err)
					return
				}
				c.Run()
			})
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return uri
}

// serveDriver serves by the driver of the server.
func serveDriver(t testing.TB, s *site) string {
	srv, err := bobtail.New(bobtail.Config{Workers: 4, Sockets: 64})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := coaptcp.New(srv, coaptcp.Config{Resources: &s.router}); err != nil {
		t.Fatal(err)
	}
	addr, err := srv.Listen("coap+tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	return "coap+tcp://" + addr.String()
}

func serveUDP(t testing.TB, s *site) string {
	u, err := coapudp.New(coapudp.ServerConfig{Resources: &s.router, Amplification: -1})
	if err != nil {
		t.Fatal(err)
	}
	socket, err := coapudp.Listen("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- u.Serve(socket) }()
	t.Cleanup(func() { u.Close(); <-over })
	return "coap://" + socket.LocalAddr().String()
}

// dial dials, and fails the test if that fails.
func dial(t testing.TB, uri string, c coapdial.Config) *coapdial.Client {
	t.Helper()
	client, err := coapdial.Dial(t.Context(), uri, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// script is a peer that does with each connection what f says. The connection is
// closed when f returns.
func script(t testing.TB, f func(p *peer)) (uri string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer nc.Close()
				p := &peer{t: t, nc: pipetest.Patient{Conn: nc}}
				p.write(coap.AppendCSM(nil, coap.Settings{MaxMessage: 1152, BlockWise: true}))
				p.read() // his
				f(p)
			})
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return "coap+tcp://" + l.Addr().String()
}

// peer is the other end, played by the test.
type peer struct {
	t    testing.TB
	nc   net.Conn
	buf  []byte
	used int
}

// read is the next message; ok is false at the end.
func (p *peer) read() (m coap.Message, ok bool) {
	p.buf = append([]byte(nil), p.buf[p.used:]...)
	p.used = 0
	for {
		m, n, err := coap.ParseTCP(p.buf)
		if err != nil {
			p.t.Error(err)
			return m, false
		}
		if n != 0 {
			p.used = n
			return m, true
		}
		b := make([]byte, 4096)
		if n, err = p.nc.Read(b); err != nil {
			return m, false
		}
		p.buf = append(p.buf[:len(p.buf):len(p.buf)], b[:n]...)
	}
}

func (p *peer) write(b []byte) { p.nc.Write(b) }

// send sends an answer.
func (p *peer) send(code coap.Code, token []byte, payload []byte, opts ...coapdial.Option) {
	var o coap.Options
	for _, opt := range opts {
		o = coap.InsertOption(o, opt.Number, opt.Value)
	}
	p.write(coap.AppendTCP(nil, coap.Message{Code: code, Token: token, Options: o, Payload: payload}))
}

// within waits for something that must happen.
func within[T any](t testing.TB, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("%s: it does not happen\n%s", what, leaktest.Stacks())
	}
	return v
}

// want asks, and wants an answer.
func want(t testing.TB, c *coapdial.Client, r coapdial.Request, code coap.Code, body string) *coapdial.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	resp, err := c.Do(ctx, r)
	if err != nil {
		t.Fatalf("%s: %v", r.Path, err)
	}
	if resp.Code != code || string(resp.Body) != body {
		t.Errorf("%s: %s, %d bytes %.50q, want %s, %d bytes", r.Path, resp.Code, len(resp.Body), resp.Body, code, len(body))
	}
	return resp
}

// certificate is one that a client may trust, for 127.0.0.1.
func certificate(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(c)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"coap"}}, &tls.Config{RootCAs: pool}
}
