package nethttp_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/host/nethttp"
	"github.com/bobtail-go/bobtail/host/recorder"
)

// TestFieldsThatFrame has handlers set fields of framing in ways that go past
// http.Header's methods: what a client reads must be one answer, with the
// content that was written.
func TestFieldsThatFrame(t *testing.T) {
	for _, test := range []struct {
		name string
		set  func(h http.Header)
	}{
		{"a length in lower case", func(h http.Header) { h["content-length"] = []string{"1"} }},
		{"a coding in lower case", func(h http.Header) { h["transfer-encoding"] = []string{"gzip"} }},
		{"two lengths", func(h http.Header) { h["Content-Length"] = []string{"5", "1"} }},
		{"a length in two cases", func(h http.Header) { h["Content-Length"], h["content-length"] = []string{"5"}, []string{"1"} }},
		{"a length in a trailer section", func(h http.Header) { h.Set("Trailer", "X"); h[http.TrailerPrefix+"Content-Length"] = []string{"1"} }},
		{"a coding in a trailer section", func(h http.Header) {
			h.Set("Trailer", "X")
			h[http.TrailerPrefix+"transfer-encoding"] = []string{"chunked"}
		}},
		{"Connection", func(h http.Header) { h["connection"] = []string{"close", "x"} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			res := recorder.Get(nethttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				test.set(w.Header())
				w.Write([]byte("12345"))
			})), "/")
			t.Logf("%q %v", res.Raw, res.Err)
			if res.Status != 200 || string(res.Body) != "12345" || res.Err != nil {
				t.Errorf("%d, %q, %v", res.Status, res.Body, res.Err)
			}
			raw := strings.ToLower(string(res.Raw))
			if strings.Count(raw, "content-length")+strings.Count(raw, "transfer-encoding") != 1 {
				t.Errorf("not framed once: %q", res.Raw)
			}
		})
	}
}

// TestPieces writes the same content in pieces of every kind of length around
// the one at which the head leaves.
func TestPieces(t *testing.T) {
	content := strings.Repeat("a bobtail squid, lit from below; ", 3*2048/33)
	lengths := []int{1, 64, 1024, 2047, 2048, 2049, 3000}
	for _, first := range lengths {
		for _, then := range lengths {
			for _, asString := range []bool{false, true} {
				res := recorder.Get(nethttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					for p, n := content, first; len(p) > 0; p, n = p[n:], then {
						n = min(n, len(p))
						var err error
						if asString {
							_, err = io.WriteString(w, p[:n])
						} else {
							_, err = w.Write([]byte(p[:n]))
						}
						if err != nil {
							t.Error(err)
						}
					}
				})), "/")
				if string(res.Body) != content {
					t.Errorf("%d bytes, then %d at a time: %d bytes arrived", first, then, len(res.Body))
				}
			}
		}
	}
}
