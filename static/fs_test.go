package static

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"
	"time"
)

func TestFS(t *testing.T) {
	fsys := fstest.MapFS{
		"index.html":     {Data: []byte("home"), ModTime: time.Unix(modified, 1)},
		"app.js":         {Data: []byte("let it be, let it be")},
		"app.js.gz":      {Data: []byte("gz")},
		"app.js.br":      {Data: []byte("br")},
		"alone.gz":       {Data: []byte("alone")},
		"docs/index.htm": {Data: []byte("docs")},
		"docs/empty":     {Data: nil},
		"docs/empty.gz":  {Data: []byte("gz of nothing")},
		"link":           {Data: []byte("index.html"), Mode: fs.ModeSymlink},
	}
	tab, err := FS(fsys, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ask(t, tab.Serve, "GET /").want(t, "index", 200, "home", "Last-Modified: "+imf, "Vary:", "ETag: "+TagOf("home", "", ""))
	ask(t, tab.Serve, "GET /app.js").want(t, "identity", 200, "let it be, let it be", "Last-Modified:", "Vary: Accept-Encoding", "ETag: "+TagOf("let it be, let it be", "gz", "br"))
	ask(t, tab.Serve, "GET /app.js", "Accept-Encoding: gzip").want(t, "gzip", 200, "gz", "Content-Encoding: gzip", "Content-Type: text/javascript; charset=utf-8")
	ask(t, tab.Serve, "GET /app.js", "Accept-Encoding: br").want(t, "Brotli", 200, "br", "Content-Encoding: br")
	ask(t, tab.Serve, "GET /app.js.gz", "Accept-Encoding: br").want(t, "gzip by its name", 200, "gz", "Content-Encoding:", "Content-Type: application/gzip")
	ask(t, tab.Serve, "GET /alone.gz").want(t, "gzip of nothing", 200, "alone", "Content-Encoding:")
	ask(t, tab.Serve, "GET /docs/empty", "Accept-Encoding: gzip").want(t, "empty", 200, "", "Content-Encoding:")
	ask(t, tab.Serve, "GET /docs/empty").want(t, "empty, for who takes no gzip", 200, "", "Content-Encoding:")
	ask(t, tab.Serve, "GET /link").want(t, "link", 404, "Not Found\n")
	ask(t, tab.Serve, "GET /docs/").want(t, "folder without an index", 404, "Not Found\n")
	if tab, err = FS(fsys, Options{Index: "index.htm"}); err != nil {
		t.Fatal(err)
	}
	ask(t, tab.Serve, "GET /docs/").want(t, "another index", 200, "docs")
	if _, err := FS(fstest.MapFS{`a\b`: {}}, Options{}); err != ErrName {
		t.Errorf("a name that cannot be asked for: %v", err)
	}
	if _, err := FS(broken{fsys}, Options{}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a file that cannot be read: %v", err)
	}
}

// broken has a file that cannot be read.
type broken struct{ fstest.MapFS }

func (b broken) ReadFile(name string) ([]byte, error) {
	if name == "app.js" {
		return nil, fs.ErrPermission
	}
	return b.MapFS.ReadFile(name)
}
