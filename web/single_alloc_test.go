//go:build !race

package web_test

import (
	"io"
	"testing"

	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/web"
)

// TestNoAllocs holds whole exchanges on a stream of the caller's to no
// allocation, by both measures.
func TestNoAllocs(t *testing.T) {
	x := newExchange(t)
	echo := func(w web.Response, r *web.Request) error {
		kind, err := r.Alloc(len(r.Header("Content-Type")))
		if err != nil {
			return err
		}
		copy(kind, r.Header("Content-Type"))
		b, err := w.Status(200).HeaderBytes("Content-Type", kind).Stream()
		if err != nil {
			return err
		}
		for {
			p, err := r.NextPiece()
			if err == io.EOF {
				return b.Close()
			}
			if err != nil {
				return err
			}
			if _, err := b.Write(p); err != nil {
				return err
			}
		}
	}
	source := &pages{n: 20_000}
	for _, v := range []struct {
		name, in string
		h        web.Handler
		fails    bool
	}{
		{"source", request("GET", "/", "") + last, func(w web.Response, r *web.Request) error {
			return w.Status(200).Source(source, 5, 20_000)
		}, false},
		{"text", request("GET", "/text", "") + last, site["/text"], false},
		{"page", request("GET", "/page", "") + last, site["/page"], false},
		{"hints", request("GET", "/hints", "") + last, site["/hints"], false},
		{"echo", request("POST", "/echo", string(page)) + last, echo, false},
		{"error", last, site["/error"], true},
		{"with", request("GET", "/", "") + last, func(w web.Response, r *web.Request) error {
			if err := w.With("A", "1"); err != nil {
				return err
			}
			return w.HTML("<p>", "x")
		}, false},
		{"redirect", request("GET", "/", "") + last, func(w web.Response, r *web.Request) error { return w.Redirect(303, "/there") }, false},
		{"early hints", request("GET", "/", "") + last, func(w web.Response, r *web.Request) error {
			if err := w.EarlyHints("</a>; rel=preload", "</b>; rel=preload"); err != nil {
				return err
			}
			return w.JSON(page)
		}, false},
		{"refusal", "GET /\n", site["/text"], true},
	} {
		s := &again{in: v.in}
		stream := func() {
			s.left, s.sent = s.in, 0
			if err := x.ServeStream(s, v.h); (err != nil) != v.fails || s.sent == 0 {
				t.Fatalf("%s: %v, %d bytes sent", v.name, err, s.sent)
			}
		}
		single := func() {
			s.left, s.sent = s.in, 0
			more, err := x.ServeRequest(s, v.h)
			for more {
				more, err = x.Again()
			}
			if (err != nil) != v.fails || s.sent == 0 {
				t.Fatalf("%s: %v, %d bytes sent", v.name, err, s.sent)
			}
		}
		alloctest.Zero(t, v.name+" by ServeStream", stream)
		alloctest.Zero(t, v.name+" by ServeRequest", single)
		if n := testing.AllocsPerRun(20, stream); n != 0 {
			t.Errorf("%s: %v allocations", v.name, n)
		}
	}
}
