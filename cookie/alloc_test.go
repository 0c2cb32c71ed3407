//go:build !race

package cookie_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/cookie"
	"github.com/bobtail-go/bobtail/internal/alloctest"
)

func TestNoAllocs(t *testing.T) {
	c := cookie.Cookie{Name: "__Secure-a", Value: "1 2", Path: "/p", Domain: "example.org", Expires: 784111777, MaxAge: 60,
		HTTPOnly: true, Secure: true, SameSite: cookie.None, Partitioned: true}
	dst := make([]byte, 0, c.MaxSize())
	alloctest.Zero(t, "AppendTo", func() {
		if b, err := c.AppendTo(dst); err != nil || len(b) == 0 {
			t.Fatal(err)
		}
	})
	field := []byte(`a=1; b; c="3"`)
	alloctest.Zero(t, "Pairs", func() {
		p := cookie.NewPairs(field)
		if !p.Find("c") || len(p.Name()) != 1 || len(p.Value()) != 1 || p.Err() != cookie.ErrPair {
			t.Fatal("a cookie is not found")
		}
	})
}
