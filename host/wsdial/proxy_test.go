package wsdial_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/host/wsdial"
)

// TestEnvironment finds the proxies that TestMain has named.
func TestEnvironment(t *testing.T) {
	for _, v := range []struct{ url, want string }{
		{"https://a.test:443", "http://secure.test:2"},
		{"http://a.test:80", "http://secure.test:2"}, // RFC 6455 section 4.1
		{"https://direct.test:443", ""},
		{"http://direct.test:80", ""},
		{"http://port.test:81", ""},
		{"http://port.test:80", "http://secure.test:2"},
		{"http://127.0.0.1:80", ""},
		{"http://localhost:80", ""},
	} {
		u, err := url.Parse(v.url)
		if err != nil {
			t.Fatal(err)
		}
		p, err := wsdial.Environment(&http.Request{URL: u})
		got := ""
		if p != nil {
			got = p.String()
		}
		if err != nil || got != v.want {
			t.Errorf("%s: %q, %v, want %q", v.url, got, err, v.want)
		}
	}
	if p, err := wsdial.Direct(&http.Request{}); p != nil || err != nil {
		t.Errorf("%v, %v", p, err)
	}
}

// TestProxyIsAsked wants the Config's function to be asked as http.Transport's
// would be, and its error told.
func TestProxyIsAsked(t *testing.T) {
	for _, v := range []struct{ url, want string }{
		{"ws://me:secret@a.test/x?y", "http://a.test:80/x?y"},
		{"wss://a.test:81", "https://a.test:81"},
	} {
		no := errors.New("no")
		err := refused(t, v.url, wsdial.Config{Proxy: func(r *http.Request) (*url.URL, error) {
			if got := r.URL.String(); got != v.want {
				t.Errorf("%s, want %s", got, v.want)
			}
			return nil, no
		}})
		var step *wsdial.OpError
		if !errors.Is(err, no) || !errors.As(err, &step) || step.Op != wsdial.OpProxy {
			t.Errorf("%v", err)
		}
	}
}

// tunnels is a script: a proxy that connects to what it is asked for, or, if
// there is one, to where the map says. It notes what it was asked.
func tunnels(asked chan<- string, at map[string]string) func(c net.Conn) {
	return func(c net.Conn) {
		in := bufio.NewReader(c)
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		asked <- fmt.Sprintf("%s %s %s %s", r.Method, r.RequestURI, r.Host, r.Header.Get("Proxy-Authorization"))
		join(c, in, at[r.Host], "HTTP/1.1 200 Connection established\r\n\r\n")
	}
}

// join connects a client and a server until one of them has enough.
func join(c net.Conn, in io.Reader, to, answer string) {
	s, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer s.Close()
	io.WriteString(c, answer)
	over := make(chan bool)
	go func() {
		defer close(over)
		io.Copy(s, in)
		s.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(c, s)
	c.Close()
	<-over
}

func hostOf(t *testing.T, ws string) string {
	u, err := url.Parse(ws)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// TestProxy dials through one, with TLS and without, to a name that only the
// proxy knows.
func TestProxy(t *testing.T) {
	plain := serve(t, echo)
	s := serveOn(t, echo, true)
	trust := x509.NewCertPool()
	trust.AddCert(s.Certificate())
	// The certificate is for example.com.
	at := map[string]string{"example.com:80": hostOf(t, plain), "example.com:443": hostOf(t, s.URL)}
	asked := make(chan string, 1)
	secret := script(t, func(c net.Conn) { // a proxy that is reached by TLS
		tunnels(asked, at)(tls.Server(c, &tls.Config{Certificates: s.TLS.Certificates}))
	})
	for _, v := range []struct{ name, proxy, url, want string }{
		{"ws behind TLS, with a name of the server's", "https://" + secret, "ws://example.com/name", "CONNECT example.com:80 example.com:80 "},
		{"ws", "http://" + script(t, tunnels(asked, at)), "ws://example.com/x", "CONNECT example.com:80 example.com:80 "},
		{"wss", "http://" + script(t, tunnels(asked, at)), "wss://example.com/x", "CONNECT example.com:443 example.com:443 "},
		{"with credentials", "http://me:secret@" + script(t, tunnels(asked, at)), "ws://you:hidden@example.com/", "CONNECT example.com:80 example.com:80 Basic bWU6c2VjcmV0"},
		{"ws behind TLS", "https://" + secret, "ws://example.com/", "CONNECT example.com:80 example.com:80 "},
		{"wss behind TLS", "https://" + secret, "wss://example.com/", "CONNECT example.com:443 example.com:443 "},
	} {
		t.Run(v.name, func(t *testing.T) {
			proxy, err := url.Parse(v.proxy)
			if err != nil {
				t.Fatal(err)
			}
			config := &tls.Config{RootCAs: trust}
			if strings.HasSuffix(v.url, "/name") {
				config.ServerName = "other.test"
			}
			c := dial(t, v.url, wsdial.Config{Proxy: http.ProxyURL(proxy), TLS: config})
			if got := within(t, asked, "the proxy"); got != v.want {
				t.Errorf("%q, want %q", got, v.want)
			}
			wantEcho(t, c, "hello")
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestProxyRefuses has proxies answer what does not connect.
func TestProxyRefuses(t *testing.T) {
	for _, v := range []struct {
		name, answer string
		code         int
		want         error
	}{
		{"credentials wanted", "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno", 407, nil},
		{"bad gateway", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno", 502, nil},
		{"behind an interim answer (RFC 9110 section 15.2)", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno", 502, nil},
		{"interim answers without an end", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 1<<12), 0, wsdial.ErrProxyAnswer},
		{"a redirect", "HTTP/1.1 302 Found\r\nLocation: ws://a.test/\r\nContent-Length: 2\r\n\r\nno", 302, nil},
		{"no HTTP", "hello\r\n\r\n", 0, wsdial.ErrProxyAnswer},
		{"nothing", "", 0, wsdial.ErrProxyAnswer},
		{"a head without an end", "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 1<<14), 0, wsdial.ErrProxyAnswer},
		{"more than its answer", "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n", 0, wsdial.ErrProxyAnswer},
	} {
		t.Run(v.name, func(t *testing.T) {
			proxy := &url.URL{Scheme: "http", Host: script(t, says(v.answer))}
			err := refused(t, "ws://a.test/", wsdial.Config{Proxy: http.ProxyURL(proxy), Redirects: 5})
			var e *wsdial.StatusError
			switch {
			case v.want != nil:
				if !errors.Is(err, v.want) {
					t.Errorf("%v, want %v", err, v.want)
				}
			case !errors.As(err, &e) || e.Code != v.code || !e.Proxy || string(e.Body) != "no":
				t.Errorf("%v", err)
			}
		})
	}
	for _, p := range []*url.URL{{Scheme: "ftp", Host: "a.test"}, {Scheme: "http"}} {
		if err := refused(t, "ws://a.test/", wsdial.Config{Proxy: http.ProxyURL(p)}); !errors.Is(err, wsdial.ErrProxy) {
			t.Errorf("%v: %v", p, err)
		}
	}
	t.Run("without an end", func(t *testing.T) {
		proxy := &url.URL{Scheme: "http", Host: script(t, func(c net.Conn) {
			_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for err == nil {
				_, err = io.WriteString(c, "A: b\r\n")
			}
		})}
		if err := refused(t, "ws://a.test/", wsdial.Config{Proxy: http.ProxyURL(proxy)}); !errors.Is(err, wsdial.ErrProxyAnswer) {
			t.Error(err)
		}
	})
	unreachable, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unreachable.Close()
	proxy := &url.URL{Scheme: "http", Host: unreachable.Addr().String()}
	var network *net.OpError
	if err := refused(t, "ws://a.test/", wsdial.Config{Proxy: http.ProxyURL(proxy)}); !errors.As(err, &network) {
		t.Errorf("%v", err)
	}
}

// TestSOCKS dials through a proxy of SOCKS 5, which answers by a script: what
// must come, in hexadecimal digits, and what is then said.
func TestSOCKS(t *testing.T) {
	to := hostOf(t, serve(t, echo))
	const hello, helloUser = "050100", "050102"
	const login = "0102" + "6d65" + "06" + "736563726574" // me, secret
	const connect = "05010003" + "06" + "612e74657374" + "0050"
	for _, v := range []struct {
		name, url, user string
		steps           []string // what comes, what is said, by turns
		want            error
	}{
		{"a name", "ws://a.test/", "", []string{hello, "0500", connect, "050000010a0000010050"}, nil},
		{"a name, bound to one", "ws://a.test/", "", []string{hello, "0500", connect, "05000003" + "03616263" + "0050"}, nil},
		{"an address of IPv4", "ws://192.0.2.1:258/", "", []string{hello, "0500", "05010001c00002010102", "050000010a0000010050"}, nil},
		{"an address of IPv6", "ws://[2001:db8::1]/", "", []string{hello, "0500", "0501000420010db80000000000000000000000010050", "0500000400000000000000000000000000000000" + "0050"}, nil},
		{"a user", "ws://a.test/", "me:secret", []string{helloUser, "0502", login, "0100", connect, "050000010a0000010050"}, nil},
		{"a wrong user", "ws://a.test/", "me:secret", []string{helloUser, "0502", login, "0101"}, wsdial.ErrProxyUser},
		{"a user wanted", "ws://a.test/", "", []string{hello, "05ff"}, wsdial.ErrProxyUser},
		{"another version", "ws://a.test/", "", []string{hello, "0400"}, wsdial.ErrProxyAnswer},
		{"no SOCKS", "ws://a.test/", "", []string{hello, "4854"}, wsdial.ErrProxyAnswer},
		{"cut off", "ws://a.test/", "", []string{hello, "05"}, wsdial.ErrProxyAnswer},
		{"refused", "ws://a.test/", "", []string{hello, "0500", connect, "050500010a0000010050"}, wsdial.ErrProxyRefused},
		{"an unknown kind of address", "ws://a.test/", "", []string{hello, "0500", connect, "050000020a0000010050"}, wsdial.ErrProxyAnswer},
		{"a user too long", "ws://a.test/", strings.Repeat("a", 256) + ":b", []string{helloUser, "0502"}, wsdial.ErrProxyUser},
	} {
		t.Run(v.name, func(t *testing.T) {
			proxy := script(t, func(c net.Conn) {
				for i := 0; i < len(v.steps); i += 2 {
					want := unhex(v.steps[i])
					got := make([]byte, len(want))
					if n, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
						t.Errorf("step %d: %x, %v, want %x", i, got[:n], err, want)
						return
					}
					if i+2 < len(v.steps) || v.want != nil {
						c.Write(unhex(v.steps[i+1]))
					} else {
						join(c, c, to, string(unhex(v.steps[i+1])))
					}
				}
			})
			p, err := url.Parse("socks5h://" + proxy)
			if err != nil {
				t.Fatal(err)
			}
			if name, password, ok := strings.Cut(v.user, ":"); ok {
				p.User = url.UserPassword(name, password)
			}
			config := wsdial.Config{Proxy: http.ProxyURL(p)}
			if v.want != nil {
				if err := refused(t, v.url, config); !errors.Is(err, v.want) {
					t.Errorf("%v, want %v", err, v.want)
				}
				return
			}
			c := dial(t, v.url, config)
			wantEcho(t, c, "hello")
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func unhex(s string) (b []byte) {
	fmt.Sscanf(s, "%x", &b)
	return b
}
