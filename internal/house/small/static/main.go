// Static answers requests for files in its memory, of a table and of an
// archive, for TinyGo to compile: see the tests of the folder above.
package main

import (
	"io"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/house/small/heap"
	"github.com/bobtail-go/bobtail/static"
	"github.com/bobtail-go/bobtail/web"
)

const page = "<!DOCTYPE html><title>Hello</title><p>Hello, hello, hello, World!"

var files = [...]static.File{
	{Name: "index.html", ETag: `"i"`, Modified: 784111777, Identity: page, Gzip: "gzip of the page"},
	{Name: "docs/a b.txt", Identity: "0123456789"},
	{Name: "docs/index.html", Identity: "docs"},
}

// lastBoundary is how an answer with several ranges ends.
const lastBoundary = "--\r\n"

// exchanges are requests, and how an answer begins and ends.
var exchanges = [...]struct{ request, status, content string }{
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "200", "\r\n\r\n" + page},
	{"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br, gzip;q=0.5\r\n\r\n", "200", "\r\n\r\ngzip of the page"},
	{"GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"x\"\r\nIf-None-Match: \"i\"\r\n\r\n", "304", "\r\n\r\n"},
	{"GET /?a=b HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n", "304", "\r\n\r\n"},
	{"GET /docs/a%20b.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=-3\r\n\r\n", "206", "\r\n\r\n789"},
	{"GET /docs/a%20b.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0,-3\r\n\r\n", "206", lastBoundary},
	{"GET /docs/a%20b.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=10-\r\n\r\n", "416", "\r\n\r\nRange Not Satisfiable\n"},
	{"GET /docs?q HTTP/1.1\r\nHost: a\r\n\r\n", "301", "\r\n\r\nMoved Permanently\n"},
	{"GET /%2e%2e/docs HTTP/1.1\r\nHost: a\r\n\r\n", "404", "\r\n\r\nNot Found\n"},
	{"PUT / HTTP/1.1\r\nHost: a\r\n\r\n", "405", "\r\n\r\nMethod Not Allowed\n"},
}

// wire is the request and the answer.
type wire struct {
	in  string
	out [1024]byte
	n   int
}

func (w *wire) Read(p []byte) (int, error) {
	if w.in == "" {
		return 0, io.EOF
	}
	n := copy(p, w.in)
	w.in = w.in[n:]
	return n, nil
}

func (w *wire) Write(p []byte) (int, error) {
	must(len(p) <= len(w.out)-w.n, "room")
	w.n += copy(w.out[w.n:], p)
	return len(p), nil
}

var (
	stream  wire
	memory  [4096]byte
	archive [2048]byte
	parser  http1.Parser
)

func main() {
	parser.Keep = http1.DefaultFields()
	x, err := web.NewExchange(&parser, memory[:], nil)
	check(err)
	o := static.Options{Parts: 1, CacheControl: "no-cache"}
	b, err := static.AppendArchive(archive[:0], files[:])
	check(err)
	opened, err := static.Open(b, o)
	check(err)
	o.Parts = -1 // it takes memory, and one of the two will do
	table, err := static.NewTable(files[:], o)
	check(err)
	handlers := [...]web.Handler{table.Serve, opened.Serve}
	serve(x, handlers[0], false) // what is made on the first use
	heap.Seal()
	for range 3 {
		for i, h := range handlers {
			serve(x, h, i == 1)
		}
	}
	println("ok")
}

func serve(x *web.Exchange, h web.Handler, parts bool) {
	for i := range exchanges {
		v := &exchanges[i]
		if v.content == lastBoundary && !parts {
			continue
		}
		stream.in, stream.n = v.request, 0
		check(x.ServeStream(&stream, h))
		out := stream.out[:stream.n]
		must(len(out) > 12+len(v.content) && ascii.Equal(out[9:12], v.status), v.request)
		must(ascii.Equal(out[len(out)-len(v.content):], v.content), v.request)
	}
}

func check(err error) {
	if err != nil {
		must(false, err.Error())
	}
}

func must(ok bool, what string) {
	if !ok {
		println("not so:", what)
		panic("static")
	}
}
