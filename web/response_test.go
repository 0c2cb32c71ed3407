package web_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/web"
)

// answerTo is all that a handler answers to a request, without a server.
func answerTo(t *testing.T, in string, h web.Handler) string {
	t.Helper()
	s := &rw{Reader: strings.NewReader(in)}
	newExchange(t).ServeStream(s, h)
	return s.out.String()
}

// head is an answer's head, and body its content.
func parts(answer string) (head, body string) {
	head, body, _ = strings.Cut(answer, "\r\n\r\n")
	return head, body
}

func TestResponseHelpers(t *testing.T) {
	for _, c := range []struct {
		name string
		h    web.Handler
		want []string // lines that the head has
		body string
	}{
		{"html", func(w web.Response, r *web.Request) error { return w.HTML("<p>", "hi") },
			[]string{"HTTP/1.1 200 OK", "Content-Type: text/html; charset=utf-8", "Content-Length: 5"}, "<p>hi"},
		{"html of another kind", func(w web.Response, r *web.Request) error {
			return w.Status(404).Header("Content-Type", "application/xhtml+xml").HTML("<p/>")
		}, []string{"HTTP/1.1 404 Not Found", "Content-Type: application/xhtml+xml"}, "<p/>"},
		{"json", func(w web.Response, r *web.Request) error { return w.JSON([]byte("{}")) },
			[]string{"HTTP/1.1 200 OK", "Content-Type: application/json", "Content-Length: 2"}, "{}"},
		{"json of another kind", func(w web.Response, r *web.Request) error {
			return w.Status(400).Header("Content-Type", "application/problem+json").JSON([]byte("{}"))
		}, []string{"HTTP/1.1 400 Bad Request", "Content-Type: application/problem+json"}, "{}"},
		{"redirect", func(w web.Response, r *web.Request) error { return w.Redirect(303, "../there?a=b#c") },
			[]string{"HTTP/1.1 303 See Other", "Location: ../there?a=b#c"}, "See Other\n"},
		{"redirect of no kind", func(w web.Response, r *web.Request) error { return w.Redirect(304, "/") },
			[]string{"HTTP/1.1 500 Internal Server Error"}, "Internal Server Error\n"},
		{"redirect to two lines", func(w web.Response, r *web.Request) error { return w.Redirect(302, "/\r\nSet-Cookie: a=b") },
			[]string{"HTTP/1.1 500 Internal Server Error"}, "Internal Server Error\n"},
		{"redirect to nowhere", func(w web.Response, r *web.Request) error { return w.Redirect(302, "") },
			[]string{"HTTP/1.1 500 Internal Server Error"}, "Internal Server Error\n"},
		{"with", func(w web.Response, r *web.Request) error {
			w.With("A", "1")
			w.With("B", "2")
			w.With("Vary", "")
			return w.Text("x")
		}, []string{"HTTP/1.1 200 OK", "A: 1", "B: 2", "Vary: "}, "x"},
		{"with a type", func(w web.Response, r *web.Request) error {
			w.With("Content-Type", "text/css")
			return w.Text("x")
		}, []string{"HTTP/1.1 200 OK", "Content-Type: text/css"}, "x"},
		{"with, and a failure", func(w web.Response, r *web.Request) error {
			w.With("A", "1")
			return coded(409)
		}, []string{"HTTP/1.1 409 Conflict", "A: 1"}, "Conflict\n"},
		{"with, and a failure behind the head", func(w web.Response, r *web.Request) error {
			w.With("A", "1")
			w.Status(200).Header("B", "2")
			return coded(409)
		}, []string{"HTTP/1.1 409 Conflict", "A: 1"}, "Conflict\n"},
		{"with what cannot be sent", func(w web.Response, r *web.Request) error {
			w.With("A", "1\n")
			return w.Text("x")
		}, []string{"HTTP/1.1 500 Internal Server Error"}, "Internal Server Error\n"},
		{"with too late", func(w web.Response, r *web.Request) error {
			h := w.Status(200)
			if err := w.With("A", "1"); err != web.ErrMisuse {
				t.Errorf("With behind Status: %v", err)
			}
			return h.Text("x")
		}, []string{"HTTP/1.1 200 OK"}, "x"},
		{"with too much", func(w web.Response, r *web.Request) error {
			if err := w.With("A", strings.Repeat("a", 1<<20)); err != web.ErrArena {
				t.Errorf("With much: %v", err)
			}
			return w.Text("x")
		}, []string{"HTTP/1.1 200 OK"}, "x"},
	} {
		head, body := parts(answerTo(t, request("GET", "/", ""), c.h))
		var lines []string
		for _, l := range strings.Split(head, "\r\n") {
			switch name, _, _ := strings.Cut(l, ":"); name {
			case "Date", "Connection":
			case "Content-Length":
				if strings.Contains(strings.Join(c.want, "\n"), "Content-Length") {
					lines = append(lines, l)
				}
			default:
				lines = append(lines, l)
			}
		}
		if !strings.Contains(strings.Join(c.want, "\n"), "Content-Type: ") {
			c.want = append(c.want, "Content-Type: text/plain; charset=utf-8")
		}
		want, got := strings.Join(slices.Sorted(slices.Values(c.want)), "\n"), strings.Join(slices.Sorted(slices.Values(lines)), "\n")
		if got != want || body != c.body {
			t.Errorf("%s: head\n%s\nwant\n%s\nbody %q, want %q", c.name, got, want, body, c.body)
		}
	}
}

// TestWithIsOfOneRequest has a request with fields set aside, and one without
// behind it.
func TestWithIsOfOneRequest(t *testing.T) {
	h := func(w web.Response, r *web.Request) error {
		if string(r.Path()) == "/with" {
			w.With("A", "1")
		}
		return w.Text("x")
	}
	for _, behind := range []string{request("GET", "/without", ""), "bad\r\n\r\n"} {
		all := answerTo(t, request("GET", "/with", "")+behind, h)
		first, second, ok := strings.Cut(all, "\r\n\r\nx")
		if !ok || !strings.Contains(first, "\r\nA: 1") || strings.Contains(second, "A: 1") || !strings.Contains(second, "HTTP/1.1 ") {
			t.Errorf("answers %q", all)
		}
	}
}

// TestValue has a handler around another, which leaves a value for it.
func TestValue(t *testing.T) {
	name := "squid"
	h := func(w web.Response, r *web.Request) error {
		if s, ok := r.Value().(*string); ok {
			return w.Text(*s)
		}
		return w.Text("nobody")
	}
	around := func(w web.Response, r *web.Request) error {
		if string(r.Path()) == "/with" {
			r.SetValue(&name)
		}
		return h(w, r)
	}
	all := answerTo(t, request("GET", "/with", "")+request("GET", "/without", ""), around)
	if !strings.Contains(all, "\r\n\r\nsquid") || !strings.HasSuffix(all, "\r\n\r\nnobody") {
		t.Errorf("answers %q", all)
	}
}

func TestEarlyHints(t *testing.T) {
	all := answerTo(t, request("GET", "/", ""), func(w web.Response, r *web.Request) error {
		if err := w.EarlyHints("</a.css>; rel=preload", "</b.js>; rel=preload"); err != nil {
			return err
		}
		return w.Text("x")
	})
	const want = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload, </b.js>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\n"
	if !strings.HasPrefix(all, want) {
		t.Errorf("answers %q, want %q first", all, want)
	}
	old := answerTo(t, "GET / HTTP/1.0\r\n\r\n", func(w web.Response, r *web.Request) error {
		w.EarlyHints("</a.css>")
		return w.Text("x")
	})
	if strings.Contains(old, "103") {
		t.Errorf("HTTP/1.0 is told %q", old)
	}
	bad := answerTo(t, request("GET", "/", ""), func(w web.Response, r *web.Request) error {
		if err := w.EarlyHints("</a>\r\nSet-Cookie: a=b"); err == nil {
			t.Error("a link of two lines is sent")
		}
		return w.Text("x")
	})
	if strings.Contains(bad, "Set-Cookie") || !strings.HasPrefix(bad, "HTTP/1.1 200 OK") {
		t.Errorf("answers %q", bad)
	}
}
