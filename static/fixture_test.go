package static

import (
	"bufio"
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/web"
)

// wire is a stream with a request, and what was answered.
type wire struct {
	io.Reader
	out bytes.Buffer
}

func (w *wire) Write(p []byte) (int, error) { return w.out.Write(p) }

func newExchange(t testing.TB) *web.Exchange {
	t.Helper()
	x, err := web.NewExchange(&http1.Parser{Keep: http1.DefaultFields()}, make([]byte, 2048), nil)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// response is an answer, with its content.
type response struct {
	*http.Response
	content string
}

// ask sends a request, the lines of its fields after its method and target,
// and returns what was answered.
func ask(t testing.TB, h web.Handler, line string, fields ...string) response {
	t.Helper()
	method, target, _ := strings.Cut(line, " ")
	s := method + " " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
	for _, f := range fields {
		s += f + "\r\n"
	}
	w := &wire{Reader: strings.NewReader(s + "\r\n")}
	if err := newExchange(t).ServeStream(w, h); err != nil {
		t.Errorf("%s: %v", line, err)
	}
	r, err := http.ReadResponse(bufio.NewReader(&w.out), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s %q: %v", line, fields, err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Errorf("%s: %v", line, err)
	}
	return response{r, string(b)}
}

// want compares the answer's status, content and fields ("Name: value", or
// "Name:" for one that must not be there).
func (r response) want(t testing.TB, name string, status int, content string, fields ...string) {
	t.Helper()
	if r.StatusCode != status || r.content != content {
		t.Errorf("%s: %d, %.200q; want %d, %.200q", name, r.StatusCode, r.content, status, content)
	}
	for _, f := range fields {
		field, value, _ := strings.Cut(f, ":")
		if got := r.Header.Get(field); got != strings.TrimPrefix(value, " ") {
			t.Errorf("%s: %s: %q, want %q", name, field, got, value)
		}
	}
}

// parts are those of multipart/byteranges, each "range of size|type|bytes".
func (r response) multipart(t testing.TB) (all []string) {
	t.Helper()
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/byteranges" {
		t.Errorf("type %q, %v", r.Header.Get("Content-Type"), err)
		return nil
	}
	m := multipart.NewReader(strings.NewReader(r.content), params["boundary"])
	for {
		p, err := m.NextPart()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Error(err)
			return all
		}
		b, err := io.ReadAll(p)
		if err != nil {
			t.Error(err)
		}
		all = append(all, p.Header.Get("Content-Range")+"|"+p.Header.Get("Content-Type")+"|"+string(b))
	}
}

// tree are files with everything that there can be.
func tree() []File {
	return []File{
		{Name: "index.html", ETag: `"i"`, Identity: "home"},
		{Name: "a.txt", ETag: `"abc"`, Modified: modified, Identity: "0123456789"},
		{Name: "app.js", ETag: `"js"`, Modified: modified, Identity: strings.Repeat("let it be ", 10), Gzip: "gzipped", Brotli: "brotli"},
		{Name: "empty", Identity: ""},
		{Name: "packed.css", Gzip: "gzipped css"},
		{Name: "docs/index.html", Identity: "docs"},
		{Name: "docs/b c.txt", Identity: "escaped"},
		{Name: "docs/ä.txt", Identity: "umlaut"},
		{Name: "docs-old/x", Type: "text/x-own", Identity: "x"},
		{Name: "noindex/deep/index.html", Identity: "deep"},
		{Name: "zero0index.html", Identity: "0 comes after the slash"},
		{Name: "large.bin", Identity: large},
	}
}

var large = strings.Repeat("0123456789abcdef", 1<<14)
