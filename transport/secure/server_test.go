package secure_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/netstd"
	"github.com/bobtail-go/bobtail/transport/secure"
)

// limit is after what time that has to happen has not happened.
const limit = time.Minute

// A site is a server whose listener speaks TLS.
type site struct {
	t      *testing.T
	b      *secure.Backend
	srv    *bobtail.Server
	addr   string
	failed chan error
	ends   []func() // of the clients
}

// overEach runs body with a server over each backend of the system, and sees to
// it that nothing of it is left after that.
func overEach(t *testing.T, cfg bobtail.Config, sec secure.Config, body func(t *testing.T, s *site)) {
	open := map[string]func() (transport.Backend, error){
		"netstd": func() (transport.Backend, error) {
			b, err := netstd.New(netstd.Config{})
			return b, err
		},
	}
	for _, in := range systemInners {
		open[in.name] = func() (transport.Backend, error) { return bobtail.OpenBackend(2) }
	}
	for name, open := range open {
		t.Run(name, func(t *testing.T) {
			goroutines, descriptors := runtime.NumGoroutine(), openNow()
			s := serve(t, open, cfg, sec)
			body(t, s)
			s.srv.Close()
			for _, end := range s.ends {
				end()
			}
			until(t, "all that was held is given back", func() bool {
				return runtime.NumGoroutine() <= goroutines && openNow() <= descriptors
			})
		})
	}
}

// openNow is the number of open descriptors, where the system tells.
func openNow() int {
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(names)
}

// until waits for what other goroutines are about to do.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); runtime.Gosched() {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("not in time: %s\n%s", what, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func serve(t *testing.T, open func() (transport.Backend, error), cfg bobtail.Config, sec secure.Config) *site {
	t.Helper()
	inner, err := open()
	s := &site{t: t, failed: make(chan error, 1000)}
	sec.Failed = func(_ transport.Addr, err error) {
		select {
		case s.failed <- err:
		default:
		}
	}
	s.b = wrap(t, inner, err, sec)
	cfg.Backend = s.b
	if cfg.Workers == 0 {
		cfg.Workers = 4
	}
	if s.srv, err = bobtail.New(cfg); err != nil {
		t.Fatal(err)
	}
	for pattern, h := range map[string]bobtail.Handler{
		"GET /": func(w bobtail.Response, r *bobtail.Request) error { return w.Text("hello") },
		"GET /big": func(w bobtail.Response, r *bobtail.Request) error {
			b, err := w.Status(200).Stream()
			piece := bytes.Repeat([]byte("0123456789abcdef"), 1000)
			for i := 0; i < bigPieces && err == nil; i++ {
				_, err = b.Write(piece)
			}
			if err != nil {
				return err
			}
			return b.Close()
		},
		"POST /echo": func(w bobtail.Response, r *bobtail.Request) error {
			b, err := w.Status(200).Stream()
			if err != nil {
				return err
			}
			for {
				p, err := r.NextPiece()
				if err == io.EOF {
					return b.Close()
				}
				if err == nil {
					_, err = b.Write(p)
				}
				if err != nil {
					return err
				}
			}
		},
	} {
		if err := s.srv.Handle(pattern, h); err != nil {
			t.Fatal(err)
		}
	}
	a, err := s.srv.Listen("https://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = a.String()
	if err := s.srv.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.srv.Close() })
	return s
}

const bigPieces = 500 // of 16000 bytes

// client is a client of package net/http with connections of its own.
func (s *site) client(c *tls.Config) *http.Client {
	t := &http.Transport{TLSClientConfig: c}
	s.ends = append(s.ends, t.CloseIdleConnections)
	return &http.Client{Transport: t, Timeout: limit}
}

func (s *site) get(c *http.Client, path string) (*http.Response, string) {
	s.t.Helper()
	resp, err := c.Get("https://" + s.addr + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("%s: after %d bytes: %v", path, len(body), err)
	}
	return resp, string(body)
}

// dial is a connection without TLS.
func (s *site) dial() net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(limit))
	s.ends = append(s.ends, func() { c.Close() })
	return c
}

func TestVersionsAndResumption(t *testing.T) {
	overEach(t, bobtail.Config{}, secure.Config{}, func(t *testing.T, s *site) {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			cfg := clientConfig()
			cfg.MinVersion, cfg.MaxVersion = version, version
			cfg.NextProtos = []string{"h2", "http/1.1"}
			cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			c := s.client(cfg)
			for round := range 3 {
				resp, body := s.get(c, "/")
				if body != "hello" || resp.TLS.Version != version || resp.TLS.NegotiatedProtocol != "http/1.1" {
					t.Errorf("%q by version %x, protocol %q", body, resp.TLS.Version, resp.TLS.NegotiatedProtocol)
				}
				if resp.TLS.DidResume != (round > 0) {
					t.Errorf("version %x, connection %d: resumed is %v", version, round, resp.TLS.DidResume)
				}
				c.CloseIdleConnections()
			}
		}
		until(t, "counts", func() bool {
			st := s.b.Stats()
			return st.Accepted == 6 && st.Done == 6 && st.Resumed == 4 && st.Failed == 0 && st.Shaking == 0
		})
	})
}

func TestTooOldAVersion(t *testing.T) {
	overEach(t, bobtail.Config{}, secure.Config{TLS: &tls.Config{
		Certificates: []tls.Certificate{certificate()}, MinVersion: tls.VersionTLS10,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return &tls.Config{Certificates: []tls.Certificate{certificate()}, MinVersion: tls.VersionTLS10}, nil
		},
	}}, func(t *testing.T, s *site) {
		cfg := clientConfig()
		cfg.MinVersion, cfg.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		c := tls.Client(s.dial(), cfg)
		_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if err == nil {
			_, err = c.Read(make([]byte, 1))
		}
		if err == nil {
			t.Error("a client of TLS 1.1 is served")
		}
		if err := <-s.failed; err != secure.ErrVersion && !strings.Contains(err.Error(), "version") {
			t.Errorf("told: %v", err)
		}
	})
}

func TestServerNames(t *testing.T) {
	other, err := secure.SelfSigned("other.test")
	if err != nil {
		t.Fatal(err)
	}
	both := &tls.Config{Certificates: []tls.Certificate{certificate(), other}, NextProtos: []string{"h2"}}
	overEach(t, bobtail.Config{}, secure.Config{TLS: both}, func(t *testing.T, s *site) {
		for _, tt := range []struct {
			name string
			cert tls.Certificate
		}{{"bobtail.test", certificate()}, {"other.test", other}} {
			cfg := clientConfig()
			cfg.ServerName = tt.name
			cfg.RootCAs = cfg.RootCAs.Clone()
			cfg.RootCAs.AddCert(other.Leaf)
			resp, _ := s.get(s.client(cfg), "/")
			if !bytes.Equal(resp.TLS.PeerCertificates[0].Raw, tt.cert.Certificate[0]) {
				t.Errorf("%s gets the certificate of %v", tt.name, resp.TLS.PeerCertificates[0].DNSNames)
			}
		}
	})
}

func TestBothWaysAtOnce(t *testing.T) {
	overEach(t, bobtail.Config{}, secure.Config{}, func(t *testing.T, s *site) {
		var clients sync.WaitGroup
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			cfg := clientConfig()
			cfg.MaxVersion = version
			client := s.client(cfg)
			clients.Go(func() {
				text := bytes.Repeat([]byte("both ways at once, "), 400_000)
				sent := sha256.Sum256(text)
				resp, err := client.Post("https://"+s.addr+"/echo", "text/plain", bytes.NewReader(text))
				if err != nil {
					t.Error(err)
					return
				}
				defer resp.Body.Close()
				h := sha256.New()
				n, err := io.Copy(h, resp.Body)
				if err != nil || !bytes.Equal(h.Sum(nil), sent[:]) {
					t.Errorf("version %x: %d bytes of %d come back, or others: %v", version, n, len(text), err)
				}
			})
		}
		clients.Wait()
	})
}

// TestSlowReader has a client that takes nothing for a while, so that one block
// of ciphertext waits and the rest is not encrypted yet.
func TestSlowReader(t *testing.T) {
	overEach(t, bobtail.Config{}, secure.Config{}, func(t *testing.T, s *site) {
		raw := s.dial()
		raw.(*net.TCPConn).SetReadBuffer(64 << 10)
		c := tls.Client(raw, clientConfig())
		io.WriteString(c, "GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		// Others are served meanwhile.
		for range 20 {
			s.get(s.client(clientConfig()), "/")
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, resp.Body); n != bigPieces*16000 || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}

// TestManyHandshakes has many more clients than places for handshakes. On a busy
// machine one may be silent for long enough to have to give its place to others,
// as it should; it comes again.
func TestManyHandshakes(t *testing.T) {
	overEach(t, bobtail.Config{}, secure.Config{Handshakes: 3}, func(t *testing.T, s *site) {
		const n = 200
		get := func() (string, error) {
			c, err := tls.Dial("tcp", s.addr, clientConfig())
			if err != nil {
				return "", err
			}
			defer c.Close()
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			b, err := io.ReadAll(c)
			return string(b), err
		}
		var clients sync.WaitGroup
		var again atomic.Uint64
		for range n {
			clients.Go(func() {
				for {
					b, err := get()
					if strings.HasSuffix(b, "hello") && err == nil {
						return
					}
					if again.Add(1) > s.b.Stats().Evicted {
						t.Errorf("%q, %v, and nobody had to give way", b, err)
						return
					}
				}
			})
		}
		clients.Wait()
		if st := s.b.Stats(); st.Done != n || st.Failed != st.Evicted || st.Evicted != again.Load() {
			t.Errorf("%+v, and %d came again", st, again.Load())
		}
	})
}

// TestPlainHTTP asks the TLS port in plain HTTP.
func TestPlainHTTP(t *testing.T) {
	overEach(t, bobtail.Config{}, secure.Config{}, func(t *testing.T, s *site) {
		for _, request := range []string{
			"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
			"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
			"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000),
		} {
			c := s.dial()
			if _, err := io.WriteString(c, request[:3]); err != nil {
				t.Fatal(err)
			}
			io.WriteString(c, request[3:])
			c.(*net.TCPConn).CloseWrite()
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatalf("%.20q: %v", request, err)
			}
			body, err := io.ReadAll(resp.Body)
			if resp.StatusCode != 400 || string(body) != "Client sent an HTTP request to an HTTPS server.\n" || err != nil {
				t.Errorf("%.20q: %d %q, %v", request, resp.StatusCode, body, err)
			}
			if err := <-s.failed; err != secure.ErrPlain {
				t.Errorf("told: %v", err)
			}
		}
	})
}

func TestGarbage(t *testing.T) {
	overEach(t, bobtail.Config{}, secure.Config{}, func(t *testing.T, s *site) {
		for _, tt := range []struct{ name, text string }{
			{"one byte", "\x00"},
			{"SSH", "SSH-2.0-OpenSSH_9.6\r\n"},
			{"a method that is none", "GETAWAY"},
			{"SSLv2", "\x80\x2e\x01\x03\x01"},
			{"an alert", "\x15\x03\x03\x00\x02\x02\x28"},
			{"an empty record", "\x16\x03\x01\x00\x00\x16\x03\x01\x00\x00"},
			{"a record too long", "\x16\x03\x01\xff\xff" + strings.Repeat("x", 20000)},
			{"no ClientHello", "\x16\x03\x01\x00\x04\x02\x00\x00\x00"},
			{"a ClientHello of nothing", "\x16\x03\x01\x00\x04\x01\x00\x00\x00"},
			{"a version that is none", "\x16\xff\xff\x00\x04\x01\x00\x00\x00"},
			{"a handshake message without end", strings.Repeat("\x16\x03\x01\x00\x04\x01\xff\xff\xff", 2)},
		} {
			c := s.dial()
			io.WriteString(c, tt.text)
			if tt.name == "an empty record" || tt.name == "a handshake message without end" {
				c.(*net.TCPConn).CloseWrite() // which may go on
			}
			b, err := io.ReadAll(c)
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				err = nil // a reset, since not all was read
			}
			if err != nil || len(b) > 7 || len(b) == 7 && b[0] != 21 {
				t.Errorf("%s: the answer is %q, %v, want an alert or nothing", tt.name, b, err)
			}
			c.Close()
		}
		resp, _ := s.get(s.client(clientConfig()), "/")
		if resp.StatusCode != 200 {
			t.Error("the site is not served any more")
		}
	})
}

// flights is what a client sends until its handshake is complete.
type tap struct {
	net.Conn
	sent *bytes.Buffer
	most int // after which bytes the connection ends
}

func (p tap) Write(b []byte) (int, error) {
	if left := p.most - p.sent.Len(); left < len(b) {
		p.sent.Write(b[:left])
		p.Conn.Write(b[:left])
		p.Conn.Close()
		return left, io.ErrClosedPipe
	}
	p.sent.Write(b)
	return p.Conn.Write(b)
}

// TestCutEverywhere ends connections after each byte of a client's handshake
// and request, by an end and by a reset.
func TestCutEverywhere(t *testing.T) {
	overEach(t, bobtail.Config{}, secure.Config{}, func(t *testing.T, s *site) {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			exchange := func(most int, reset bool) (sent int, err error) {
				raw := s.dial()
				defer raw.Close()
				if reset {
					raw.(*net.TCPConn).SetLinger(0)
				}
				cfg := clientConfig()
				cfg.MaxVersion = version
				cfg.CurvePreferences = []tls.CurveID{tls.X25519} // which makes for fewer bytes
				p := tap{raw, new(bytes.Buffer), most}
				c := tls.Client(p, cfg)
				if _, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); err == nil {
					_, err = io.ReadAll(c)
				}
				return p.sent.Len(), err
			}
			whole, err := exchange(1<<20, false)
			if err != nil {
				t.Fatal(err)
			}
			step := 1
			if testing.Short() {
				step = 17
			}
			for most := 0; most < whole-30; most += step {
				if _, err := exchange(most, most%2 == 0); err == nil {
					t.Errorf("served after %d of %d bytes", most, whole)
				}
			}
		}
		until(t, "all connections are over", func() bool { return s.srv.Stats().Open == 0 })
	})
}

// TestByteByByte has a client whose bytes come one at a time.
func TestByteByByte(t *testing.T) {
	overEach(t, bobtail.Config{}, secure.Config{}, func(t *testing.T, s *site) {
		raw := s.dial()
		c := tls.Client(trickle{raw}, clientConfig())
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		if b, err := io.ReadAll(c); err != nil || !bytes.HasSuffix(b, []byte("hello")) {
			t.Errorf("%q, %v", b, err)
		}
	})
}

type trickle struct{ net.Conn }

func (c trickle) Write(b []byte) (int, error) {
	for i := range b {
		if _, err := c.Conn.Write(b[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(b), nil
}

// hello is the first flight of a client that then says nothing.
func hello(t *testing.T) []byte {
	t.Helper()
	near, far := net.Pipe()
	go func() {
		tls.Client(near, clientConfig()).Handshake()
		near.Close()
	}()
	b := make([]byte, 1<<14)
	n, err := far.Read(b)
	far.Close()
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

// TestSlowHandshake ends clients who do not go on, by the deadline of the
// phase open.
func TestSlowHandshake(t *testing.T) {
	first := hello(t)
	cfg := bobtail.Config{Timeouts: bobtail.Timeouts{Open: 100 * time.Millisecond}}
	overEach(t, cfg, secure.Config{}, func(t *testing.T, s *site) {
		for _, text := range [][]byte{nil, first[:1], first[:6], first[:len(first)-1], first} {
			c := s.dial()
			c.Write(text)
			io.Copy(io.Discard, c) // until the server closes
		}
		until(t, "all connections are over", func() bool { return s.srv.Stats().Open == 0 && s.b.Stats().Shaking == 0 })
		if n := s.srv.Stats().Timeouts; n == [len(n)]uint64{} {
			t.Error("no timeout is counted")
		}
	})
}

func TestHandshakeTimeout(t *testing.T) {
	first := hello(t)
	overEach(t, bobtail.Config{}, secure.Config{Timeout: time.Millisecond}, func(t *testing.T, s *site) {
		c := s.dial()
		c.Write(first)
		io.Copy(io.Discard, c)
		if err := <-s.failed; err != secure.ErrTimeout {
			t.Errorf("told: %v", err)
		}
	})
}

// TestStallersMakeRoom has all places taken by clients who do not go on.
func TestStallersMakeRoom(t *testing.T) {
	first := hello(t)
	overEach(t, bobtail.Config{}, secure.Config{Handshakes: 3}, func(t *testing.T, s *site) {
		for range 3 {
			s.dial().Write(first)
		}
		until(t, "all places are taken", func() bool { return s.b.Stats().Shaking == 3 })
		if _, body := s.get(s.client(clientConfig()), "/"); body != "hello" {
			t.Errorf("%q", body)
		}
		if err := <-s.failed; err != secure.ErrEvicted {
			t.Errorf("told: %v", err)
		}
	})
}

// TestRefused has clients who find no place told so, through TLS.
func TestRefused(t *testing.T) {
	cfg := bobtail.Config{Sockets: 1, Admission: bobtail.AdmitRefuse}
	overEach(t, cfg, secure.Config{}, func(t *testing.T, s *site) {
		first := s.client(clientConfig())
		s.get(first, "/")
		// Not by package net/http, which takes an answer before its request ill.
		resp, err := http.ReadResponse(bufio.NewReader(tls.Client(s.dial(), clientConfig())), nil)
		if err != nil || resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
			t.Errorf("the second client gets %v, %v", resp, err)
		}
	})
}

// TestShutdown closes idle connections in order: with close_notify, which in
// TLS 1.2 can be seen from outside.
func TestShutdown(t *testing.T) {
	overEach(t, bobtail.Config{}, secure.Config{}, func(t *testing.T, s *site) {
		raw := s.dial()
		cfg := clientConfig()
		cfg.MaxVersion = tls.VersionTLS12
		c := tls.Client(raw, cfg)
		r := bufio.NewReader(c)
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		over := make(chan error, 1)
		go func() { over <- s.srv.Shutdown(ctx) }()
		b, err := io.ReadAll(raw)
		if err != nil || len(b) < 5 || b[0] != 21 {
			t.Errorf("the last bytes are %q, %v, want an alert", b, err)
		}
		raw.Close()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
}

// TestCurl has curl do what it does, if it is there.
func TestCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("there is no curl")
	}
	overEach(t, bobtail.Config{}, secure.Config{}, func(t *testing.T, s *site) {
		dir := t.TempDir()
		ca := filepath.Join(dir, "ca.pem")
		if err := os.WriteFile(ca, certificatePEM(), 0o600); err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(s.addr)
		text := bytes.Repeat([]byte("upload"), 200_000)
		file := filepath.Join(dir, "upload")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{"--tlsv1.3"}, {"--tls-max", "1.2"}, {"--http1.1"}, {"--data-binary", "@" + file, "-H", "Expect:"}, {"--data-binary", "@" + file},
		} {
			path, want := "/", "hello"
			if args[0] == "--data-binary" {
				path, want = "/echo", string(text)
			}
			args = append(args, "-sS", "--max-time", "20", "--cacert", ca, "https://localhost:"+port+path, "--resolve", "localhost:"+port+":127.0.0.1")
			out, err := exec.Command(curl, args...).CombinedOutput()
			if err != nil || string(out) != want {
				t.Errorf("curl %v: %.200q, %v", args, out, err)
			}
		}
		out, err := exec.Command(curl, "-s", "--max-time", "20", "http://"+s.addr+"/").Output()
		if err != nil || string(out) != "Client sent an HTTP request to an HTTPS server.\n" {
			t.Errorf("curl in plain HTTP: %q, %v", out, err)
		}
	})
}

// TestNoTLS says what to do where the backend has no TLS.
func TestNoTLS(t *testing.T) {
	srv, err := bobtail.New(bobtail.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	if _, err := srv.Listen("https://127.0.0.1:0"); err != bobtail.ErrNoTLS {
		t.Errorf("Listen: %v", err)
	}
	if _, err := srv.Listen("https://nowhere"); err == nil || err == bobtail.ErrNoTLS {
		t.Errorf("Listen on no address: %v", err)
	}
}

func TestState(t *testing.T) {
	cfg := serverConfig()
	cfg.ClientAuth = tls.RequireAnyClientCert
	overEach(t, bobtail.Config{}, secure.Config{TLS: cfg}, func(t *testing.T, s *site) {
		if _, ok := s.b.State(5); ok || s.b.Secure(5) {
			t.Error("a plain stream has a TLS state")
		}
		c := clientConfig()
		c.Certificates = []tls.Certificate{certificate()}
		if resp, _ := s.get(s.client(c), "/"); resp.StatusCode != 200 {
			t.Error(resp.Status)
		}
		without := tls.Client(s.dial(), clientConfig())
		without.Handshake()
		if _, err := without.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("a client without a certificate is told %v", err)
		}
	})
}

func ExampleNew() {
	cert, err := secure.SelfSigned()
	if err != nil {
		panic(err)
	}
	inner, err := bobtail.OpenBackend(1)
	if err != nil {
		panic(err)
	}
	backend, err := secure.New(inner, secure.Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
	if err != nil {
		panic(err)
	}
	srv, err := bobtail.New(bobtail.Config{Backend: backend, Lanes: 1})
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	if _, err := srv.Listen("https://127.0.0.1:0"); err != nil {
		panic(err)
	}
	fmt.Println("clients may come")
	// Output: clients may come
}
