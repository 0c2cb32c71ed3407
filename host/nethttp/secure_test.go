package nethttp_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/host/nethttp"
	"github.com/bobtail-go/bobtail/transport/netstd"
	"github.com/bobtail-go/bobtail/transport/secure"
)

// TestHijackSecure takes connections over from a server that speaks TLS on one
// of its ports: a plain one, and one in TLS, with bytes behind the request.
func TestHijackSecure(t *testing.T) {
	cert, err := secure.SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	inner, err := netstd.New(netstd.Config{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := secure.New(inner, secure.Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := bobtail.New(bobtail.Config{Backend: b, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	failed := make(chan error, 2)
	if err = srv.Add(nethttp.Route("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			failed <- err
			return
		}
		defer c.Close()
		_, isTLS := c.(interface{ ConnectionState() tls.ConnectionState })
		if isTLS != (r.URL.Path == "/secure") {
			t.Errorf("%s: the connection is a %T", r.URL.Path, c)
		}
		_, err = io.CopyN(rw, rw, int64(len("behind and more")))
		rw.Flush()
		failed <- err
	}))); err != nil {
		t.Fatal(err)
	}
	trust := x509.NewCertPool()
	trust.AddCert(cert.Leaf)
	for _, test := range []struct {
		at, path string
		dial     func(addr string) (net.Conn, error)
	}{
		{"127.0.0.1:0", "/plain", func(addr string) (net.Conn, error) { return net.Dial("tcp", addr) }},
		{"https://127.0.0.1:0", "/secure", func(addr string) (net.Conn, error) {
			return tls.Dial("tcp", addr, &tls.Config{RootCAs: trust, ServerName: "localhost"})
		}},
	} {
		a, err := srv.Listen(test.at)
		if err == nil && test.path == "/plain" {
			err = srv.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		c, err := test.dial(a.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "GET "+test.path+" HTTP/1.1\r\nHost: h\r\n\r\nbehind")
		io.WriteString(c, " and more")
		if err := within(t, failed, "the hijack"); err != nil {
			t.Errorf("%s: %v", test.path, err)
		}
		if got, err := io.ReadAll(c); string(got) != "behind and more" || err != nil {
			t.Errorf("%s: echo is %q, %v", test.path, got, err)
		}
	}
}
