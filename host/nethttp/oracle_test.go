package nethttp_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/bobtail-go/bobtail"
)

// describe writes all that a handler can see of a request, but for ports.
func describe(w http.ResponseWriter, r *http.Request) {
	content, err := io.ReadAll(r.Body)
	host, _, splitErr := net.SplitHostPort(r.RemoteAddr)
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	fmt.Fprintf(w, "%s %s %s %d.%d\nURL %#v\nhost %q\nlength %d coding %v close %v\nremote %s %v local %T\n", r.Method, r.RequestURI, r.Proto, r.ProtoMajor, r.ProtoMinor,
		*r.URL, r.Host, r.ContentLength, r.TransferEncoding, r.Close, host, splitErr, local)
	for _, k := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(w, "%s: %q\n", k, r.Header[k])
	}
	fmt.Fprintf(w, "trailer %q\n", slices.Sorted(maps.Keys(r.Trailer)))
	fmt.Fprintf(w, "%q %v\n", content, err)
}

func get(more string) string { return "GET / HTTP/1.1\r\nHost: example.org\r\n" + more + "\r\n" }

func post(content string) string {
	return fmt.Sprintf("POST / HTTP/1.1\r\nHost: example.org\r\nContent-Length: %d\r\n\r\n%s", len(content), content)
}

var files = fstest.MapFS{
	"hello.txt":      {Data: []byte("hello, world\n"), ModTime: time.Unix(1e9, 0)},
	"large.bin":      {Data: bytes.Repeat([]byte("0123456789abcdef"), 8192), ModTime: time.Unix(1e9, 0)},
	"dir/index.html": {Data: []byte("<!doctype html><title>x</title>"), ModTime: time.Unix(1e9, 0)},
}

// cases are small handlers, and what is asked of each.
var cases = []struct {
	name     string
	handler  http.HandlerFunc
	requests string
	methods  []string // of the requests; nil is one GET
}{
	{"nothing at all", func(w http.ResponseWriter, r *http.Request) {}, get(""), nil},
	{"nothing at all, for HEAD", func(w http.ResponseWriter, r *http.Request) {}, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", []string{"HEAD"}},
	{"what a request is", describe, "GET /a%20b/%2F/c?x=1&y=%zz HTTP/1.1\r\nHost: Example.org:8080\r\nx-lower: a\r\nX-Twice: 1\r\nx-twice:  2 \r\nX-Empty:\r\nCookie: a=b\r\nPragma: no-cache\r\n\r\n", nil},
	{"what a request in absolute form is", describe, "GET http://other.org:81/p?q HTTP/1.1\r\nHost: example.org\r\n\r\n", nil},
	{"what a request without a host is", describe, "GET / HTTP/1.0\r\n\r\n", nil},
	{"what a request of HTTP/1.0 that persists is", describe, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", nil},
	{"what OPTIONS is", describe, "OPTIONS / HTTP/1.1\r\nHost: h\r\nOrigin: o\r\n\r\n", []string{"OPTIONS"}},
	{"what a method that nobody knows is", describe, "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", []string{"BREW"}},
	{"what content of a known length is", describe, post("content"), []string{"POST"}},
	{"what empty content is", describe, post(""), []string{"POST"}},
	{"what chunked content is", describe, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, x-other\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n", []string{"POST"}},
	{"what a request that is the last is", describe, get("Connection: close\r\n"), nil},
	{"empty host field", describe, "GET / HTTP/1.1\r\nHost: x\r\nAccept: a, b\r\nAccept: c\r\n\r\n", nil},
	{"text", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }, get(""), nil},
	{"text for HEAD", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", []string{"HEAD"}},
	{"text for HTTP/1.0", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }, "GET / HTTP/1.0\r\n\r\n", nil},
	{"text for HTTP/1.0 that persists", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", nil},
	{"HTML found by its bytes", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html><body>") }, get(""), nil},
	{"PNG found by its bytes", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "\x89PNG\x0d\x0a\x1a\x0a....") }, get(""), nil},
	{"type found across two writes", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "<!DOCTYPE ")
		io.WriteString(w, "HTML>"+strings.Repeat("x", 5000))
	}, get(""), nil},
	{"no type for coded content", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, "hello")
		z.Close()
	}, get(""), nil},
	{"type given as nil", func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil
		io.WriteString(w, "hello")
	}, get(""), nil},
	{"as much as gets a length", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("a", 2048)) }, get(""), nil},
	{"one more than gets a length", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("a", 2049)) }, get(""), nil},
	{"in pieces", func(w http.ResponseWriter, r *http.Request) {
		for i := range 1000 {
			fmt.Fprintf(w, "line %d\n", i)
		}
	}, get(""), nil},
	{"in pieces, for HTTP/1.0", func(w http.ResponseWriter, r *http.Request) {
		for i := range 1000 {
			fmt.Fprintf(w, "line %d\n", i)
		}
	}, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", nil},
	{"in pieces, for HEAD", func(w http.ResponseWriter, r *http.Request) {
		for i := range 1000 {
			fmt.Fprintf(w, "line %d\n", i)
		}
	}, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", []string{"HEAD"}},
	{"a megabyte at once", func(w http.ResponseWriter, r *http.Request) { w.Write(bytes.Repeat([]byte("abcdefgh"), 1<<17)) }, get(""), nil},
	{"a declared length", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		io.WriteString(w, "hello")
	}, get(""), nil},
	{"a declared length of a long answer", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "20000")
		for range 200 {
			io.WriteString(w, strings.Repeat("a", 100))
		}
	}, get(""), nil},
	{"a declared length, for HEAD", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "5") }, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", []string{"HEAD"}},
	{"more than was declared", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "5")
		io.WriteString(w, "hello")
		if n, err := io.WriteString(w, ", world"); n != 0 || err != http.ErrContentLength {
			panic(err)
		}
	}, get(""), nil},
	{"a status", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) }, get(""), nil},
	{"a status that nobody knows", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(599) }, get(""), nil},
	{"a status whose phrase has changed", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) }, get(""), nil},
	{"a second status", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(201)
		w.WriteHeader(500)
		io.WriteString(w, "x")
	}, get(""), nil},
	{"fields after the status", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Before", "1")
		w.WriteHeader(200)
		w.Header().Set("X-After", "2")
		w.Header().Set("X-Before", "3")
	}, get(""), nil},
	{"no content of a 204", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "3")
		w.WriteHeader(204)
		_, err := io.WriteString(w, "abc")
		if err != http.ErrBodyNotAllowed {
			panic(err)
		}
	}, get(""), nil},
	{"no content of a 304", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Etag", `"x"`)
		w.WriteHeader(304)
	}, get(""), nil},
	{"values with line breaks and white space", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Split", "a\r\nSet-Cookie: b")
		w.Header().Set("X-Blank", "  c ")
		w.Header()["bad name"] = []string{"d"}
		w.Header().Set("X-Latin", "caf\xe9")
	}, get(""), nil},
	{"several values", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
	}, get(""), nil},
	{"the end of the connection", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "bye")
	}, get(""), nil},
	{"other options of the connection", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "x-hop")
	}, get(""), nil},
	{"flushed pieces", func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			fmt.Fprintf(w, "%d", i)
			w.(http.Flusher).Flush()
		}
	}, get(""), nil},
	{"flushed before anything", func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).Flush()
		io.WriteString(w, "late")
	}, get(""), nil},
	{"declared trailers", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-One, x-two")
		io.WriteString(w, "content")
		w.Header().Set("X-One", "1")
		w.Header().Set("X-Two", "2")
		w.Header().Set("X-Three", "3")
	}, get(""), nil},
	{"trailers that were not declared", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "content")
		w.(http.Flusher).Flush()
		w.Header().Set(http.TrailerPrefix+"X-Sum", "7")
	}, get(""), nil},
	{"early hints", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(103)
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "x")
	}, get(""), nil},
	{"two requests in one piece", describe, get("X: 1\r\n") + get("X: 2\r\n"), []string{"GET", "GET"}},
	{"content that is not read, and another request", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Method) },
		post(strings.Repeat("x", 1000)) + get(""), []string{"POST", "GET"}},
	{"content that is closed, and another request", func(w http.ResponseWriter, r *http.Request) {
		r.Body.Close()
		_, err := r.Body.Read(make([]byte, 1))
		if r.Method == "POST" {
			fmt.Fprint(w, err == http.ErrBodyReadAfterClose)
		}
	}, post("abc") + get(""), []string{"POST", "GET"}},
	{"asked for its content", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
	}, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n", []string{"wait POST"}},
	{"refused before its content", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no", http.StatusForbidden)
	}, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", []string{"POST"}},
	{"http.Error", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "oh <no>", http.StatusTeapot) }, get(""), nil},
	{"http.NotFound", http.NotFound, get(""), nil},
	{"http.Redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/there?a=b", http.StatusFound) }, get(""), nil},
	{"http.Redirect of a POST", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "there", http.StatusTemporaryRedirect)
	}, post("x"), []string{"POST"}},
	{"a form", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.FormValue("a"), r.FormValue("b"), r.PostForm)
	},
		"POST /?b=2 HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\na=1+%26", []string{"POST"}},
	{"a form of several parts", func(w http.ResponseWriter, r *http.Request) {
		f, h, err := r.FormFile("f")
		if err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		content, _ := io.ReadAll(f)
		fmt.Fprintf(w, "%s %d %q %q", h.Filename, h.Size, content, r.FormValue("v"))
	}, "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 140\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"v\"\r\n\r\nx\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"n.txt\"\r\n\r\nhello, file!\r\n--b--\r\n", []string{"POST"}},
	{"content above a limit, from who closes", func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 10)
		_, err := io.ReadAll(r.Body)
		if m := new(http.MaxBytesError); errors.As(err, &m) {
			http.Error(w, "too much", http.StatusRequestEntityTooLarge)
		}
	}, "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 20\r\n\r\n" + strings.Repeat("x", 20), []string{"POST"}},
	{"basic credentials", func(w http.ResponseWriter, r *http.Request) {
		u, p, ok := r.BasicAuth()
		fmt.Fprint(w, u, p, ok)
	}, get("Authorization: Basic dTpw\r\n"), nil},
	{"cookies", func(w http.ResponseWriter, r *http.Request) {
		for _, c := range r.Cookies() {
			fmt.Fprint(w, c)
		}
	}, get("Cookie: a=1; b=2\r\nCookie: c=3\r\n"), nil},
	{"JSON", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"a": 1, "b": url.Values{"c": {"d"}}})
	}, get(""), nil},
	{"a file", http.FileServerFS(files).ServeHTTP, "GET /hello.txt HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"a large file", http.FileServerFS(files).ServeHTTP, "GET /large.bin HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"a file, for HEAD", http.FileServerFS(files).ServeHTTP, "HEAD /large.bin HTTP/1.1\r\nHost: h\r\n\r\n", []string{"HEAD"}},
	{"a part of a file", http.FileServerFS(files).ServeHTTP, "GET /large.bin HTTP/1.1\r\nHost: h\r\nRange: bytes=10-19\r\n\r\n", nil},
	{"a part that there is not", http.FileServerFS(files).ServeHTTP, "GET /hello.txt HTTP/1.1\r\nHost: h\r\nRange: bytes=100-\r\n\r\n", nil},
	{"a file that has not changed", http.FileServerFS(files).ServeHTTP, "GET /hello.txt HTTP/1.1\r\nHost: h\r\nIf-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n\r\n", nil},
	{"a file that is not there", http.FileServerFS(files).ServeHTTP, "GET /none HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"a folder without its slash", http.FileServerFS(files).ServeHTTP, "GET /dir HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"a folder with an index", http.FileServerFS(files).ServeHTTP, "GET /dir/ HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"a list of files", http.FileServerFS(files).ServeHTTP, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", nil},
	{"http.TimeoutHandler", http.TimeoutHandler(http.HandlerFunc(describe), time.Minute, "late").ServeHTTP, get(""), nil},
	{"http.MaxBytesHandler", http.MaxBytesHandler(http.HandlerFunc(describe), 100).ServeHTTP, post("x"), []string{"POST"}},
	{"io.Copy from a file", func(w http.ResponseWriter, r *http.Request) {
		f, _ := files.Open("large.bin")
		n, err := io.Copy(w, f)
		if n != 8192*16 || err != nil {
			panic("copied too little")
		}
	}, get(""), nil},
	{"the length is kept of what was gathered by ReadFrom", func(w http.ResponseWriter, r *http.Request) {
		w.(io.ReaderFrom).ReadFrom(strings.NewReader("short"))
	}, get(""), nil},
	{"the content is echoed while it comes", func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		io.Copy(w, r.Body)
	}, post(strings.Repeat("echo ", 4000)), []string{"POST"}},
	{"http.ErrAbortHandler", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, get(""), nil},
	{"http.ErrAbortHandler after some content", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "begun")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}, get(""), nil},
	{"a panic after some content", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "begun")
		w.(http.Flusher).Flush()
		panic("oh")
	}, get(""), nil},
}

// TestOracle has each handler answer the same bytes under package net/http and
// mounted, on every backend, and compares the answers.
func TestOracle(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			methods := c.methods
			if methods == nil {
				methods = []string{"GET"}
			}
			want := ask(t, standard(t, c.handler)(t), c.requests, methods)
			seen := ""
			for _, k := range kinds {
				f := serve(t, k, bobtail.Config{}, everywhere(c.handler))
				got := ask(t, f.dial(t), c.requests, methods)
				if got != want && got == seen {
					t.Errorf("%s: the same", k.Name)
				} else if seen = got; got != want {
					t.Errorf("%s:\n got %s\nwant %s", k.Name, got, want)
				}
				f.srv.Close()
			}
		})
	}
}

// everywhere mounts a handler at the paths of the table.
func everywhere(h http.HandlerFunc) func(*bobtail.Server) error {
	return mounting(map[string]http.HandlerFunc{"/": h})
}

// ask sends requests, content after 100 if a method begins with "wait".
func ask(t *testing.T, p peer, requests string, methods []string) string {
	t.Helper()
	defer p.Close()
	if m, wait := strings.CutPrefix(methods[0], "wait "); wait {
		if _, err := io.WriteString(p, requests); err != nil {
			t.Fatal(err)
		}
		const asks = "HTTP/1.1 100 Continue\r\n\r\n"
		got := make([]byte, len(asks))
		if _, err := io.ReadFull(p, got); err != nil || string(got) != asks {
			return fmt.Sprintf("asked by %q, %v", got, err)
		}
		return exchange(t, p, "abc", m)
	}
	return exchange(t, p, requests, methods...)
}
