//go:build !tinygo

package static

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// folder writes files, all modified long ago.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		write(t, filepath.Join(dir, filepath.FromSlash(name)), content, modified)
	}
	return dir
}

func write(t testing.TB, name, content string, unix int64) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, time.Time{}, time.Unix(unix, 0)); err != nil {
		t.Fatal(err)
	}
}

func openDir(t testing.TB, path string, o DirOptions) *Dir {
	t.Helper()
	d, err := OpenDir(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func site(t testing.TB) string {
	return folder(t, map[string]string{
		"index.html": "home", "a.txt": "0123456789", "app.js": "let it be, let it be", "app.js.gz": "gzipped", "app.js.br": "br",
		"docs/index.html": "docs", "docs/b c.txt": "escaped", "empty": "", "large.bin": large, ".secret": "secret", ".git/config": "secret",
		".well-known/security.txt": "known", "noindex/x": "x", "a:b": "colon",
	})
}

func TestDir(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file of the site has a colon in its name")
	}
	for _, small := range []int{0, -1} {
		d := openDir(t, site(t), DirOptions{Small: small})
		for _, v := range []struct {
			name, line string
			fields     []string
			status     int
			content    string
			want       []string
		}{
			{"file", "GET /a.txt", nil, 200, "0123456789", []string{"Content-Type: text/plain; charset=utf-8", "Last-Modified: " + imf, "Content-Length: 10", "Vary:", "X-Content-Type-Options: nosniff"}},
			{"again", "GET /a.txt", nil, 200, "0123456789", nil},
			{"head", "HEAD /a.txt", nil, 200, "", []string{"Content-Length: 10"}},
			{"index", "GET /", nil, 200, "home", []string{"Content-Type: text/html; charset=utf-8"}},
			{"index of a folder", "GET /docs/", nil, 200, "docs", nil},
			{"folder without its slash", "GET /docs?x", nil, 301, "Moved Permanently\n", []string{"Location: ./docs/?x"}},
			{"folder without an index", "GET /noindex/", nil, 404, "Not Found\n", nil},
			{"file with a slash", "GET /a.txt/", nil, 404, "Not Found\n", nil},
			{"below a file", "GET /a.txt/b", nil, 404, "Not Found\n", nil},
			{"escaped", "GET /docs/b%20c.txt", nil, 200, "escaped", nil},
			{"empty", "GET /empty", nil, 200, "", []string{"Content-Length: 0"}},
			{"large", "GET /large.bin", nil, 200, large, nil},
			{"large, by HEAD", "HEAD /large.bin", nil, 200, "", []string{"Content-Length: 262144"}},
			{"range of a large one", "GET /large.bin", []string{"Range: bytes=100000-100099"}, 206, large[100000:100100], []string{"Content-Range: bytes 100000-100099/262144"}},
			{"range", "GET /a.txt", []string{"Range: bytes=2-5"}, 206, "2345", nil},
			{"known by date", "GET /a.txt", []string{"If-Modified-Since: " + imf}, 304, "", nil},
			{"identity of three", "GET /app.js", nil, 200, "let it be, let it be", []string{"Vary: Accept-Encoding"}},
			{"Brotli", "GET /app.js", []string{"Accept-Encoding: gzip, br"}, 200, "br", []string{"Content-Encoding: br", "Content-Length: 2"}},
			{"gzip", "GET /app.js", []string{"Accept-Encoding: gzip"}, 200, "gzipped", []string{"Content-Encoding: gzip"}},
			{"range of gzip", "GET /app.js", []string{"Accept-Encoding: gzip", "Range: bytes=4-"}, 206, "ped", nil},
			{"nothing", "GET /none", nil, 404, "Not Found\n", nil},
			{"nothing in nothing", "GET /none/none", nil, 404, "Not Found\n", nil},
			{"hidden", "GET /.secret", nil, 404, "Not Found\n", nil},
			{"hidden, escaped", "GET /%2esecret", nil, 404, "Not Found\n", nil},
			{"in a hidden folder", "GET /.git/config", nil, 404, "Not Found\n", nil},
			{"well-known", "GET /.well-known/security.txt", nil, 200, "known", nil},
			{"a drive is none here, but is not asked for", "GET /a:b", nil, 404, "Not Found\n", nil},
			{"too long a name", "GET /" + strings.Repeat("x", 300), nil, 404, "Not Found\n", nil},
			{"not UTF-8", "GET /%ff", nil, 404, "Not Found\n", nil},
			{"method", "DELETE /a.txt", nil, 405, "Method Not Allowed\n", []string{"Allow: GET, HEAD"}},
		} {
			ask(t, d.Serve, v.line, v.fields...).want(t, v.name, v.status, v.content, v.want...)
		}
		got := ask(t, d.Serve, "GET /large.bin", "Range: bytes=0-9,200000-200009").multipart(t)
		if want := "bytes 0-9/262144|application/octet-stream|" + large[:10] + "\nbytes 200000-200009/262144|application/octet-stream|" + large[200000:200010]; strings.Join(got, "\n") != want {
			t.Errorf("several ranges: %q", got)
		}
		tag := ask(t, d.Serve, "GET /a.txt").Header.Get("ETag")
		if !validTag(tag) || tag == "" || weakTag(tag) {
			t.Errorf("tag %q", tag)
		}
		ask(t, d.Serve, "GET /a.txt", "If-None-Match: "+tag).want(t, "known", 304, "", "ETag: "+tag)
		for name, n := range d.cache.nodes {
			if refs := n.refs.Load(); refs != 1 {
				t.Errorf("%s has %d references", name, refs)
			}
		}
	}
}

// TestDirHidden serves what begins with a dot if asked to.
func TestDirHidden(t *testing.T) {
	d := openDir(t, folder(t, map[string]string{".secret": "secret"}), DirOptions{Hidden: true, List: true})
	ask(t, d.Serve, "GET /.secret").want(t, "hidden", 200, "secret")
	if r := ask(t, d.Serve, "GET /"); !strings.Contains(r.content, `href="./.secret"`) {
		t.Errorf("not listed: %s", r.content)
	}
}

// TestDirEscape has links to the outside, and paths that lead there.
func TestDirEscape(t *testing.T) {
	outside := folder(t, map[string]string{"a.txt": "outside", "sub/b.txt": "outside"})
	inside := folder(t, map[string]string{"real/c.txt": "inside", "index.html": "home"})
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(inside, name)); err != nil {
			t.Skip(err)
		}
	}
	link(filepath.Join(outside, "a.txt"), "file")
	link(outside, "dir")
	link(filepath.Join("..", filepath.Base(outside), "a.txt"), "relative")
	link(filepath.Join("real", "..", "..", filepath.Base(outside)), "winding")
	link("real", "good")
	link(filepath.Join("real", "c.txt"), "goodfile")
	link(filepath.Join(inside, "real"), "absolute")
	link("loop", "loop")
	link("nowhere", "dangling")
	d := openDir(t, inside, DirOptions{List: true})
	for _, path := range []string{"/file", "/dir", "/dir/", "/dir/a.txt", "/dir/sub/b.txt", "/relative", "/winding", "/winding/a.txt", "/loop", "/loop/", "/dangling", "/absolute/c.txt"} {
		if r := ask(t, d.Serve, "GET "+path); r.StatusCode != 404 {
			t.Errorf("%s: %d %q", path, r.StatusCode, r.content)
		}
	}
	for _, v := range attacks {
		if r := ask(t, d.Serve, "GET "+v.path); r.StatusCode != 404 {
			t.Errorf("%s: %d %q", v.name, r.StatusCode, r.content)
		}
	}
	ask(t, d.Serve, "GET /good/c.txt").want(t, "link to a folder inside", 200, "inside")
	ask(t, d.Serve, "GET /goodfile").want(t, "link to a file inside", 200, "inside")
	ask(t, d.Serve, "GET /good").want(t, "link to a folder, without a slash", 301, "Moved Permanently\n", "Location: ./good/")
	if err := os.Remove(filepath.Join(inside, "index.html")); err != nil {
		t.Fatal(err)
	}
	r := ask(t, d.Serve, "GET /")
	for name, want := range map[string]bool{"real/": true, "good/": true, "goodfile": true, "file": false, "dir": false, "relative": false, "winding": false, "absolute": false, "loop": false, "dangling": false} {
		if got := strings.Contains(r.content, `href="./`+name); got != want {
			t.Errorf("list has %s: %v", name, got)
		}
	}
}

// FuzzDir finds no way out of a folder.
func FuzzDir(f *testing.F) {
	top := f.TempDir()
	const secret = "not for you"
	for name, content := range map[string]string{"secret": secret, "in/a.txt": "a", "in/sub/b.txt": "b", "in/.hidden": secret, "in/index.html": "home"} {
		write(f, filepath.Join(top, filepath.FromSlash(name)), content, modified)
	}
	if err := os.Symlink(filepath.Join("..", "secret"), filepath.Join(top, "in", "link")); err != nil {
		f.Log(err)
	}
	d := openDir(f, filepath.Join(top, "in"), DirOptions{List: true})
	for _, v := range attacks {
		f.Add(v.path)
	}
	f.Add("/sub/../../secret")
	f.Add("/link")
	f.Fuzz(func(t *testing.T, path string) {
		for i := range len(path) {
			if path[i] <= ' ' || path[i] >= 0x7f || path[i] == '#' {
				return // no server gives such a path to a handler
			}
		}
		if path == "" || path[0] != '/' || len(path) > 400 {
			return
		}
		r := ask(t, d.Serve, "GET "+path)
		if strings.Contains(r.content, secret) || r.StatusCode >= 500 {
			t.Errorf("%s: %d, %q", path, r.StatusCode, r.content)
		}
	})
}

// clock is a time that a test moves.
func (d *Dir) clock(unix int64) (advance func(time.Duration)) {
	now := unix * 1e9
	d.now = func() int64 { return now }
	return func(by time.Duration) { now += int64(by) }
}

// TestDirChanges notices changes, but not more often than once a second.
func TestDirChanges(t *testing.T) {
	for _, small := range []int{0, -1} {
		dir := folder(t, map[string]string{"a.js": "one", "a.js.gz": "one gz"})
		d := openDir(t, dir, DirOptions{Small: small})
		advance := d.clock(modified + 1000)
		get := func(step string, status int, content string, fields ...string) string {
			t.Helper()
			r := ask(t, d.Serve, "GET /a.js", fields...)
			r.want(t, step, status, content)
			return r.Header.Get("ETag")
		}
		name := filepath.Join(dir, "a.js")
		first := get("at first", 200, "one")
		get("at first, gzip", 200, "one gz", "Accept-Encoding: gzip")
		// A new file in its place, as is done to change what is served.
		other := filepath.Join(dir, "other")
		write(t, other, "two!", modified+10)
		if err := os.Rename(other, name); err != nil {
			t.Skip(err)
		}
		if tag := get("within the second", 200, "one"); tag != first {
			t.Errorf("another tag, %s", tag)
		}
		advance(time.Second)
		second := get("a second later", 200, "two!")
		if second == first {
			t.Error("the same tag")
		}
		get("the compressed form is older", 200, "two!", "Accept-Encoding: gzip")
		write(t, name+".gz", "two gz", modified+10)
		advance(time.Second)
		if get("a new compressed form", 200, "two!") == second {
			t.Error("the same tag with another form")
		}
		get("the new compressed form", 200, "two gz", "Accept-Encoding: gzip")
		if err := os.Remove(name); err != nil {
			t.Skip(err)
		}
		get("removed, within the second", 200, "two!")
		advance(time.Second)
		get("removed", 404, "Not Found\n")
		if len(d.cache.nodes) != 0 {
			t.Error("held although it is not there")
		}
		// What was changed just now may be changed again within its time.
		now := d.now() / 1e9
		write(t, name, "three", now)
		weak := get("just changed", 200, "three")
		if !weakTag(weak) {
			t.Errorf("tag %s is strong", weak)
		}
		advance(time.Second)
		if tag := get("a second later", 200, "three"); tag != weak {
			t.Errorf("tag %s, and %s before", tag, weak)
		}
		advance(time.Second)
		if tag := get("settled", 200, "three"); "W/"+tag != weak {
			t.Errorf("tag %s, and %s before", tag, weak)
		}
		ask(t, d.Serve, "GET /a.js", "If-None-Match: "+weak).want(t, "the weak tag is known all the same", 304, "")
	}
}

// TestDirFuture has a file from tomorrow.
func TestDirFuture(t *testing.T) {
	d := openDir(t, folder(t, map[string]string{"a": "a"}), DirOptions{})
	d.clock(modified - 86400)
	r := ask(t, d.Serve, "GET /a")
	r.want(t, "from tomorrow", 200, "a", "Last-Modified: Sat, 05 Nov 1994 08:49:37 GMT")
	if tag := r.Header.Get("ETag"); !weakTag(tag) {
		t.Errorf("tag %s is strong", tag)
	}
}

// TestDirBounds holds no more files than it may, and closes what it lets go.
func TestDirBounds(t *testing.T) {
	files := map[string]string{}
	for c := 'a'; c <= 'z'; c++ {
		files[string(c)] = strings.Repeat(string(c), 100)
	}
	d := openDir(t, folder(t, files), DirOptions{Files: 4, Small: -1})
	var held []*node
	ask(t, d.Serve, "GET /a").want(t, "a", 200, files["a"])
	first := d.cache.nodes["a"]
	for range 3 {
		for c := 'a'; c <= 'z'; c++ {
			ask(t, d.Serve, "GET /"+string(c)).want(t, string(c), 200, files[string(c)])
			ask(t, d.Serve, "GET /a").want(t, "a", 200, files["a"])
			if n := len(d.cache.nodes); n > 4 {
				t.Fatalf("%d files are held", n)
			}
			held = append(held, d.cache.nodes[string(c)])
		}
		if d.cache.nodes["a"] != first {
			t.Error("what is used most was let go")
		}
	}
	open := 0
	for _, n := range held {
		_, err := n.files[Identity].f.Stat()
		kept := d.cache.nodes[n.name] == n
		if kept != (err == nil) {
			t.Errorf("%s: held %v, %v", n.name, kept, err)
		}
		if err == nil {
			open++
		}
	}
	if open == 0 {
		t.Error("none is open")
	}
}

// TestDirReferences keeps a file open as long as an answer needs it.
func TestDirReferences(t *testing.T) {
	d := openDir(t, folder(t, map[string]string{"a": "one"}), DirOptions{Small: -1})
	n, err := d.get([]byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	src := n.open(Identity)
	n.release()
	d.Close()
	b := make([]byte, 3)
	if _, err := src.ReadAt(b, 0); err != nil || string(b) != "one" {
		t.Errorf("%q, %v", b, err)
	}
	src.Close()
	if _, err := src.ReadAt(b, 0); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after the last reference: %v", err)
	}
}

// TestDirClosedMeanwhile holds no file that was opened while the folder was
// closed.
func TestDirClosedMeanwhile(t *testing.T) {
	d := openDir(t, folder(t, map[string]string{"a": "one"}), DirOptions{Small: -1})
	n, err := d.load("a", d.now())
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	d.cache.add(n)
	n.release()
	if _, err := n.files[Identity].f.Stat(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after the only answer: %v", err)
	}
}

// TestDirAtOnce asks from several goroutines while files change.
func TestDirAtOnce(t *testing.T) {
	dir := folder(t, map[string]string{"a": "a", "b": "b", "c": "c", "d": "d"})
	d := openDir(t, dir, DirOptions{Files: 2, Small: -1})
	var mu sync.Mutex
	now := int64(modified+1000) * 1e9
	d.now = func() int64 {
		mu.Lock()
		defer mu.Unlock()
		now += 1e8
		return now
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 100 {
				for _, name := range []string{"a", "b", "c", "d"} {
					if r := ask(t, d.Serve, "GET /"+name); r.StatusCode != 200 || r.content[:1] != name {
						t.Errorf("%s: %d, %q", name, r.StatusCode, r.content)
					}
				}
			}
		})
	}
	for i := range 50 {
		other := filepath.Join(dir, "other")
		write(t, other, "a"+strings.Repeat("x", i), modified+int64(i))
		if err := os.Rename(other, filepath.Join(dir, "a")); err != nil {
			t.Log(err)
		}
	}
	all.Wait()
	for name, n := range d.cache.nodes {
		if refs := n.refs.Load(); refs != 1 {
			t.Errorf("%s has %d references", name, refs)
		}
	}
}

func TestOpenDir(t *testing.T) {
	dir := folder(t, map[string]string{"a": "one"})
	for _, v := range []struct {
		name, path string
		o          DirOptions
		err        error
	}{
		{"none", filepath.Join(dir, "none"), DirOptions{}, fs.ErrNotExist},
		{"negative", dir, DirOptions{Files: -1}, ErrDirOptions},
		{"too many", dir, DirOptions{Files: 1 << 17}, ErrDirOptions},
		{"small", dir, DirOptions{Small: -2}, ErrDirOptions},
		{"options", dir, DirOptions{Options: Options{Index: "/"}}, ErrName},
	} {
		if _, err := OpenDir(v.path, v.o); !errors.Is(err, v.err) {
			t.Errorf("%s: %v, want %v", v.name, err, v.err)
		}
	}
	if _, err := OpenDir(filepath.Join(dir, "a"), DirOptions{}); err == nil {
		t.Error("a file was opened as a folder")
	}
}

// TestDirForbidden tells what may not be read from what is not there.
func TestDirForbidden(t *testing.T) {
	dir := folder(t, map[string]string{"a": "one"})
	if err := os.Chmod(filepath.Join(dir, "a"), 0); err != nil {
		t.Fatal(err)
	}
	if f, err := os.Open(filepath.Join(dir, "a")); err == nil {
		f.Close()
		t.Skip("this user may read everything")
	}
	ask(t, openDir(t, dir, DirOptions{}).Serve, "GET /a").want(t, "forbidden", 403, "Forbidden\n")
}

func TestList(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files of the folder have names that Windows has not")
	}
	d := openDir(t, folder(t, map[string]string{
		"sub/b.txt": "12345", "sub/a.txt": "1", "sub/x<script>alert('1')&\"": "x", "sub/deep/c": "", "sub/javascript:alert(1)": "x", "sub/a b?c#d%41": "x", "sub/.hidden": "x",
		"sub/ä": "x", `sub/back\slash`: "x", "sub/bad\xff": "x", "sub/c:d": "x",
	}), DirOptions{List: true, Options: Options{Prefix: "/files"}})
	r := ask(t, d.Serve, "GET /files/sub/")
	if r.StatusCode != 200 || r.Header.Get("Content-Type") != "text/html; charset=utf-8" || r.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
	var hrefs []string
	for line := range strings.SplitSeq(r.content, "\n") {
		if _, rest, ok := strings.Cut(line, `<tr><td><a href="`); ok {
			href, _, _ := strings.Cut(rest, `"`)
			hrefs = append(hrefs, href)
		}
	}
	want := []string{"../", "./a%20b%3Fc%23d%2541", "./a.txt", "./b.txt", "./deep/", "./javascript%3Aalert%281%29", "./x%3Cscript%3Ealert%28%271%27%29%26%22", "./%C3%A4"}
	if strings.Join(hrefs, " ") != strings.Join(want, " ") {
		t.Errorf("links %q, want %q", hrefs, want)
	}
	for _, bad := range []string{"<script>", "'1'", "hidden", "slash", "bad\xff", "c:d"} {
		if strings.Contains(r.content, bad) {
			t.Errorf("the list has %q", bad)
		}
	}
	if !strings.Contains(r.content, `>b.txt</a><td>5<td>1994-11-06 08:49`) || !strings.Contains(r.content, "<h1>/sub/</h1>") {
		t.Errorf("list: %s", r.content)
	}
	for _, href := range want[1:] {
		if strings.HasSuffix(href, "/") {
			continue
		}
		if r := ask(t, d.Serve, "GET /files/sub/"+href[2:]); r.StatusCode != 200 {
			t.Errorf("%s: %d", href, r.StatusCode)
		}
	}
	if r := ask(t, d.Serve, "GET /files/"); r.StatusCode != 200 || strings.Contains(r.content, "../") {
		t.Errorf("the top: %d, %s", r.StatusCode, r.content)
	}
	ask(t, d.Serve, "HEAD /files/sub/").want(t, "head", 200, "")
	ask(t, d.Serve, "GET /files/none/").want(t, "no folder", 404, "Not Found\n")
	ask(t, d.Serve, "GET /files/sub/a.txt/").want(t, "a file", 404, "Not Found\n")
	ask(t, d.Serve, "GET /files/sub").want(t, "without its slash", 301, "Moved Permanently\n", "Location: ./sub/")
}

// TestDirAsFileServer compares with package http what both serve: status,
// content, and the fields that do not depend on a tag.
func TestDirAsFileServer(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file of the site has a colon in its name")
	}
	dir := site(t)
	d := openDir(t, dir, DirOptions{})
	server := http.FileServer(http.Dir(dir))
	for _, method := range []string{"GET", "HEAD"} {
		for _, path := range []string{"/", "/a.txt", "/docs/", "/docs/b%20c.txt", "/large.bin", "/none", "/none/", "/a.txt/b", "/empty", "/docs/none", "/%00", "/docs"} {
			for _, fields := range [][]string{nil, {"Range: bytes=1-2"}, {"Range: bytes=-2"}, {"Range: bytes=300000-"}, {"If-Modified-Since: " + imf}, {"If-Modified-Since: " + before},
				{"If-Unmodified-Since: " + before}, {"Range: bytes=1-2", "If-Range: " + imf}, {"Range: bytes=1-2", "If-Range: " + after}, {"If-Modified-Since: " + imf, "Range: bytes=1-2"}} {
				req := httptest.NewRequest(method, path, nil)
				for _, f := range fields {
					name, value, _ := strings.Cut(f, ": ")
					req.Header.Set(name, value)
				}
				rec := httptest.NewRecorder()
				server.ServeHTTP(rec, req)
				want := rec.Result()
				got := ask(t, d.Serve, method+" "+path, fields...)
				switch {
				case method == "HEAD" && req.Header.Get("Range") != "":
					continue // RFC 9110 section 14.2: ranges are defined for GET alone
				case path == "/empty" && want.StatusCode == 206:
					continue // section 14.1.2: nothing of no bytes is satisfiable
				case path == "/%00" && want.StatusCode == 500:
					want.StatusCode = 404 // there is no such file, and nothing is wrong with the server
				case got.StatusCode != want.StatusCode:
					t.Errorf("%s %s %q: %d, want %d", method, path, fields, got.StatusCode, want.StatusCode)
					continue
				}
				if want.StatusCode >= 300 {
					continue // texts differ
				}
				if method == "GET" && got.content != rec.Body.String() {
					t.Errorf("%s %s %q: %.100q, want %.100q", method, path, fields, got.content, rec.Body)
				}
				for _, name := range []string{"Content-Range", "Content-Length", "Last-Modified", "Accept-Ranges"} {
					if got.Header.Get(name) != want.Header.Get(name) {
						t.Errorf("%s %s %q: %s: %q, want %q", method, path, fields, name, got.Header.Get(name), want.Header.Get(name))
					}
				}
			}
		}
	}
}
