//go:build !tinygo

package static_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/static"
)

// kinds are the backends that a server can be run on.
var kinds = servertest.Real()

// big is longer than any buffer of the system's.
var big = func() []byte {
	b := make([]byte, 8<<20)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(b)
	return b
}()

// long is part of it, to be fetched more often.
var long = big[:1<<20]

// serve runs a server with handlers by their patterns.
func serve(t *testing.T, k servertest.Kind, handlers map[string]bobtail.Handler) (address string) {
	t.Helper()
	b, err := k.Open(2)
	if err != nil {
		t.Fatal(err)
	}
	srv, err := bobtail.New(bobtail.Config{Sockets: 64, Workers: 4, Lanes: 2, WorkerMemory: 4096, Backend: b})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	for pattern, h := range handlers {
		if err := srv.Handle(pattern, h); err != nil {
			t.Fatal(err)
		}
	}
	a, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	return a.String()
}

func get(t *testing.T, url, ranges string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if ranges != "" {
		req.Header.Set("Range", ranges)
	}
	r, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Error(err)
		return &http.Response{}, nil
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	return r, b
}

// TestServer fetches from a folder and from a table on every backend: long
// and short, whole and in part, by many clients at once.
func TestServer(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string][]byte{"big.bin": long, "small.txt": []byte("0123456789")} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range kinds {
		t.Run(k.Name, func(t *testing.T) {
			d, err := static.OpenDir(dir, static.DirOptions{Options: static.Options{Prefix: "/dir", Parts: 64}})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			tab, err := static.NewTable([]static.File{{Name: "big.bin", Identity: string(long)}, {Name: "small.txt", Identity: "0123456789"}}, static.Options{Prefix: "/table", Parts: 64})
			if err != nil {
				t.Fatal(err)
			}
			handlers := map[string]bobtail.Handler{}
			for _, name := range []string{"big.bin", "small.txt", "none"} {
				handlers["GET /dir/"+name] = d.Serve
				handlers["GET /table/"+name] = tab.Serve
			}
			address := serve(t, k, handlers)
			var all sync.WaitGroup
			for i := range 4 {
				all.Go(func() {
					for _, tree := range []string{"dir", "table"} {
						fetch(t, "http://"+address+"/"+tree+"/", rand.New(rand.NewPCG(1, uint64(i))))
					}
				})
			}
			all.Wait()
		})
	}
}

func fetch(t *testing.T, url string, random *rand.Rand) {
	if r, b := get(t, url+"big.bin", ""); r.StatusCode != 200 || !bytes.Equal(b, long) {
		t.Errorf("%s: the whole: %d, %d bytes", url, r.StatusCode, len(b))
	}
	if r, b := get(t, url+"small.txt", ""); r.StatusCode != 200 || string(b) != "0123456789" {
		t.Errorf("%s: short: %d, %q", url, r.StatusCode, b)
	}
	if r, _ := get(t, url+"none", ""); r.StatusCode != 404 {
		t.Errorf("%s: none: %d", url, r.StatusCode)
	}
	for range 3 {
		off := random.IntN(len(long))
		n := 1 + random.IntN(len(long)-off)
		r, b := get(t, url+"big.bin", fmt.Sprintf("bytes=%d-%d", off, off+n-1))
		if r.StatusCode != 206 || !bytes.Equal(b, long[off:off+n]) {
			t.Errorf("%s: %d bytes at %d: %d, %d bytes", url, n, off, r.StatusCode, len(b))
		}
	}
	third := len(long) / 3
	r, b := get(t, url+"big.bin", fmt.Sprintf("bytes=%d-%d,%d-,10-19", third, 2*third-1, 2*third))
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.StatusCode != 206 || err != nil {
		t.Errorf("%s: several: %d, %v", url, r.StatusCode, err)
		return
	}
	m := multipart.NewReader(bytes.NewReader(b), params["boundary"])
	for i, want := range [][]byte{long[third : 2*third], long[2*third:], long[10:20]} {
		p, err := m.NextPart()
		if err != nil {
			t.Errorf("%s: part %d: %v", url, i, err)
			return
		}
		if got, err := io.ReadAll(p); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: part %d: %d bytes of %d, %v", url, i, len(got), len(want), err)
		}
	}
	if _, err := m.NextPart(); err != io.EOF {
		t.Errorf("%s: after the last part: %v", url, err)
	}
}

// TestMounted mounts a folder at patterns, and compares with package http doing
// the same: where each path leads, and what is there.
func TestMounted(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"index.html": "home", "a.txt": "a", "docs/index.html": "docs", "docs/b c.txt": "b", "docs/c.txt": "c", "empty/.keep": "", "%2e": "percent"} {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, pattern := range []string{"GET /", "/", "GET /files/", "GET /files/{path...}", "GET /deep/er/"} {
		_, prefix, ok := strings.Cut(pattern, " ")
		if !ok {
			prefix = pattern
		}
		prefix = strings.TrimSuffix(prefix, "{path...}")
		d, err := static.OpenDir(dir, static.DirOptions{Options: static.Options{Prefix: prefix}})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		ours := "http://" + serve(t, kinds[0], map[string]bobtail.Handler{pattern: d.Serve})
		mux := http.NewServeMux()
		mux.Handle(pattern, http.StripPrefix(strings.TrimSuffix(prefix, "/"), http.FileServer(http.Dir(dir))))
		server := httptest.NewServer(mux)
		defer server.Close()
		for _, path := range []string{"", "a.txt", "docs", "docs/", "docs/b%20c.txt", "docs/../a.txt", "docs/./c.txt", "none", "none/", "%252e", "a.txt?q", "docs?q", "../a.txt", "docs//c.txt"} {
			got, gotBody := get(t, ours+prefix+path, "")
			want, wantBody := get(t, server.URL+prefix+path, "")
			if got.StatusCode != want.StatusCode {
				t.Errorf("%s: %s: %d, want %d", pattern, path, got.StatusCode, want.StatusCode)
			}
			if got.StatusCode == 200 && string(gotBody) != string(wantBody) {
				t.Errorf("%s: %s: %q, want %q", pattern, path, gotBody, wantBody)
			}
			if got.StatusCode/100 == 3 {
				g, _ := got.Location()
				w, _ := want.Location()
				if g == nil || w == nil || g.RequestURI() != w.RequestURI() {
					t.Errorf("%s: %s: to %v, want %v", pattern, path, g, w)
				}
			}
		}
		for _, path := range []string{"%2e%2e/", "%2e%2e%2f", "..%5c", "%00", "c:/", "%2f%2fevil.example/", "%252e%252e/"} {
			if r, b := get(t, ours+prefix+path+"a.txt", ""); r.StatusCode < 300 || string(b) == "a" {
				t.Errorf("%s: %s: %d, %q", pattern, path, r.StatusCode, b)
			}
		}
	}
}

// TestSlowPeers has more clients that do not read than there are workers, and
// serves others meanwhile; then those get all, and a file that somebody cuts
// short ends its connection.
func TestSlowPeers(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.Name, func(t *testing.T) {
			dir := t.TempDir()
			name := filepath.Join(dir, "big.bin")
			if err := os.WriteFile(name, big, 0o644); err != nil {
				t.Fatal(err)
			}
			d, err := static.OpenDir(dir, static.DirOptions{Options: static.Options{Parts: 16}})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			address := serve(t, k, map[string]bobtail.Handler{"GET /big.bin": d.Serve, "GET /none": d.Serve})
			var slow []net.Conn
			for i := range 12 {
				c, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				c.SetDeadline(time.Now().Add(time.Minute))
				ranges := ""
				if i%2 == 1 {
					ranges = fmt.Sprintf("Range: bytes=1-%d,0-0\r\n", len(big)-1)
				}
				if _, err := io.WriteString(c, "GET /big.bin HTTP/1.1\r\nHost: a\r\n"+ranges+"Connection: close\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				one := make([]byte, 1)
				if _, err := io.ReadFull(c, one); err != nil { // it has begun
					t.Fatal(err)
				}
				slow = append(slow, c)
			}
			if r, b := get(t, "http://"+address+"/big.bin", "bytes=1000-1009"); r.StatusCode != 206 || !bytes.Equal(b, big[1000:1010]) {
				t.Errorf("beside them: %d, %q", r.StatusCode, b)
			}
			for i, c := range slow[:10] {
				b, err := io.ReadAll(c)
				if err != nil || len(b) < len(big) || i%2 == 0 && !bytes.HasSuffix(b, big) {
					t.Errorf("slow client %d: %d bytes, %v", i, len(b), err)
				}
			}
			if err := os.Truncate(name, 10); err != nil {
				t.Skip(err)
			}
			for i, c := range slow[10:] {
				if b, _ := io.ReadAll(c); len(b) >= len(big) {
					t.Errorf("client %d has got %d bytes of a file that was cut short", i, len(b))
				}
			}
		})
	}
}

// ExampleTable serves files that the program holds.
func ExampleTable() {
	tree, err := static.NewTable([]static.File{
		{Name: "index.html", Identity: "<p>Hello, World!"},
		{Name: "style.css", Identity: "p { color: green }"},
	}, static.Options{Prefix: "/site"})
	if err != nil {
		fmt.Println(err)
		return
	}
	srv, err := bobtail.New(bobtail.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	fmt.Println(srv.Handle("GET /site/", tree.Serve), tree.Len())
	// Output: <nil> 2
}

// ExampleNewPage has one page for all who ask.
func ExampleNewPage() {
	page := static.NewPage("text/html; charset=utf-8", "<p>Hello, World!", "", "")
	page.Options.CacheControl = "no-cache"
	fmt.Println(page.Check(), strings.HasPrefix(page.File.ETag, `"`))
	// Output: <nil> true
}

// ExampleOpen refuses what is no archive.
func ExampleOpen() {
	_, err := static.Open([]byte("PK\x03\x04"), static.Options{})
	fmt.Println(errors.Is(err, static.ErrArchive), err)
	// Output: true static: not an archive of this version
}
