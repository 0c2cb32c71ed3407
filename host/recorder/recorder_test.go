package recorder_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/host/recorder"
	"github.com/bobtail-go/bobtail/http1conn"
	"github.com/bobtail-go/bobtail/web"
)

func Example() {
	hello := func(w web.Response, r *web.Request) error {
		return w.Status(200).Header("X-Greeting", "yes").Text("hello, ", string(r.Query()), "\n")
	}
	got := recorder.Get(hello, "/hello?world")
	fmt.Println(got.Status, got.Fields.Get("X-Greeting"), string(got.Body))
	// Output: 200 yes hello, world
}

func ExampleRun() {
	guarded := func(w web.Response, r *web.Request) error {
		if string(r.Header("authorization")) != "Bearer secret" {
			return w.Status(401).Text("who are you?\n")
		}
		return w.Text("welcome\n")
	}
	got := recorder.Run(guarded, recorder.Request{Method: "POST", Target: "/door"})
	fmt.Print(got.Status, " ", string(got.Body))
	got = recorder.Run(guarded, recorder.Request{Method: "POST", Target: "/door", Fields: []recorder.Field{{"Authorization", "Bearer secret"}}})
	fmt.Print(got.Status, " ", string(got.Body))
	// Output:
	// 401 who are you?
	// 200 welcome
}

var errOh = errors.New("oh")

func TestRun(t *testing.T) {
	for _, c := range []struct {
		name    string
		h       web.Handler
		request recorder.Request
		status  int
		body    string
		err     error
	}{
		{"nothing said", func(w web.Response, r *web.Request) error { return nil }, recorder.Request{}, 200, "", nil},
		{"what is asked by default", func(w web.Response, r *web.Request) error {
			return w.Text(string(r.MethodName()), string(r.Target()), string(r.Host()))
		}, recorder.Request{}, 200, "GET/example.org", nil},
		{"another host, of HTTP/1.0", func(w web.Response, r *web.Request) error { return w.Text(string(r.Host()), r.Version().String()) },
			recorder.Request{Fields: []recorder.Field{{"host", "h"}}, Version10: true}, 200, "hHTTP/1.0", nil},
		{"HEAD", func(w web.Response, r *web.Request) error { return w.Text("x") }, recorder.Request{Method: "HEAD"}, 200, "", nil},
		{"content", echo, recorder.Request{Method: "PUT", Body: strings.Repeat("x", 1<<20)}, 200, strings.Repeat("x", 1<<20), nil},
		{"chunked content", echo, recorder.Request{Method: "PUT", Fields: []recorder.Field{{"Transfer-Encoding", "chunked"}}, Body: "1\r\na\r\n0\r\n\r\n"}, 200, "a", nil},
		{"an error", func(w web.Response, r *web.Request) error { return errOh }, recorder.Request{}, 500, "Internal Server Error\n", errOh},
		{"an error after the beginning", func(w web.Response, r *web.Request) error {
			b, err := w.Status(200).Stream()
			if err != nil {
				return err
			}
			b.WriteString("begun")
			b.Flush()
			return errOh
		}, recorder.Request{}, 200, "begun", errOh},
		{"an abort", func(w web.Response, r *web.Request) error { return web.ErrAbort }, recorder.Request{}, 0, "", web.ErrAbort},
	} {
		got := recorder.Run(c.h, c.request)
		if got.Status != c.status || string(got.Body) != c.body || got.Err != c.err {
			t.Errorf("%s: %d %.100q %v, want %d %.100q %v", c.name, got.Status, got.Body, got.Err, c.status, c.body, c.err)
		}
	}
}

func echo(w web.Response, r *web.Request) error {
	b, err := w.Status(200).Stream()
	if err != nil {
		return err
	}
	for {
		p, err := r.NextPiece()
		if err != nil {
			return nil
		}
		if _, err := b.Write(p); err != nil {
			return err
		}
	}
}

// TestBroken sends a request that no handler sees.
func TestBroken(t *testing.T) {
	got := recorder.Run(func(w web.Response, r *web.Request) error {
		t.Error("the handler was called")
		return nil
	}, recorder.Request{Target: "/ /"})
	if got.Status != 400 || got.Err == nil || !got.Close {
		t.Errorf("%d, %v, close %v, want 400, an error, close", got.Status, got.Err, got.Close)
	}
}

// TestDetails sees what else a result has.
func TestDetails(t *testing.T) {
	got := recorder.Get(func(w web.Response, r *web.Request) error {
		w.Interim(103, http1conn.Field{Name: "Link", Value: "</a>"})
		b, err := w.Status(200).Header("Trailer", "X-Sum").Header("Connection", "close").Stream()
		if err != nil {
			return err
		}
		b.WriteString("abc")
		return b.Trailer("X-Sum", "3")
	}, "/")
	if !slices.Equal(got.Interim, []int{103}) || !got.Close || got.Trailer.Get("X-Sum") != "3" || string(got.Body) != "abc" || !strings.HasPrefix(string(got.Raw), "HTTP/1.1 103 ") {
		t.Errorf("got %+v", got)
	}
}

func TestPost(t *testing.T) {
	got := recorder.Post(func(w web.Response, r *web.Request) error {
		return w.Bytes(string(r.Header("content-type")), []byte("x"))
	}, "/", "text/x", "abc")
	if got.Status != 200 || got.Fields.Get("Content-Type") != "text/x" {
		t.Errorf("got %+v", got)
	}
}
