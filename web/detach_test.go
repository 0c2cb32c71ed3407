package web_test

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/web"
)

// TestDetachOutsideOfServer is refused, and the request goes on. Nobody is told
// of anything.
func TestDetachOutsideOfServer(t *testing.T) {
	x, err := web.NewExchange(&http1.Parser{}, make([]byte, 2048), nil)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	_, err = x.ServeRequest(struct {
		*strings.Reader
		*strings.Builder
	}{strings.NewReader("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), &out}, func(w web.Response, r *web.Request) error {
		r.Watch(nil)
		defer r.Unwatch()
		if _, _, err := r.Detach(); err != web.ErrMisuse {
			t.Errorf("Detach: %v", err)
		}
		if a := r.Local(); !a.IsUnset() {
			t.Errorf("Local: %v", a)
		}
		return w.Text("on")
	})
	if err != nil || !strings.HasSuffix(out.String(), "on") {
		t.Errorf("%q, %v", out.String(), err)
	}
}
