//go:build !race && !tinygo

package static

import (
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/web"
)

// BenchmarkServe is a whole request, without a network.
func BenchmarkServe(b *testing.B) {
	d := openDir(b, site(b), DirOptions{})
	inMemory := tables(b, Options{})
	for _, v := range []struct {
		name string
		h    web.Handler
	}{{"files", inMemory["files"].Serve}, {"archive", inMemory["archive"].Serve}, {"dir", d.Serve}} {
		for _, r := range []struct{ name, line, fields string }{
			{"whole", "GET /a.txt", ""},
			{"known", "GET /a.txt", "If-None-Match: *\r\n"},
			{"range", "GET /a.txt", "Range: bytes=1-2\r\n"},
			{"gzip", "GET /app.js", "Accept-Encoding: gzip, deflate, br, zstd\r\n"},
		} {
			b.Run(v.name+"/"+r.name, func(b *testing.B) {
				x, err := web.NewExchange(&http1.Parser{Keep: http1.DefaultFields()}, make([]byte, 4096), nil)
				if err != nil {
					b.Fatal(err)
				}
				a := &again{request: r.line + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + r.fields + "\r\n"}
				var rw io.ReadWriter = a
				b.ReportAllocs()
				for b.Loop() {
					a.r.Reset(a.request)
					a.n = 0
					if err := x.ServeStream(rw, v.h); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkDecide is the decision alone.
func BenchmarkDecide(b *testing.B) {
	e := Entry{ETag: `"0123456789abcdef0123456789abcdef"`, Modified: modified, Length: [NumForms]int64{10000, 3000, 2500}}
	c := Conditions{AcceptEncoding: []byte("gzip, deflate, br, zstd"), IfNoneMatch: []byte(`"0123456789abcdef0123456789abcde0-br"`), IfModifiedSince: []byte(imf)}
	b.ReportAllocs()
	for b.Loop() {
		if a := Decide(http1.GET, &c, &e); a.Status != 200 {
			b.Fatal(a.Status)
		}
	}
}

// BenchmarkFind looks for one of many files.
func BenchmarkFind(b *testing.B) {
	var files []File
	for i := range 10000 {
		files = append(files, File{Name: "assets/" + strings.Repeat("x", i%20) + strconv.Itoa(i) + ".js", Identity: "x"})
	}
	archive, err := AppendArchive(nil, files)
	if err != nil {
		b.Fatal(err)
	}
	t, err := Open(archive, Options{})
	if err != nil {
		b.Fatal(err)
	}
	name := []byte(t.Name(7777))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := t.find(name, ""); !ok {
			b.Fatal("not found")
		}
	}
}
