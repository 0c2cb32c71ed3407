package bobtail_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/http1"
)

// readAll answers how much content there is.
func readAll(w bobtail.Response, r *bobtail.Request) error {
	n := 0
	for {
		p, err := r.NextPiece()
		if err == io.EOF {
			return w.Text(fmt.Sprint(n))
		}
		if err != nil {
			return err
		}
		n += len(p)
	}
}

func (f *fixture) add(r bobtail.Route) {
	f.T.Helper()
	if err := f.Server.Add(r); err != nil {
		f.T.Fatal(err)
	}
}

func chunks(path, contentType string, pieces ...string) string {
	s := "POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Type: " + contentType + "\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, p := range pieces {
		s += fmt.Sprintf("%x\r\n%s\r\n", len(p), p)
	}
	return s + "0\r\n\r\n"
}

// TestTerms holds requests to the terms of their routes.
func TestTerms(t *testing.T) {
	run(t, bobtail.Config{WorkerMemory: 4096, Workers: 2}, func(t *testing.T, f *fixture) {
		s := &sink{}
		f.add(bobtail.Route{Pattern: "POST /short", Handler: readAll, MaxBody: 10})
		f.add(bobtail.Route{Pattern: "POST /long", Handler: readAll, MaxBody: 5000})
		f.add(bobtail.Route{Pattern: "POST /typed", Handler: readAll, Types: []string{"text/plain", "image/*"}})
		f.add(bobtail.Route{Pattern: "POST /sink", Sink: s, MaxBody: 10, Types: []string{"text/plain"}})
		f.add(bobtail.Route{Pattern: "POST /any", Handler: readAll})
		long := strings.Repeat("x", 5001)
		for _, c := range []struct {
			name, in string
			code     int
			body     string
			more     string // a field of the answer
		}{
			{"just fits", typed("/short", "a/b", "0123456789"), 200, "10", ""},
			{"too long", typed("/short", "a/b", "0123456789!"), 413, "Content Too Large\n", ""},
			{"just fits in chunks", chunks("/short", "a/b", "01234", "56789"), 200, "10", ""},
			{"too long in chunks", chunks("/short", "a/b", "01234", "56789", "!"), 413, "Content Too Large\n", "Connection: close"},
			{"does not fit into memory", typed("/long", "a/b", long[:5000]), 200, "5000", ""},
			{"and is too long", typed("/long", "a/b", long), 413, "Content Too Large\n", ""},
			{"and is too long in chunks", chunks("/long", "a/b", long[:4000], long[4000:]), 413, "Content Too Large\n", "Connection: close"},
			{"of a type", typed("/typed", "Text/Plain; charset=utf-8", "abc"), 200, "3", ""},
			{"of a type among many", typed("/typed", "image/png", "abc"), 200, "3", ""},
			{"of another type", typed("/typed", "text/html", "abc"), 415, "Unsupported Media Type\n", "Accept: text/plain, image/*"},
			{"of no type", post("/typed", "abc"), 415, "Unsupported Media Type\n", "Accept: text/plain, image/*"},
			{"of another type in chunks", chunks("/typed", "text/html", "abc"), 415, "Unsupported Media Type\n", "Accept: text/plain, image/*"},
			{"nothing of no type", post("/typed", ""), 200, "0", ""},
			{"to a sink", typed("/sink", "text/plain", "abc"), 200, "sink 3", ""},
			{"too long for a sink", typed("/sink", "text/plain", "0123456789!"), 413, "Content Too Large\n", ""},
			{"too long for a sink in chunks", chunks("/sink", "text/plain", "01234", "56789", "!"), 413, "Content Too Large\n", "Connection: close"},
			{"of another type for a sink", typed("/sink", "text/html", "abc"), 415, "Unsupported Media Type\n", ""},
			{"other routes have other terms", typed("/any", "text/html", long), 200, "5001", ""},
		} {
			c1 := f.dial()
			c1.Send(c.in)
			a := c1.want("POST", c.code, c.body)
			if name, value, _ := strings.Cut(c.more, ": "); a.Header.Get(name) != value && !(name == "Connection" && a.Close) {
				t.Errorf("%s: the answer has no %s: %v", c.name, c.more, a.Header)
			}
			if c.more != "Connection: close" {
				// The connection goes on, and the terms of another route do.
				c1.Send(typed("/any", "a/b", long))
				c1.want("POST", 200, "5001")
			}
		}
		for _, in := range []string{
			"POST /short HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n",
			"POST /sink HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
		} {
			c := f.dial()
			c.Send(in)
			if a := c.answer("POST"); a.StatusCode != 413 && a.StatusCode != 415 || !a.Close {
				t.Errorf("who asks first is answered %s", a.Status)
			}
		}
		s.want(f, 2, 1, 1)
	})
}

// TestTypesAreKept holds requests to types also where the program keeps no
// field.
func TestTypesAreKept(t *testing.T) {
	var fields http1.FieldSet
	fields.Add("Range")
	run(t, bobtail.Config{Fields: fields}, func(t *testing.T, f *fixture) {
		f.add(bobtail.Route{Pattern: "POST /typed", Handler: readAll, Types: []string{"text/plain"}})
		c := f.dial()
		c.Send(typed("/typed", "text/plain", "abc"))
		c.want("POST", 200, "3")
	})
}

// TestRouteTimeout gives one route less time than others have.
func TestRouteTimeout(t *testing.T) {
	runVirtual(t, bobtail.Config{Timeouts: bobtail.Timeouts{Handler: 10 * time.Second}}, func(t *testing.T, f *fixture) {
		open := make(chan struct{})
		wait := func(w bobtail.Response, r *bobtail.Request) error {
			<-open
			return w.Text("waited")
		}
		f.add(bobtail.Route{Pattern: "/short", Handler: wait, Timeout: int64(time.Second)})
		f.add(bobtail.Route{Pattern: "/long", Handler: wait})
		short, long := f.dial(), f.dial()
		short.Send(get("/short"))
		long.Send(get("/long"))
		f.Advance(2 * time.Second)
		short.want("GET", 503, "")
		f.Advance(5 * time.Second)
		close(open)
		long.want("GET", 200, "waited")
	})
}

// TestRoutes finds routes by host, method and path on every backend, and has
// what the server answers by itself.
func TestRoutes(t *testing.T) {
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		f.Server.Use(func(h bobtail.Handler) bobtail.Handler {
			return func(w bobtail.Response, r *bobtail.Request) error {
				if err := w.With("Via", "1.1 "+string(r.MethodName())); err != nil {
					return err
				}
				return h(w, r)
			}
		})
		tell := func(w bobtail.Response, r *bobtail.Request) error {
			return w.Text(r.Pattern(), " ", string(r.PathValue("name")), " ", string(r.PathValue("rest")))
		}
		for _, p := range []string{"GET /hello/{name}", "GET Other/hello/{name}", "/files/{rest...}", "GET /{$}", "POST /hello/{name}", "PUT /put/"} {
			f.Handle(p, tell)
		}
		s := &sink{}
		f.sink("POST /sink/{name}", s)
		c := f.dial()
		for _, q := range []struct {
			line, host string
			code       int
			body, more string
		}{
			{"GET /hello/squid", "a", 200, "GET /hello/{name} squid ", ""},
			{"GET /hello/a%2Fb%20c", "a", 200, "GET /hello/{name} a/b c ", ""},
			{"GET /hello/squid", "other:80", 200, "GET Other/hello/{name} squid ", ""},
			{"GET /hello/squid", "OTHER", 200, "GET Other/hello/{name} squid ", ""},
			{"POST /hello/squid", "other", 200, "POST /hello/{name} squid ", ""},
			{"HEAD /hello/squid", "a", 200, "", ""},
			{"DELETE /hello/squid", "a", 405, "Method Not Allowed\n", "Allow: GET, HEAD, OPTIONS, POST"},
			{"OPTIONS /hello/squid", "a", 204, "", "Allow: GET, HEAD, OPTIONS, POST"},
			{"OPTIONS *", "a", 204, "", "Allow: GET, HEAD, OPTIONS, POST, PUT"},
			{"GET /hello/", "a", 404, "Not Found\n", ""},
			{"GET /files/a/b%2Fc", "a", 200, "/files/{rest...}  a/b/c", ""},
			{"GET /files/", "a", 200, "/files/{rest...}  ", ""},
			{"GET /files", "a", 307, "Temporary Redirect\n", "Location: /files/"},
			{"GET /hello//../hello/x?y=z", "a", 307, "Temporary Redirect\n", "Location: /hello/x?y=z"},
			{"PUT /put?a", "a", 307, "Temporary Redirect\n", "Location: /put/?a"},
			{"GET /\\evil.example//", "a", 307, "Temporary Redirect\n", "Location: /%5Cevil.example/"},
			{"GET /", "a", 200, "GET /{$}  ", ""},
			{"POST /sink/x", "a", 200, "sink 0", ""},
		} {
			c.Send(q.line + " HTTP/1.1\r\nHost: " + q.host + "\r\n\r\n")
			method, _, _ := strings.Cut(q.line, " ")
			a := c.want(method, q.code, q.body)
			if name, value, _ := strings.Cut(q.more, ": "); a.Header.Get(name) != value {
				t.Errorf("%s: %s is %q, want %q", q.line, name, a.Header.Get(name), value)
			}
			if a.Header.Get("Via") != "1.1 "+method {
				t.Errorf("%s: what stands around handlers was left out: %v", q.line, a.Header)
			}
		}
	})
}

// TestHelpers answers in each of the ways that a response has, on every
// backend.
func TestHelpers(t *testing.T) {
	run(t, bobtail.Config{}, func(t *testing.T, f *fixture) {
		f.Handle("/html", func(w bobtail.Response, r *bobtail.Request) error { return w.HTML("<p>", "hi") })
		f.Handle("/json", func(w bobtail.Response, r *bobtail.Request) error { return w.JSON([]byte("{}")) })
		f.Handle("/there", func(w bobtail.Response, r *bobtail.Request) error { return w.Redirect(303, "/html") })
		f.Handle("/fails", func(w bobtail.Response, r *bobtail.Request) error {
			w.With("X-Why", "because")
			return io.ErrUnexpectedEOF
		})
		f.Handle("/hints", func(w bobtail.Response, r *bobtail.Request) error {
			if err := w.EarlyHints("</a.css>; rel=preload"); err != nil {
				return err
			}
			return w.Text("hinted")
		})
		f.Handle("/length", func(w bobtail.Response, r *bobtail.Request) error {
			b, err := w.Status(200).StreamN(10)
			if err != nil {
				return err
			}
			for range 5 {
				if err := b.WriteString("xy"); err != nil {
					return err
				}
			}
			return nil
		})
		f.Handle("/chunks", func(w bobtail.Response, r *bobtail.Request) error {
			b, err := w.Status(200).Header("Trailer", "Sum").Stream()
			if err != nil {
				return err
			}
			if err := b.WriteString("chunk"); err != nil {
				return err
			}
			return b.Trailer("Sum", "5")
		})
		c := f.dial()
		for _, q := range []struct {
			path         string
			code         int
			body         string
			field, value string
		}{
			{"/html", 200, "<p>hi", "Content-Type", "text/html; charset=utf-8"},
			{"/json", 200, "{}", "Content-Type", "application/json"},
			{"/there", 303, "See Other\n", "Location", "/html"},
			{"/length", 200, "xyxyxyxyxy", "Content-Length", "10"},
			{"/hints", 103, "", "Link", "</a.css>; rel=preload"},
			{"", 200, "hinted", "", ""},
			{"/chunks", 200, "chunk", "", ""},
			{"/fails", 500, "Internal Server Error\n", "X-Why", "because"},
		} {
			if q.path != "" {
				c.Send(get(q.path))
			}
			a := c.want("GET", q.code, q.body)
			if got := a.Header.Get(q.field); got != q.value {
				t.Errorf("%s: %s is %q, want %q", q.path, q.field, got, q.value)
			}
			if q.path == "/chunks" && a.Trailer.Get("Sum") != "5" {
				t.Errorf("the trailer is %v", a.Trailer)
			}
		}
	})
}
