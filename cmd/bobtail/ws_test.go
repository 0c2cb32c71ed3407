package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/ws/deflate"
	"github.com/bobtail-go/bobtail/wsconn"
)

// wsServer is a WebSocket server on package net/http. What its connections do
// depends on the path.
type wsServer struct {
	*httptest.Server
	asked chan *http.Request // every request
	told  chan error         // how the server's end of each connection has ended
}

func serveWS(t *testing.T, secure bool) *wsServer {
	t.Helper()
	s := &wsServer{asked: make(chan *http.Request, 8), told: make(chan error, 8)}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.handle))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	s.URL = "ws" + strings.TrimPrefix(s.URL, "http")
	return s
}

func (s *wsServer) handle(w http.ResponseWriter, r *http.Request) {
	s.asked <- r
	var a wsAnswer
	switch r.URL.Path {
	case "/404":
		http.NotFound(w, r)
		return
	case "/426":
		w.Header().Set("Sec-WebSocket-Version", "8")
		w.WriteHeader(426)
		return
	case "/401":
		http.Error(w, "who are you?\x1b[2J", http.StatusUnauthorized)
		return
	case "/page":
		io.WriteString(w, "<!DOCTYPE html>")
		return
	case "/moved":
		w.Header().Set("Location", "/echo")
		w.WriteHeader(301)
		return
	case "/accept":
		a.key = "another"
	case "/b":
		a.fields = "Sec-WebSocket-Protocol: b\r\n"
	case "/deflate":
		e, err := deflate.New(deflate.Config{})
		if err != nil {
			panic(err)
		}
		p := e.Accept([]byte(r.Header.Get("Sec-WebSocket-Extensions")))
		a.fields = "Sec-WebSocket-Extensions: " + string(e.AppendAccept(nil, p)) + "\r\n"
		a.codec, a.params = e.Codec(), p
		a.codec.Bind(ws.RoleServer, p)
	}
	c, conn := a.upgrade(w, r)
	defer conn.Close()
	s.told <- s.talk(c, conn, r.URL.Path)
}

// wsAnswer is what a server says.
type wsAnswer struct {
	key    string // instead of the client's
	fields string
	codec  wsconn.Codec
	params wsconn.Params
}

func (a *wsAnswer) upgrade(w http.ResponseWriter, r *http.Request) (*wsconn.Conn, net.Conn) {
	conn, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	conn.SetDeadline(time.Now().Add(patient))
	if a.key == "" {
		a.key = r.Header.Get("Sec-WebSocket-Key")
	}
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n", ws.AppendAccept(nil, []byte(a.key)), a.fields)
	c, err := wsconn.New(wsconn.Config{Role: ws.RoleServer, In: make([]byte, 4096), Out: make([]byte, 4096), Codec: a.codec, Params: a.params, Threshold: 1})
	if err == nil {
		err = c.Reset(struct {
			io.Reader
			io.Writer
		}{rw, conn}, nil)
	}
	if err != nil {
		panic(err)
	}
	return c, conn
}

// talk is what a connection does.
func (s *wsServer) talk(c *wsconn.Conn, conn net.Conn, path string) error {
	switch path {
	case "/bye":
		return c.CloseWith(ws.CodeNormal, "bye")
	case "/error":
		return c.CloseWith(ws.CodeInternalError, "no\x1b way")
	case "/gone":
		return nil
	case "/masked":
		conn.Write(ws.AppendFrame(nil, ws.Header{Op: ws.OpText, Fin: true, Masked: true}, []byte("x")))
		_, err := c.Next()
		return err
	case "/silent": // reads no frames
		_, err := io.Copy(io.Discard, conn)
		return err
	case "/kinds":
		c.WriteText("a text \x1b[2J\u202e")
		c.WriteMessage(ws.OpBinary, []byte{0, 1, 0xff})
		c.WriteText("the end")
		return c.CloseWith(ws.CodeNormal, "")
	case "/sum": // of each message, behind its kind and size
		for {
			op, err := c.Next()
			if err != nil {
				return err
			}
			sum := sha256.New()
			n, err := io.Copy(sum, c)
			if err != nil {
				return err
			}
			c.WriteText(fmt.Sprintf("%v %d %x", op == ws.OpBinary, n, sum.Sum(nil)[:4]))
		}
	case "/mute":
		for {
			if _, err := c.Next(); err != nil {
				return err
			}
		}
	case "/slow": // answers in pieces, which take longer than the client waits for nothing
		if _, err := c.Next(); err != nil {
			return err
		}
		w, err := c.Begin(ws.OpText)
		if err != nil {
			return err
		}
		for range 3 {
			<-time.After(900 * time.Millisecond)
			io.WriteString(w, "x")
			w.Flush()
		}
		w.Close()
		_, err = c.Next()
		return err
	case "/late": // answers all when the third has come
		var got []string
		for range 3 {
			_, b, err := c.ReadMessage(make([]byte, 100))
			if err != nil {
				return err
			}
			got = append(got, string(b))
		}
		for _, text := range got {
			c.WriteText("late " + text)
		}
	}
	for {
		op, err := c.Next()
		if err != nil {
			return err
		}
		w, err := c.Begin(op)
		if err != nil {
			return err
		}
		if _, err := io.Copy(w, c); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
}

// runWS runs bobtail ws with an input to its end.
func runWS(t *testing.T, input string, args ...string) result {
	t.Helper()
	return runWSIn(t, nil, input, args...)
}

func runWSIn(t *testing.T, env []string, input string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(binary, append([]string{"ws"}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errs
	cmd.Env = append(os.Environ(), env...)
	overdue := time.AfterFunc(patient, func() { cmd.Process.Kill() })
	defer overdue.Stop()
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

func TestWSPipes(t *testing.T) {
	s := serveWS(t, false)
	long := strings.Repeat("0123456789", 100_000)
	sum := func(text string) string {
		h := sha256.Sum256([]byte(text))
		return fmt.Sprintf("%d %x\n", len(text), h[:4])
	}
	for _, v := range []struct {
		name, input, args, out string
	}{
		{"a line", "hi\n", "/echo", "hi\n"},
		{"a line without an end", "hi", "/echo", "hi\n"},
		{"lines, an empty one among them", "a\n\nb\r\n", "/echo", "a\n\nb\n"},
		{"a scheme of HTTP", "hi\n", "http:/echo", "hi\n"},
		{"no scheme", "hi\n", ":/echo", "hi\n"},
		{"nothing", "", "/echo", ""},
		{"binary messages", "\xff\nb\n", "-binary /echo", "\xffb"},
		{"a long line", long + "\n", "/sum", "false " + sum(long)},
		{"all as one text", "a\n\u00e4\n", "-whole /sum", "false " + sum("a\n\u00e4\n")},
		{"all as one binary", noise, "-binary -whole /sum", "true " + sum(noise)},
		{"compressed", long + "\nb\n", "-compress /deflate", long + "\nb\n"},
		{"compressed as one", numbers, "-compress -whole /deflate", numbers + "\n"},
		{"compression refused", "a\n", "-compress /echo", "a\n"},
		{"answers that are waited for", "a\nb\nc\n", "/late", "late a\nlate b\nlate c\n"},
		{"messages of both kinds", "", "-wait 20s /kinds", "a text \x1b[2J\u202e\n\x00\x01\xffthe end\n"},
		{"a redirect that is followed", "hi\n", "-redirects 1 /moved", "hi\n"},
		{"a slash that is no command", "/ping\n", "/echo", "/ping\n"},
		{"a ping", "/ping x\nhi\n", "-slash /echo", "hi\n"},
		{"an end that is asked for", "/close\n/unknown\n", "-slash /echo", ""},
		{"flags behind", "hi\n", "/echo -quiet", "hi\n"},
	} {
		t.Run(v.name, func(t *testing.T) {
			args := strings.Fields(v.args)
			for i, a := range args {
				switch {
				case strings.HasPrefix(a, "/"):
					args[i] = s.URL + a
				case strings.HasPrefix(a, "http:"):
					args[i] = "http" + strings.TrimPrefix(s.URL, "ws") + a[5:]
				case strings.HasPrefix(a, ":/"):
					args[i] = strings.TrimPrefix(s.URL, "ws://") + a[1:]
				}
			}
			got := runWS(t, v.input, args...)
			if got.status != exitOK || got.stdout != v.out || got.stderr != "" {
				t.Errorf("%d, %.100q, %q, want %.100q", got.status, got.stdout, got.stderr, v.out)
			}
			for len(s.asked) > 0 {
				<-s.asked
			}
			var closed *wsconn.CloseError
			if err := <-s.told; err != nil && (!errors.As(err, &closed) || closed.Code != ws.CodeNormal) {
				t.Errorf("the server was told %v", err)
			}
		})
	}
}

// TestWSWaits waits for answers as long as there is hope.
func TestWSWaits(t *testing.T) {
	for path, want := range map[string]string{"/slow": "xxx\n", "/mute": ""} {
		t.Run(path[1:], func(t *testing.T) {
			t.Parallel()
			s := serveWS(t, false)
			if got := runWS(t, "a\n", s.URL+path); got != (result{0, want, ""}) {
				t.Errorf("%+v, want %q", got, want)
			}
			var closed *wsconn.CloseError
			if err := <-s.told; !errors.As(err, &closed) || closed.Code != ws.CodeNormal {
				t.Errorf("the server was told %v", err)
			}
		})
	}
}

func TestWSRequest(t *testing.T) {
	s := serveWS(t, false)
	got := runWS(t, "hi\n", "-header", "X: a", "-header", "x:b", "-header", "Host: other.test", "-origin", "https://page.test",
		"-subprotocol", "a", "-header", "Sec-WebSocket-Protocol: b, c", strings.Replace(s.URL, "://", "://me:secret@", 1)+"/b?q")
	if got != (result{0, "hi\n", ""}) {
		t.Fatalf("%+v", got)
	}
	r := <-s.asked
	user, password, _ := r.BasicAuth()
	if r.Host != "other.test" || strings.Join(r.Header["X"], ",") != "a,b" || r.Header.Get("Origin") != "https://page.test" ||
		r.Header.Get("Sec-WebSocket-Protocol") != "a, b, c" || user != "me" || password != "secret" || r.URL.RawQuery != "q" {
		t.Errorf("%v %v %v", r.Host, r.URL, r.Header)
	}
}

func TestWSRefused(t *testing.T) {
	s := serveWS(t, false)
	secure := serveWS(t, true)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := free.Addr().String()
	free.Close()
	says := func(text string) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				if text == "-" {
					go io.Copy(io.Discard, c)
					continue
				}
				http.ReadRequest(bufio.NewReader(c))
				io.WriteString(c, text)
				c.Close()
			}
		}()
		return "ws://" + l.Addr().String()
	}
	for _, v := range []struct {
		name, args string
		status     int
		want       string
	}{
		{"nobody there", "ws://" + nobody, 1, "cannot connect to " + nobody + ": connection refused"},
		{"404", s.URL + "/404", 1, "the server answers 404 Not Found: 404 page not found"},
		{"426", s.URL + "/426", 1, "the server answers 426 Upgrade Required: it speaks version 8 of WebSocket, and this is 13"},
		{"401, with what a terminal obeys", s.URL + "/401", 1, "the server answers 401 Unauthorized; credentials may be given as in ws://user:password@host/"},
		{"a page", s.URL + "/page", 1, "the server answers 200 OK, as if this were a page; it is not a WebSocket"},
		{"a redirect", s.URL + "/moved", 1, "the server answers 301 Moved Permanently, to be found at /echo; -redirects 1 goes there"},
		{"a wrong accept key", s.URL + "/accept", 1, "this is not a WebSocket: Sec-WebSocket-Accept does not answer the key"},
		{"a subprotocol that was not offered", s.URL + "/b", 1, "this is not a WebSocket: subprotocol that was not offered"},
		{"no HTTP", says("220 mail.test\r\n"), 1, "this is not a WebSocket: malformed status line"},
		{"no answer", says(""), 1, "the server closed the connection without an answer; if it speaks TLS, try wss://"},
		{"half an answer", says("HTTP/1.1 101 Sw"), 1, "stream ended within the answer"},
		{"silence", "-timeout 50ms " + says("-"), 1, "there is no answer within 50ms; -timeout waits longer"},
		{"an unknown certificate", secure.URL, 1, "nobody known vouches for the server's certificate; -insecure accepts any, -ca names who vouches"},
		{"TLS where there is none", "wss" + strings.TrimPrefix(s.URL, "ws"), 1, "the server does not speak TLS; try ws://"},
		{"no TLS where there is some", "ws" + strings.TrimPrefix(secure.URL, "wss"), 1, "the server answers 400 Bad Request: Client sent an HTTP request to an HTTPS server."},
		{"no URL", "", 2, "ws takes one URL, and there is none"},
		{"two URLs", "ws://a ws://b", 2, "there are 2: ws://a ws://b"},
		{"another scheme", "ftp://a.test/", 2, "want a URL such as ws://host/path"},
		{"a fragment", "ws://a.test/#x", 2, "a URL with a fragment"},
		{"an unknown flag", "-subprotocl x ws://a.test", 2, "did you mean -subprotocol?"},
		{"no field", "-header x ws://a.test", 2, "want NAME: VALUE"},
		{"a field of the handshake", "-header Upgrade:x ws://a.test", 2, "a header field that the handshake writes itself"},
		{"no subprotocol", "-subprotocol a,b ws://a.test", 2, "want a name without spaces and commas"},
		{"no code", "-close x ws://a.test", 2, "want a code that may be sent"},
		{"a code that may not be sent", "-close 1006 ws://a.test", 2, "want a code that may be sent"},
		{"a long reason", "-close 1000:" + strings.Repeat("x", 124) + " ws://a.test", 2, "the reason may have 123 bytes"},
		{"no proxy", "-proxy ftp://x ws://a.test", 2, "want a URL such as http://host:port"},
		{"no certificate", "-ca main.go ws://a.test", 2, "main.go has no certificate in it"},
		{"no file", "-ca there/is/none ws://a.test", 2, "there/is/none cannot be read"},
		{"no time", "-wait -1s ws://a.test", 2, "want a time with its unit"},
	} {
		t.Run(v.name, func(t *testing.T) {
			got := runWS(t, "hi\n", strings.Fields(v.args)...)
			if got.status != v.status || got.stdout != "" || !strings.Contains(got.stderr, v.want) ||
				!strings.HasPrefix(got.stderr, "bobtail: ") || strings.Count(got.stderr, "\n") != 1 || strings.Contains(got.stderr, "\x1b") {
				t.Errorf("%+v, want status %d and %q in one line", got, v.status, v.want)
			}
		})
		for len(s.asked) > 0 {
			<-s.asked
		}
	}
}

// TestWSEnds looks at the status when connections end.
func TestWSEnds(t *testing.T) {
	s := serveWS(t, false)
	for _, v := range []struct {
		name, input, args string
		status            int
		want              string // said
		told              string // to the server, "" for what is not looked at
	}{
		{"by the server", "", "-wait 20s /bye", 0, "", ""},
		{"by the server, because of an error", "", "-wait 20s /error", 1, "the server closes with 1011, internal error: no\\u001b way", ""},
		{"without a word", "", "-wait 20s /gone", 1, "the server has gone without a close frame", ""},
		{"by a frame that is masked", "", "-wait 20s /masked", 1, "the server breaks the protocol: frame of a server masked", "1002 protocol error: ws: frame of a server masked"},
		{"by us", "", "/echo", 0, "", "1000 normal closure"},
		{"by us, with a code and a reason", "", "-close 4000:enough /echo", 0, "", "4000 of the program: enough"},
		{"by a line", "/close 4001 that is all\n", "-slash /echo", 0, "", "4001 of the program: that is all"},
		{"by a line of no command", "/clse\nx\n", "-slash /echo", 1, "there is no command /clse, did you mean /close? the commands are", ""},
		{"by a line with a wrong code", "/close 1005\n", "-slash /echo", 1, "want a code that may be sent", ""},
		{"by text that is none", "a\n\xff\nb\n", "/echo", 1, "line 2 is not UTF-8; -binary sends it", "1000"},
		{"by text that is none, half way", "a\n\xff\nb\n", "-whole /echo", 1, "the input is not UTF-8; -binary sends it", "1011"},
		{"by silence", "", "-wait 20s -ping 30ms /silent", 1, "the peer does not answer pings", ""},
		{"after a time", "", "-wait 30ms /echo", 0, "", "1000"},
		{"at once", "a\n", "-wait 0s /echo", 0, "", "1000"},
	} {
		t.Run(v.name, func(t *testing.T) {
			args := strings.Fields(v.args)
			args[len(args)-1] = s.URL + args[len(args)-1]
			got := runWS(t, v.input, args...)
			if got.status != v.status || !strings.Contains(got.stderr, v.want) || (got.stderr == "") != (v.want == "") || strings.Count(got.stderr, "\n") > 1 {
				t.Errorf("%+v, want status %d and %q", got, v.status, v.want)
			}
			<-s.asked
			if err := <-s.told; v.told != "" && !strings.Contains(fmt.Sprint(err), v.told) {
				t.Errorf("the server was told %v, want %q", err, v.told)
			}
		})
	}
}

// TestWSTLS trusts a certificate, or any.
func TestWSTLS(t *testing.T) {
	s := serveWS(t, true)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-insecure", s.URL}, {"-ca", ca, s.URL}} {
		if got := runWS(t, "hi\n", args...); got != (result{0, "hi\n", ""}) {
			t.Errorf("%v: %+v", args, got)
		}
		<-s.asked
	}
	other := strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	if got := runWS(t, "hi\n", "-ca", ca, other); got.status != exitFailed || !strings.Contains(got.stderr, "the server's certificate is not accepted: x509: certificate is valid for ") {
		t.Errorf("%+v", got)
	}
}

// TestWSProxy goes through the proxy of the environment, and through one of a
// flag, to a name that only the proxy knows.
func TestWSProxy(t *testing.T) {
	s := serveWS(t, false)
	asked := make(chan string, 8)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host + " " + r.Header.Get("Proxy-Authorization")
		if r.Header.Get("Proxy-Authorization") == "" {
			w.WriteHeader(407)
			return
		}
		to, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "ws://"))
		if err != nil {
			panic(err)
		}
		defer to.Close()
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			io.Copy(to, rw)
			to.(*net.TCPConn).CloseWrite()
		}()
		io.Copy(c, to)
	}))
	t.Cleanup(proxy.Close)
	with := strings.Replace(proxy.URL, "://", "://me:secret@", 1)
	for _, v := range []struct {
		name   string
		env    []string
		args   []string
		status int
		asked  string
		says   string
	}{
		{"of the environment", []string{"https_proxy=" + with}, []string{"ws://chat.test/echo"}, 0, "CONNECT chat.test:80 Basic bWU6c2VjcmV0", ""},
		{"of the environment, for HTTP", []string{"http_proxy=" + with}, []string{"ws://chat.test:81/echo"}, 0, "CONNECT chat.test:81 Basic bWU6c2VjcmV0", ""},
		{"of a flag", []string{"https_proxy=http://other.test"}, []string{"-proxy", with, "ws://chat.test/echo"}, 0, "CONNECT chat.test:80 Basic bWU6c2VjcmV0", ""},
		{"without credentials", nil, []string{"-proxy", proxy.URL, "ws://chat.test/echo"}, 1, "CONNECT chat.test:80 ", "the proxy answers 407 Proxy Authentication Required; credentials may be given as in -proxy"},
		{"none, by a flag", []string{"https_proxy=" + with}, []string{"-proxy", "none", "ws://nowhere.invalid/echo"}, 1, "", "there is no host nowhere.invalid"},
		{"none, by the environment", []string{"https_proxy=" + with, "no_proxy=.invalid"}, []string{"ws://nowhere.invalid/echo"}, 1, "", "there is no host nowhere.invalid"},
	} {
		t.Run(v.name, func(t *testing.T) {
			env := append([]string{"HTTPS_PROXY=", "HTTP_PROXY=", "NO_PROXY=", "REQUEST_METHOD="}, v.env...)
			got := runWSIn(t, env, "hi\n", v.args...)
			if got.status != v.status || !strings.Contains(got.stderr, v.says) || v.status == 0 && got.stdout != "hi\n" {
				t.Errorf("%+v, want %q", got, v.says)
			}
			said := ""
			if len(asked) > 0 {
				said = <-asked
			}
			if said != v.asked {
				t.Errorf("the proxy was asked %q, want %q", said, v.asked)
			}
		})
		for len(s.asked) > 0 {
			<-s.asked
		}
	}
}

// typing is a run of bobtail ws whose input comes bit by bit.
type typing struct {
	program
	in  io.WriteCloser
	out *bufio.Reader
}

func typeTo(t *testing.T, args ...string) *typing {
	t.Helper()
	y := &typing{program: program{t: t}}
	y.cmd = exec.Command(binary, append([]string{"ws"}, args...)...)
	y.cmd.Stderr = &y.stderr
	var err error
	if y.in, err = y.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := y.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	y.out = bufio.NewReader(out)
	if err := y.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	overdue := time.AfterFunc(patient, func() { y.cmd.Process.Kill() })
	var once sync.Once
	t.Cleanup(func() {
		once.Do(func() { overdue.Stop() })
		y.cmd.Process.Kill()
		y.cmd.Wait()
	})
	return y
}

// TestWSInterrupted closes in order when a signal comes, at whatever time.
func TestWSInterrupted(t *testing.T) {
	s := serveWS(t, false)
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		y := typeTo(t, "-close", "1001", s.URL+"/echo")
		io.WriteString(y.in, "a\n")
		if line, err := y.out.ReadString('\n'); line != "a\n" {
			t.Fatalf("%q, %v", line, err)
		}
		io.WriteString(y.in, "b\n") // messages come and go all the time
		if line, err := y.out.ReadString('\n'); line != "b\n" {
			t.Fatalf("%q, %v", line, err)
		}
		y.signal(sig)
		y.collect(y.out)
		if got := y.end(); got != (result{0, "", ""}) {
			t.Errorf("%v: %+v", sig, got)
		}
		var closed *wsconn.CloseError
		if err := <-s.told; !errors.As(err, &closed) || closed.Code != ws.CodeGoingAway {
			t.Errorf("the server was told %v", err)
		}
		<-s.asked
	}
	t.Run("twice", func(t *testing.T) {
		y := typeTo(t, s.URL+"/silent")
		<-s.asked
		// The first may come before there is a connection, and ends it then.
		y.signal(os.Interrupt)
		y.collect(y.out)
		over := make(chan result, 1)
		go func() { over <- y.end() }()
		again := time.NewTicker(50 * time.Millisecond)
		defer again.Stop()
		for {
			select {
			case got := <-over:
				if got.status != 1 || got.stderr != "bobtail: cut off\n" && !strings.Contains(got.stderr, "interrupted") {
					t.Errorf("%+v", got)
				}
				<-s.told
				return
			case <-again.C:
				y.cmd.Process.Signal(os.Interrupt)
			}
		}
	})
	t.Run("while it dials", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		y := typeTo(t, "ws://"+l.Addr().String())
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		http.ReadRequest(bufio.NewReader(c))
		y.signal(os.Interrupt)
		y.collect(y.out)
		if got := y.end(); got != (result{1, "", "bobtail: interrupted before it was connected\n"}) {
			t.Errorf("%+v", got)
		}
	})
}

// TestWSServe talks to bobtail serve.
func TestWSServe(t *testing.T) {
	input := "a\n" + strings.Repeat("0123456789", 50_000) + "\n\nb\n"
	for _, flags := range [][]string{nil, {"-tls-self"}} {
		p := start(t, flags...)
		url := "ws" + strings.TrimPrefix(p.url, "http")
		for _, path := range []string{"ws", "ws/straight"} {
			for _, compress := range []string{"-compress=false", "-compress"} {
				if got := runWS(t, input, compress, "-insecure", url+path); got != (result{0, input, ""}) {
					t.Errorf("%v /%s %s: %d, %d bytes, %q", flags, path, compress, got.status, len(got.stdout), got.stderr)
				}
			}
			if got := runWS(t, noise, "-binary", "-whole", "-insecure", url+path); got != (result{0, noise, ""}) {
				t.Errorf("%v /%s, whole: %d, %d bytes, %q", flags, path, got.status, len(got.stdout), got.stderr)
			}
		}
		if got := runWS(t, "", "-insecure", url+"none"); got.status != exitFailed || !strings.Contains(got.stderr, "the server answers 404") {
			t.Errorf("%v: %+v", flags, got)
		}
		if got := runWS(t, "", "-insecure", "-origin", "https://elsewhere.test", url+"ws"); got.status != exitFailed || !strings.Contains(got.stderr, "the server answers 403") {
			t.Errorf("%v: %+v", flags, got)
		}
		y := typeTo(t, "-insecure", url+"ws")
		io.WriteString(y.in, "x\n")
		if line, err := y.out.ReadString('\n'); line != "x\n" {
			t.Fatalf("%q, %v", line, err)
		}
		p.signal(os.Interrupt) // a server that goes says so
		y.collect(y.out)
		if got := y.end(); got != (result{0, "", ""}) {
			t.Errorf("%v: %+v", flags, got)
		}
		if got := p.end(); got.status != 0 {
			t.Errorf("%v: %+v", flags, got)
		}
	}
}
