//go:build !race

package nethttp_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/host/nethttp"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/web"
)

// TestNoAllocs has a server with mounted handlers answer by another route: that
// costs what it costs without them.
func TestNoAllocs(t *testing.T) {
	for _, k := range kinds {
		if k.Open == nil {
			continue // its clock's goroutine is the test's
		}
		t.Run(k.Name, func(t *testing.T) {
			f := serve(t, k, bobtail.Config{NoDate: true}, func(srv *bobtail.Server) error {
				srv.Handle("/own", func(w web.Response, r *web.Request) error { return w.Text("own") })
				return srv.Add(nethttp.Route("/mounted", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})))
			})
			p := f.dial(t)
			exchange(t, p, "GET /mounted HTTP/1.1\r\nHost: h\r\n\r\n", "GET")
			request := []byte("GET /own HTTP/1.1\r\nHost: h\r\nX-Other: y\r\n\r\n")
			answer := make([]byte, len("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n\r\nown"))
			alloctest.Zero(t, "a request beside mounted handlers", func() {
				if _, err := p.Write(request); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(p, answer); err != nil || string(answer[len(answer)-3:]) != "own" {
					t.Fatalf("%q, %v", answer, err)
				}
			})
		})
	}
}
