package http1_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/http1"
)

// TestOutline takes what an answer needs out of a head and puts it into
// another.
func TestOutline(t *testing.T) {
	for _, k := range []struct {
		name, in string
		method   http1.Method
		version  http1.Version
		keep     bool
	}{
		{"1.1 persists", "GET /a HTTP/1.1\r\nHost: a\r\n\r\n", http1.GET, http1.Version11, true},
		{"1.1 that closes", "POST /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", http1.POST, http1.Version11, false},
		{"1.0 closes", "HEAD /a HTTP/1.0\r\n\r\n", http1.HEAD, http1.Version10, false},
		{"1.0 that persists", "HEAD /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", http1.HEAD, http1.Version10, true},
		{"a method of nobody's", "BREW /a?b HTTP/1.1\r\nHost: a\r\nUpgrade: b\r\nConnection: upgrade\r\n\r\n", http1.MethodOther, http1.Version11, true},
	} {
		p := http1.Parser{Keep: http1.AllFields()}
		var from, to http1.Head
		if done, err := p.Parse(&from, []byte(k.in)); !done || err != nil {
			t.Fatalf("%s: %v, %v", k.name, done, err)
		}
		to = from // of another request
		to.SetOutline(from.Outline())
		if to.Method() != k.method || to.Version() != k.version || to.KeepAlive() != k.keep {
			t.Errorf("%s: %v %v, persists %v", k.name, to.Method(), to.Version(), to.KeepAlive())
		}
		if to.NumFields() != 0 || len(to.Path(nil)) != 0 || to.Query(nil) != nil || to.Target(nil) != nil ||
			to.Host(nil) != nil || len(to.MethodName(nil)) != 0 || to.Upgrade() || to.Chunked() || to.Expect100() {
			t.Errorf("%s: more than the outline is known", k.name)
		}
		b := to.Body()
		if to.Scanned() != 0 || !b.Done() {
			t.Errorf("%s: %d bytes of head, content %v", k.name, to.Scanned(), !b.Done())
		}
		next := []byte("GET")
		if n := to.Compact(next); n != 3 || string(next) != "GET" {
			t.Errorf("%s: Compact(%q) = %d", k.name, next, n)
		}
	}
}

// TestUnframed sends content that ends with the connection.
func TestUnframed(t *testing.T) {
	var r http1.Response
	if err := r.Unframed(); err != http1.ErrState {
		t.Errorf("before Init: %v", err)
	}
	r.Init(http1.GET, http1.Version11, true)
	if err := r.Unframed(); err != http1.ErrState {
		t.Errorf("before the status: %v", err)
	}
	dst, _ := r.AppendStatus(nil, 200, "")
	if err := r.Unframed(); err != nil {
		t.Fatal(err)
	}
	dst, err := r.AppendEnd(dst, nil)
	if want := "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"; err != nil || string(dst) != want {
		t.Errorf("head %q, %v, want %q", dst, err, want)
	}
	dst, err = r.AppendContent(nil, []byte("as it is"))
	if err != nil || string(dst) != "as it is" {
		t.Errorf("content %q, %v", dst, err)
	}
	if dst, err = r.AppendFinish(nil); len(dst) != 0 || err != nil || r.KeepAlive() {
		t.Errorf("end %q, %v, persists %v", dst, err, r.KeepAlive())
	}
	r.Init(http1.GET, http1.Version11, true)
	dst, _ = r.AppendStatus(nil, 200, "")
	r.AppendLength(dst, 3)
	if err := r.Unframed(); err != http1.ErrLengthDeclared {
		t.Errorf("after a length: %v", err)
	}
}
