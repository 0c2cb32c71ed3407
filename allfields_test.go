package bobtail_test

import (
	"testing"

	"github.com/bobtail-go/bobtail"
)

// TestAllFields keeps all fields of the requests of some routes, and gives
// values of their paths, however the bytes come: whole and cut anywhere, so that
// a head and content are put away and taken up by another worker.
func TestAllFields(t *testing.T) {
	run(t, bobtail.Config{Workers: 2}, func(t *testing.T, f *fixture) {
		tell := func(w bobtail.Response, r *bobtail.Request) error {
			name := append([]byte(nil), r.PathValue("name")...)
			n := 0
			for p, err := r.NextPiece(); err == nil; p, err = r.NextPiece() {
				n += len(p)
			}
			if again := r.PathValue("name"); string(again) != string(name) {
				return w.Status(500).Text("the name has become " + string(again))
			}
			return w.Text(r.Pattern(), " ", string(name), " ", string(r.Header("X-One")), " ", string(rune('0'+n)))
		}
		f.add(bobtail.Route{Pattern: "/all/{name}", Handler: tell, AllFields: true})
		f.add(bobtail.Route{Pattern: "b.example/here/{name}", Handler: tell, AllFields: true})
		f.add(bobtail.Route{Pattern: "/here/{name}", Handler: tell})
		f.add(bobtail.Route{Pattern: "/some/{name}", Handler: tell})
		const fields = " HTTP/1.1\r\nX-One: 1\r\nHost: b.example\r\nContent-Length: 3\r\n"
		in := "POST /all/a%20b?q" + fields + "\r\nabc" +
			"GET /some/c HTTP/1.1\r\nHost: a\r\nX-One: 1\r\n\r\n" +
			"POST /here/d" + fields + "\r\nabc" +
			"GET http://b.example/here/e HTTP/1.1\r\nX-One: 1\r\nHost: x\r\n\r\n" +
			"GET /%61ll/f HTTP/1.0\r\nX-One: 1\r\n\r\n"
		want := ok("/all/{name} a b 1 3") + ok("/some/{name} c  0") + ok("b.example/here/{name} d 1 3") + ok("b.example/here/{name} e 1 0") +
			text("200 OK", "Connection: close\r\n", "/all/{name} f 1 0")
		every := 1
		if f.Net == nil {
			every = 7
		}
		for at := 1; at <= len(in); at += every {
			ends := []int{at, len(in)}
			if at == len(in) {
				ends = ends[1:]
			}
			if got := f.exchange(in, ends); got != want {
				t.Fatalf("cut at %d: %s", at, diff(got, want))
			}
		}
	})
}
