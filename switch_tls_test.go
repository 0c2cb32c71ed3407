package bobtail_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http/httptest"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/secure"
)

// TestSwitchOverTLS changes the protocol of connections that are encrypted, by a
// driver and by a handler, on each backend of the system.
func TestSwitchOverTLS(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	client := &tls.Config{RootCAs: roots, ServerName: "example.com"}
	for _, k := range servertest.Real() {
		open := k.Open
		k.Open = func(lanes int) (transport.Backend, error) {
			b, err := open(lanes)
			if err != nil {
				return nil, err
			}
			return secure.New(b, secure.Config{TLS: &tls.Config{Certificates: certified.TLS.Certificates}})
		}
		t.Run(k.Name, func(t *testing.T) {
			k.Run(t, with(bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
				addr, err := f.Server.Listen("https://127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				d := f.echoes()
				handles := make(chan bobtail.Handle, 1)
				f.Handle("GET /echoes", func(w bobtail.Response, r *bobtail.Request) error {
					handles <- r.Handle()
					return d.handler(w, r)
				})
				f.Handle("POST /echoes", holder)
				f.Start()
				dial := func(send, want string) *tls.Conn {
					t.Helper()
					conn, err := servertest.Dial(addr.String())
					if err != nil {
						t.Fatal(err)
					}
					c := tls.Client(conn, client)
					io.WriteString(c, send)
					wantTLS(t, c, want)
					return c
				}
				a := dial(upgrade+"rest", switching+"<hello>rest")
				h := <-handles
				b := dial("POST"+upgrade[len("GET"):], switching+"<>")
				for _, c := range []*tls.Conn{a, b} {
					io.WriteString(c, "echo")
					wantTLS(t, c, "echo")
				}
				if err := f.Server.Engine().Push(h, []byte("pu"), []byte("sh"), 0, bobtail.DropNewest); err != nil {
					t.Fatal(err)
				}
				wantTLS(t, a, "push")
				done := make(chan error, 1)
				go func() { done <- f.Server.Shutdown(context.Background()) }()
				wantTLS(t, a, "closing")
				wantTLS(t, b, "closing.")
				for _, c := range []*tls.Conn{a, b} {
					if n, err := c.Read(make([]byte, 1)); err != io.EOF {
						t.Errorf("got %d bytes and %v, want the end", n, err)
					}
					c.Close()
				}
				if err := <-done; err != nil {
					t.Error(err)
				}
				if d.began.Load() != 1 || d.gone.Load() != 1 {
					t.Errorf("%d have begun, %d are gone", d.began.Load(), d.gone.Load())
				}
			}))
		})
	}
}

func wantTLS(t *testing.T, c *tls.Conn, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if n, err := io.ReadFull(c, b); err != nil || string(b) != want {
		t.Fatalf("got %q and %v, want %q", b[:n], err, want)
	}
}
