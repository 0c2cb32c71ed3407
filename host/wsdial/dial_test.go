package wsdial_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// TestRequest compares what is sent, byte by byte.
func TestRequest(t *testing.T) {
	zeros := bytes.NewReader(make([]byte, 1<<10))
	for _, v := range []struct {
		name, url string
		config    wsdial.Config
		want      string
	}{
		{"as plain as can be", "ws://a.test", wsdial.Config{}, "GET / HTTP/1.1\r\nHost: a.test\r\n| \r\n"},
		{"target and port", "ws://a.test:81/x%20y?q=1&r", wsdial.Config{}, "GET /x%20y?q=1&r HTTP/1.1\r\nHost: a.test:81\r\n| \r\n"},
		{"the usual port", "ws://a.test:80/", wsdial.Config{}, "GET / HTTP/1.1\r\nHost: a.test\r\n| \r\n"},
		{"a query without a path", "ws://a.test?q", wsdial.Config{}, "GET /?q HTTP/1.1\r\nHost: a.test\r\n| \r\n"},
		{"an address of IPv6 with a zone", "ws://[fe80::1%25eth0]:8080/", wsdial.Config{}, "GET / HTTP/1.1\r\nHost: [fe80::1]:8080\r\n| \r\n"},
		{"scheme of HTTP", "HTTP://a.test/", wsdial.Config{}, "GET / HTTP/1.1\r\nHost: a.test\r\n| \r\n"},
		{"a user", "ws://me:secret@a.test/", wsdial.Config{}, "GET / HTTP/1.1\r\nHost: a.test\r\n|Authorization: Basic bWU6c2VjcmV0\r\n \r\n"},
		{"a user, and credentials that count more", "ws://me:secret@a.test/", wsdial.Config{Header: http.Header{"Authorization": {"Bearer x"}}},
			"GET / HTTP/1.1\r\nHost: a.test\r\n|Authorization: Bearer x\r\n \r\n"},
		{"everything", "ws://a.test/", wsdial.Config{Host: "b.test", Origin: "https://c.test", Protocols: []string{"x", "y"}, Header: http.Header{"B": {"1", "2"}, "A": {""}}},
			"GET / HTTP/1.1\r\nHost: b.test\r\n|Origin: https://c.test\r\nSec-WebSocket-Protocol: x, y\r\nA: \r\nB: 1\r\nB: 2\r\n \r\n"},
	} {
		t.Run(v.name, func(t *testing.T) {
			got := make(chan string, 1)
			v.config.Rand = zeros
			v.config.Proxy = wsdial.Direct
			v.config.Connect = func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				go func() {
					defer theirs.Close()
					b := make([]byte, 4096)
					n, _ := theirs.Read(b)
					got <- string(b[:n])
				}()
				return ours, nil
			}
			if err := refused(t, v.url, v.config); !errors.Is(err, wsdial.ErrSilent) {
				t.Error(err)
			}
			const fixed = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
			want := strings.ReplaceAll(strings.Replace(v.want, "|", fixed, 1), "\r\n \r\n", "\r\n\r\n")
			want = strings.Replace(want, fixed+" \r\n", fixed+"\r\n", 1)
			if g := within(t, got, "the request"); g != want {
				t.Errorf("got  %q\nwant %q", g, want)
			}
		})
	}
}

// TestMisuse wants errors before anything is sent.
func TestMisuse(t *testing.T) {
	for _, v := range []struct {
		name, url string
		config    wsdial.Config
		want      error
	}{
		{"no URL at all", "ws://a b/", wsdial.Config{}, wsdial.ErrURL},
		{"another scheme", "ftp://a.test/", wsdial.Config{}, wsdial.ErrURL},
		{"no scheme", "a.test/", wsdial.Config{}, wsdial.ErrURL},
		{"no host", "ws:///x", wsdial.Config{}, wsdial.ErrURL},
		{"no slashes", "ws:a.test", wsdial.Config{}, wsdial.ErrURL},
		{"a port alone", "ws://:80/", wsdial.Config{}, wsdial.ErrURL},
		{"a fragment", "ws://a.test/#x", wsdial.Config{}, wsdial.ErrFragment},
		{"a name to be encoded", "ws://\u00e4.test/", wsdial.Config{}, wsdial.ErrHost},
		{"a field of the handshake", "ws://a.test/", wsdial.Config{Header: http.Header{"sec-websocket-key": {"x"}}}, wsdial.ErrField},
		{"the origin as a field", "ws://a.test/", wsdial.Config{Header: http.Header{"Origin": {"x"}}}, wsdial.ErrField},
		{"a negative time", "ws://a.test/", wsdial.Config{Timeout: -1}, wsdial.ErrConfig},
		{"a negative number", "ws://a.test/", wsdial.Config{Redirects: -1}, wsdial.ErrConfig},
		{"a field with two lines", "ws://a.test/", wsdial.Config{Header: http.Header{"A": {"x\r\nB: y"}}}, ws.ErrRequestField},
		{"a subprotocol that is none", "ws://a.test/", wsdial.Config{Protocols: []string{"a b"}}, ws.ErrRequestProtocol},
		{"a subprotocol twice", "ws://a.test/", wsdial.Config{Protocols: []string{"a", "a"}}, ws.ErrRequestProtocol},
		{"an origin that is none", "ws://a.test/", wsdial.Config{Origin: "a b"}, ws.ErrRequestOrigin},
		{"a host that is none", "ws://a.test/", wsdial.Config{Host: "a/b"}, ws.ErrRequestHost},
		{"no entropy", "ws://a.test/", wsdial.Config{Rand: strings.NewReader("0123456789")}, io.ErrUnexpectedEOF},
	} {
		t.Run(v.name, func(t *testing.T) {
			v.config.Connect = func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				go func() {
					defer theirs.Close()
					b := make([]byte, 1)
					if n, _ := theirs.Read(b); n > 0 {
						t.Error("something was sent")
					}
				}()
				return ours, nil
			}
			v.config.Proxy = wsdial.Direct
			if err := refused(t, v.url, v.config); !errors.Is(err, v.want) {
				t.Errorf("%v, want %v", err, v.want)
			}
		})
	}
	t.Run("secrets are not shown", func(t *testing.T) {
		for _, u := range []string{"ws://me:secret@a.test:0x/?secret", "ws://me:secret@a.test/?token=secret#secret"} {
			if err := refused(t, u, wsdial.Config{}); strings.Contains(err.Error(), "secret") {
				t.Errorf("%v", err)
			}
		}
	})
}

// TestAnswers are answers that do not open a connection.
func TestAnswers(t *testing.T) {
	const fields = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: KEY\r\n"
	const head = "HTTP/1.1 101 Switching Protocols\r\n" + fields
	for _, v := range []struct {
		name, answer string
		want         error
	}{
		{"nothing", "", wsdial.ErrSilent},
		{"cut off", "HTTP/1.1 101 Switching Pro", wsconn.ErrTruncated},
		{"no HTTP", "SSH-2.0-OpenSSH_9.9\r\n", ws.ErrAnswerLine},
		{"an alert of TLS", "\x15\x03\x01\x00\x02\x02\x46", ws.ErrAnswerLine},
		{"101 of HTTP/1.0", "HTTP/1.0 101 Switching Protocols\r\n" + fields + "\r\n", ws.ErrAnswerLine},
		{"wrong accept key", strings.Replace(head, "KEY", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", 1) + "\r\n", ws.ErrAccept},
		{"accept key twice", head + "Sec-WebSocket-Accept: KEY\r\n\r\n", ws.ErrAccept},
		{"no Upgrade", strings.Replace(head, "Upgrade: websocket\r\n", "", 1) + "\r\n", ws.ErrAnswerUpgrade},
		{"no Connection", strings.Replace(head, "Connection: Upgrade\r\n", "", 1) + "\r\n", ws.ErrAnswerConnection},
		{"subprotocol not offered", head + "Sec-WebSocket-Protocol: b\r\n\r\n", ws.ErrAnswerProtocol},
		{"the client's whole list", head + "Sec-WebSocket-Protocol: x, y\r\n\r\n", ws.ErrAnswerProtocol},
		{"extension not offered", head + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", ws.ErrAnswerExtension},
		{"no extension, where none was offered", head + "Sec-WebSocket-Extensions: \r\n\r\n", ws.ErrAnswerExtension},
		{"a malformed field", head + "A : b\r\n\r\n", ws.ErrAnswerField},
		{"a head without an end", "HTTP/1.1 101 Switching Protocols\r\n" + strings.Repeat("A: b\r\n", 1<<14), ws.ErrAnswerLong},
		{"interim answers without an end", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 1<<12), ws.ErrAnswerLong},
	} {
		t.Run(v.name, func(t *testing.T) {
			url := "ws://" + script(t, says(v.answer)) + "/"
			if err := refused(t, url, wsdial.Config{Protocols: []string{"x", "y"}}); !errors.Is(err, v.want) {
				t.Errorf("%v, want %v", err, v.want)
			}
		})
	}
}

// TestRefusals are statuses other than 101.
func TestRefusals(t *testing.T) {
	for _, v := range []struct {
		name, answer string
		code         int
		status, body string
	}{
		{"not found", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", 404, "404 Not Found", "none"},
		{"chunked", "HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nla\r\n3\r\nter\r\n0\r\n\r\n", 503, "503 Busy", "later"},
		{"until the end, of HTTP/1.0", "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n", 400, "400 Bad Request", "Client sent an HTTP request to an HTTPS server.\n"},
		{"a page", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "200 OK", "abc"},
		{"another version", "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 12\r\nContent-Length: 0\r\n\r\n", 426, "426 Upgrade Required", ""},
		{"behind an interim answer", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno", 401, "401 Unauthorized", "no"},
		{"not as strict", "HTTP/1.1 403 Forbidden\nContent-Length: 2\n\nno", 403, "403 Forbidden", "no"},
		{"without a reason", "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", 404, "404", ""},
		{"a body that is cut off", "HTTP/1.1 404 Not Found\r\nContent-Length: 400\r\n\r\nnone", 404, "404 Not Found", "none"},
		{"a long body", "HTTP/1.1 404 Not Found\r\nContent-Length: 40000\r\n\r\n" + strings.Repeat("0123456789", 4000), 404, "404 Not Found", strings.Repeat("0123456789", 103)[:1024]},
	} {
		t.Run(v.name, func(t *testing.T) {
			err := refused(t, "ws://"+script(t, says(v.answer)), wsdial.Config{})
			var e *wsdial.StatusError
			if !errors.As(err, &e) || e.Code != v.code || e.Status != v.status || string(e.Body) != v.body || e.Proxy {
				t.Fatalf("%v: %+v", err, e)
			}
			if v.code == 426 && e.Header.Get("Sec-WebSocket-Version") != "12" {
				t.Errorf("%v", e.Header)
			}
			if !strings.Contains(err.Error(), v.status) {
				t.Errorf("%q does not tell %q", err, v.status)
			}
		})
	}
}

// TestSlowBody wants a refusal within a second, whatever its body takes.
func TestSlowBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := wsdial.Config{Proxy: wsdial.Direct, Connect: pipe(t, func(c net.Conn) {
			says("HTTP/1.1 404 Not Found\r\nContent-Length: 400\r\n\r\nno")(c)
			io.Copy(io.Discard, c)
		})}
		before := time.Now()
		_, err := wsdial.Dial(t.Context(), "ws://a.test/", c)
		var e *wsdial.StatusError
		if !errors.As(err, &e) || string(e.Body) != "no" || time.Since(before) != time.Second {
			t.Errorf("%v after %v", err, time.Since(before))
		}
	})
}

// pipe is a Config.Connect to what does as f says.
func pipe(t *testing.T, f func(c net.Conn)) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		over := make(chan bool)
		go func() {
			defer close(over)
			defer theirs.Close()
			f(theirs)
		}()
		t.Cleanup(func() { theirs.Close(); <-over })
		return ours, nil
	}
}

// TestTime wants every step of Dial to end with its context, and with its time.
func TestTime(t *testing.T) {
	proxy := func(scheme string) func(*http.Request) (*url.URL, error) {
		return http.ProxyURL(&url.URL{Scheme: scheme, Host: "proxy.test", User: url.UserPassword("me", "secret")})
	}
	for _, v := range []struct {
		name, url string
		config    wsdial.Config
		op        string
	}{
		{"connect", "ws://a.test/", wsdial.Config{Connect: func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }}, wsdial.OpConnect},
		{"handshake of TLS", "wss://a.test/", wsdial.Config{}, wsdial.OpTLS},
		{"request", "ws://a.test/", wsdial.Config{Connect: pipe(t, func(c net.Conn) { <-t.Context().Done() })}, wsdial.OpHandshake},
		{"answer", "ws://a.test/", wsdial.Config{}, wsdial.OpHandshake},
		{"proxy", "ws://a.test/", wsdial.Config{Proxy: proxy("http")}, wsdial.OpProxy},
		{"proxy behind TLS", "ws://a.test/", wsdial.Config{Proxy: proxy("https")}, wsdial.OpProxy},
		{"proxy of SOCKS", "ws://a.test/", wsdial.Config{Proxy: proxy("socks5")}, wsdial.OpProxy},
	} {
		for _, how := range []string{"default", "timeout", "deadline", "cancel"} {
			t.Run(v.name+", "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := v.config
					switch {
					case v.name == "request":
						c.Connect = pipe(t, func(c net.Conn) { <-t.Context().Done() })
					case c.Connect == nil:
						c.Connect = pipe(t, waits)
					}
					if c.Proxy == nil {
						c.Proxy = wsdial.Direct
					}
					ctx, cancel := context.WithCancelCause(context.Background())
					defer cancel(nil)
					want, after := context.DeadlineExceeded, 2*time.Second
					switch how {
					case "default":
						after = 30 * time.Second
					case "timeout":
						c.Timeout = after
					case "deadline":
						d, stop := context.WithTimeout(ctx, after)
						defer stop()
						ctx = d
					case "cancel":
						want = errors.New("changed my mind")
						time.AfterFunc(after, func() { cancel(want) })
					}
					before := time.Now()
					conn, err := wsdial.Dial(ctx, v.url, c)
					took := time.Since(before)
					var step *wsdial.OpError
					if conn != nil || !errors.Is(err, want) || took != after || !errors.As(err, &step) || step.Op != v.op {
						t.Errorf("%v after %v, want %v after %v at %s", err, took, want, after, v.op)
					}
				})
			})
		}
	}
}

// TestTLS dials wss.
func TestTLS(t *testing.T) {
	protocols := make(chan string, 1)
	s := serveOn(t, func(w http.ResponseWriter, r *http.Request) {
		protocols <- r.Proto + " " + r.TLS.NegotiatedProtocol + " " + r.TLS.ServerName
		echo(w, r)
	}, true)
	trust := x509.NewCertPool()
	trust.AddCert(s.Certificate())
	config := &tls.Config{RootCAs: trust, NextProtos: []string{"h2", "http/1.1"}}
	c := dial(t, s.URL, wsdial.Config{TLS: config})
	if got := <-protocols; got != "HTTP/1.1 http/1.1 " {
		t.Errorf("%q", got)
	}
	wantEcho(t, c, "hello")
	if _, ok := c.NetConn().(*tls.Conn); !ok {
		t.Errorf("over a %T", c.NetConn())
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if len(config.NextProtos) != 2 || config.ServerName != "" {
		t.Error("the configuration was changed")
	}

	c = dial(t, s.URL, wsdial.Config{TLS: &tls.Config{RootCAs: trust, ServerName: "example.com"}})
	if got := <-protocols; got != "HTTP/1.1 http/1.1 example.com" {
		t.Errorf("%q", got)
	}
	c.Close()

	var unknown x509.UnknownAuthorityError
	if err := refused(t, s.URL, wsdial.Config{}); !errors.As(err, &unknown) {
		t.Errorf("%v", err)
	}
	var name x509.HostnameError
	if err := refused(t, s.URL, wsdial.Config{TLS: &tls.Config{RootCAs: trust, ServerName: "other.test"}}); !errors.As(err, &name) {
		t.Errorf("%v", err)
	}
	var e *wsdial.StatusError
	if err := refused(t, "ws"+strings.TrimPrefix(s.URL, "wss"), wsdial.Config{}); !errors.As(err, &e) || e.Code != 400 {
		t.Errorf("ws to wss: %v", err)
	}
	var record tls.RecordHeaderError
	if err := refused(t, "wss"+strings.TrimPrefix(serve(t, echo), "ws"), wsdial.Config{}); !errors.As(err, &record) {
		t.Errorf("wss to ws: %v", err)
	}
}

// TestRedirects follows some.
func TestRedirects(t *testing.T) {
	var seen []string // what each request has of credentials
	var first, other, secure string
	handler := func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.URL.Path+" "+r.Header.Get("Authorization")+" "+r.Header.Get("Cookie")+" "+r.Header.Get("X"))
		to := map[string]string{
			"/here": "/echo", "/relative": "echo", "/loop": "/loop", "/other": other + "echo", "/http": "http" + strings.TrimPrefix(first, "ws") + "echo",
			"/back": other + "back2", "/back2": first + "echo", "/up": secure + "echo", "/down": first + "echo", "/ftp": "ftp://a.test/", "/user": strings.Replace(first, "://", "://you:too@", 1) + "echo",
			"/nowhere": "", "/fragment": "/echo#x",
		}
		if l, ok := to[r.URL.Path]; ok {
			if l != "" {
				w.Header().Set("Location", l)
			}
			w.WriteHeader(http.StatusTemporaryRedirect)
			return
		}
		echo(w, r)
	}
	first, other = serve(t, handler), serve(t, handler)
	s := serveOn(t, handler, true)
	secure = s.URL
	trust := x509.NewCertPool()
	trust.AddCert(s.Certificate())
	me := "Basic bWU6c2VjcmV0"
	for _, v := range []struct {
		name, from string
		n          int
		want       error
		seen       string
	}{
		{"not followed", first + "here", 0, nil, "/here " + me + " a=b c"},
		{"followed", first + "here", 1, nil, "/here " + me + " a=b c|/echo " + me + " a=b c"},
		{"relative", first + "relative", 1, nil, "/relative " + me + " a=b c|/echo " + me + " a=b c"},
		{"to a fragment", first + "fragment", 1, nil, "/fragment " + me + " a=b c|/echo " + me + " a=b c"},
		{"to the scheme of HTTP", first + "http", 1, nil, "/http " + me + " a=b c|/echo " + me + " a=b c"},
		{"to another user", first + "user", 1, nil, "/user " + me + " a=b c|/echo " + me + " a=b c"},
		{"to another server", first + "other", 1, nil, "/other " + me + " a=b c|/echo   c"},
		{"there and back", first + "back", 2, nil, "/back " + me + " a=b c|/back2   c|/echo   c"},
		{"to TLS", first + "up", 1, nil, "/up " + me + " a=b c|/echo   c"},
		{"from TLS", secure + "down", 5, wsdial.ErrDowngrade, "/down " + me + " a=b c"},
		{"in a loop", first + "loop", 2, wsdial.ErrRedirects, "/loop " + me + " a=b c|/loop " + me + " a=b c|/loop " + me + " a=b c"},
		{"to no WebSocket", first + "ftp", 5, wsdial.ErrLocation, "/ftp " + me + " a=b c"},
		{"to nowhere", first + "nowhere", 5, nil, "/nowhere " + me + " a=b c"},
	} {
		t.Run(v.name, func(t *testing.T) {
			seen = nil
			header := http.Header{"Cookie": {"a=b"}, "X": {"c"}}
			config := wsdial.Config{Header: header, Redirects: v.n, TLS: &tls.Config{RootCAs: trust}}
			conn, err := wsdial.Dial(t.Context(), strings.Replace(v.from, "://", "://me:secret@", 1), config)
			if err == nil {
				conn.Close()
			}
			if got := strings.Join(seen, "|"); got != v.seen {
				t.Errorf("got  %q\nwant %q", got, v.seen)
			}
			if len(header) != 2 {
				t.Error("the header was changed")
			}
			var e *wsdial.StatusError
			switch {
			case v.want != nil:
				if !errors.Is(err, v.want) {
					t.Errorf("%v, want %v", err, v.want)
				}
			case strings.Contains(v.seen, "echo"):
				if err != nil {
					t.Error(err)
				}
			case !errors.As(err, &e) || e.Code != 307:
				t.Errorf("%v", err)
			case v.name == "not followed" && (e.Location() != "/echo" || !strings.Contains(err.Error(), "/echo")):
				t.Errorf("%v", err)
			}
		})
	}
}

// TestJar sends cookies and keeps those of answers.
func TestJar(t *testing.T) {
	got := make(chan string, 3)
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("Cookie")
		if r.URL.Path == "/refuse" {
			http.SetCookie(w, &http.Cookie{Name: "refused", Value: "1", Path: "/"})
			w.WriteHeader(403)
			return
		}
		_, c := upgrade(w, r, answer{fields: "Set-Cookie: accepted=2; Path=/\r\n"})
		c.Close()
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	config := wsdial.Config{Jar: jar, Header: http.Header{"Cookie": {"own=0"}}}
	refused(t, base+"refuse", config)
	dial(t, base, config).CloseNow()
	dial(t, base, config).CloseNow()
	for _, want := range []string{"own=0", "own=0; refused=1", "own=0; refused=1; accepted=2"} {
		if c := <-got; c != want {
			t.Errorf("cookies %q, want %q", c, want)
		}
	}
}

// TestFirstSegment has frames come with the answer.
func TestFirstSegment(t *testing.T) {
	long := strings.Repeat("0123456789", 1000)
	frame := func(op ws.Opcode, text string) []byte {
		return ws.AppendFrame(nil, ws.Header{Op: op, Fin: true}, []byte(text))
	}
	for _, v := range []struct {
		name   string
		behind []byte
		want   []string
	}{
		{"one message", frame(ws.OpText, "hello"), []string{"hello"}},
		{"some", append(frame(ws.OpText, "hello"), frame(ws.OpBinary, "you")...), []string{"hello", "you"}},
		{"more than a buffer", append(frame(ws.OpText, long), frame(ws.OpText, "end")...), []string{long, "end"}},
		{"half of one", frame(ws.OpText, "hello")[:3], nil},
		{"closed at once", frame(ws.OpClose, "\x03\xe8bye"), nil},
	} {
		t.Run(v.name, func(t *testing.T) {
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, c := upgrade(w, r, answer{protocol: "b", fields: "X: y\r\n", behind: v.behind})
				defer c.Close()
				c.(*net.TCPConn).CloseWrite()
				io.Copy(io.Discard, c)
			})
			c := dial(t, base, wsdial.Config{Protocols: []string{"a", "b"}, Memory: 1024})
			if c.Protocol() != "b" || c.Header().Get("X") != "y" {
				t.Errorf("subprotocol %q, header %v", c.Protocol(), c.Header())
			}
			for _, want := range v.want {
				if _, got, err := c.Receive(); err != nil || string(got) != want {
					t.Errorf("%.20q, %v, want %.20q", got, err, want)
				}
			}
			_, _, err := c.Receive()
			var closed *wsconn.CloseError
			if v.name == "closed at once" {
				if !errors.As(err, &closed) || closed.Code != ws.CodeNormal || string(closed.Reason) != "bye" {
					t.Errorf("%v", err)
				}
			} else if !errors.Is(err, wsconn.ErrAbnormal) {
				t.Errorf("%v", err)
			}
		})
	}
}

// wantEcho sends a text and wants it back.
func wantEcho(t *testing.T, c *wsdial.Conn, text string) {
	t.Helper()
	if err := c.WriteText(text); err != nil {
		t.Fatal(err)
	}
	if op, got, err := c.Receive(); err != nil || op != ws.OpText || string(got) != text {
		t.Fatalf("%v %.40q, %v, want %.40q", op, got, err, text)
	}
}
