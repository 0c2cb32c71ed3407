package http1_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/http1"
)

func TestTrailersRefused(t *testing.T) {
	w := newWriter(t, http1.GET, http1.Version11, true)
	w.status(200, "", nil).end("", nil).lastChunk(nil)
	for _, name := range []string{"Content-Length", "transfer-encoding", "Connection", "Date", "Content-Type", "Content-Encoding", "Cache-Control", "Upgrade"} {
		w.trailer(name, "5", http1.ErrFieldFraming)
	}
	w.trailer("a b", "c", http1.ErrFieldName).trailer("A", "b\r\nc", http1.ErrFieldValue).trailer("A", "b", nil).finish(nil)

	w = newWriter(t, http1.GET, http1.Version10, true)
	w.status(200, "", nil).end("", nil).lastChunk(http1.ErrTrailerFraming).finish(nil)
}

// What content makes of each kind of response.
func TestContent(t *testing.T) {
	for _, c := range []struct {
		name   string
		m      http1.Method
		v      http1.Version
		length int64 // -1 for none
		want   string
	}{
		{"declared length", http1.GET, http1.Version11, 5, "hello"},
		{"chunked", http1.GET, http1.Version11, -1, "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"},
		{"until the connection closes", http1.GET, http1.Version10, -1, "hello"},
		{"HEAD", http1.HEAD, http1.Version11, 5, ""},
		{"HEAD without length", http1.HEAD, http1.Version11, -1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWriter(t, c.m, c.v, true).status(200, "", nil)
			if c.length >= 0 {
				w.length(uint64(c.length), nil)
			}
			w.end("", nil)
			w.b = nil
			w.content("he", nil).content("", nil).content("llo", nil)
			if c.length >= 0 {
				w.content("!", http1.ErrLengthExceeded)
			}
			w.finish(nil).content("!", http1.ErrState)
			if string(w.b) != c.want || w.r.Sent() != 5 || !w.r.Done() {
				t.Errorf("wrote %q, %d bytes of content, want %q", w.b, w.r.Sent(), c.want)
			}
		})
	}
}
