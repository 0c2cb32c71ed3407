package nethttp_test

import (
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
