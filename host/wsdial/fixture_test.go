package wsdial_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/internal/leaktest"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

// TestMain sets the environment before anybody reads it, and wants every
// goroutine to end.
func TestMain(m *testing.M) {
	for _, name := range []string{"ALL_PROXY", "REQUEST_METHOD", "http_proxy", "https_proxy", "no_proxy"} {
		os.Unsetenv(name)
	}
	os.Setenv("HTTP_PROXY", "http://plain.test:1")
	os.Setenv("HTTPS_PROXY", "http://secure.test:2")
	os.Setenv("NO_PROXY", "direct.test,port.test:81")
	leaktest.Main(m, http.DefaultTransport.(*http.Transport).CloseIdleConnections)
}

// answer is what the head of a server's answer says, but for the status line.
type answer struct {
	protocol, extensions string
	fields               string // more, each with its CRLF
	behind               []byte // frames in the same segment
}

// accept answers a client's handshake and gives the connection.
func accept(w http.ResponseWriter, r *http.Request, a answer) (net.Conn, *bufio.ReadWriter) {
	c, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	b := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		string(ws.AppendAccept(nil, []byte(r.Header.Get("Sec-WebSocket-Key")))) + "\r\n" + a.fields
	if a.protocol != "" {
		b += "Sec-WebSocket-Protocol: " + a.protocol + "\r\n"
	}
	if a.extensions != "" {
		b += "Sec-WebSocket-Extensions: " + a.extensions + "\r\n"
	}
	c.Write(append([]byte(b+"\r\n"), a.behind...))
	return c, rw
}

// upgrade makes a connection of a request.
func upgrade(w http.ResponseWriter, r *http.Request, a answer) (*wsconn.Conn, net.Conn) {
	c, rw := accept(w, r, a)
	s, err := wsconn.New(wsconn.Config{Role: ws.RoleServer, In: make([]byte, 4096), Out: make([]byte, 4096)})
	if err == nil {
		err = s.Reset(struct {
			io.Reader
			io.Writer
		}{rw, c}, nil)
	}
	if err != nil {
		panic(err)
	}
	return s, c
}

// echo sends messages back until the connection ends.
func echo(w http.ResponseWriter, r *http.Request) {
	s, c := upgrade(w, r, answer{})
	defer c.Close()
	echoOn(s)
}

func echoOn(s *wsconn.Conn) error {
	for {
		op, err := s.Next()
		if err != nil {
			return err
		}
		to, err := s.Begin(op)
		if err != nil {
			return err
		}
		if _, err := io.Copy(to, s); err != nil {
			return err
		}
		if err := to.Close(); err != nil {
			return err
		}
	}
}

// serve runs a server, and gives its URL.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	return serveOn(t, h, false).URL
}

func serveOn(t *testing.T, h http.HandlerFunc, secure bool) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		s.EnableHTTP2 = true // which must not be chosen
		s.TLS = &tls.Config{NextProtos: []string{"h2", "http/1.1"}}
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	s.URL = "ws" + strings.TrimPrefix(s.URL, "http") + "/"
	return s
}

// script runs a server that does with each connection what f says, and gives
// its address. The connection is closed when f returns.
func script(t *testing.T, f func(c net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan bool)
	go func() {
		defer close(over)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.SetDeadline(time.Now().Add(patience))
			go func() {
				defer c.Close()
				f(c)
			}()
		}
	}()
	t.Cleanup(func() { l.Close(); <-over })
	return l.Addr().String()
}

// says is a script: it reads a request and answers with text, in which KEY
// stands for the right answer to the client's key.
func says(text string) func(c net.Conn) {
	return func(c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		io.WriteString(c, strings.ReplaceAll(text, "KEY", string(ws.AppendAccept(nil, []byte(r.Header.Get("Sec-WebSocket-Key"))))))
	}
}

// waits is a script: it reads, and says nothing.
func waits(c net.Conn) { io.Copy(io.Discard, c) }

// dial dials and fails the test if that fails.
func dial(t *testing.T, url string, c wsdial.Config) *wsdial.Conn {
	t.Helper()
	conn, err := wsdial.Dial(t.Context(), url, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// refused dials and wants an error.
func refused(t *testing.T, url string, c wsdial.Config) error {
	t.Helper()
	conn, err := wsdial.Dial(t.Context(), url, c)
	if err == nil {
		conn.CloseNow()
		t.Fatalf("%s is connected", url)
	}
	var step *wsdial.OpError
	if !errors.As(err, &step) || !strings.HasPrefix(err.Error(), "wsdial: ") {
		t.Errorf("%s: %q is no *OpError", url, err)
	}
	return err
}

// within waits for something that must happen.
func within[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("%s: it does not happen", what)
	}
	return v
}
