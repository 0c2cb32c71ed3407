package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"

	"github.com/bobtail-go/bobtail/static"
)

// numbers is text that compresses well, noise is bytes that do not.
var (
	numbers = func() string {
		var b strings.Builder
		for i := range 5000 {
			fmt.Fprintln(&b, i)
		}
		return b.String()
	}()
	noise = func() string {
		var b []byte
		for i := range 1000 {
			sum := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
			b = append(b, sum[:]...)
		}
		return string(b)
	}()
)

// packed is a folder to pack, in a folder of its own.
func packed(t *testing.T) (top string) {
	t.Helper()
	top = t.TempDir()
	for name, content := range map[string]string{
		"index.html": "<!DOCTYPE html><title>packed</title>", "docs/numbers.txt": numbers, "docs/a b.bin": noise, "photo.jpg": numbers, "empty": "", "app.js": numbers, "app.js.gz": "stale",
		".secret": "secret", ".git/config": "secret", ".well-known/security.txt": "known", "strange/\xc3\xa4\"`$.txt": "strange",
	} {
		writeFile(t, filepath.Join(top, "public", filepath.FromSlash(name)), content)
	}
	return top
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestPackServes packs a folder both ways, compiles what was written with a
// server around it, and fetches every form.
func TestPackServes(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, flags := range [][]string{nil, {"-go"}} {
		top := packed(t)
		if err := os.Symlink("/etc/passwd", filepath.Join(top, "public", "passwd")); err != nil {
			t.Log(err)
		}
		out := filepath.Join(top, "my-site.go")
		r := runToEnd(t, append(append([]string{"pack"}, flags...), filepath.Join(top, "public"), "-o", out)...)
		if r.status != exitOK || r.stderr != "" || !strings.Contains(r.stdout, "call main.MySite\n") {
			t.Fatalf("pack %v = %+v", flags, r)
		}
		for _, left := range []string{"app.js.gz: pack compresses app.js itself", "passwd: a link to nothing inside"} {
			if !strings.Contains(r.stdout, left) && runtime.GOOS != "windows" {
				t.Errorf("%q is not said: %s", left, r.stdout)
			}
		}
		if _, err := os.Stat(filepath.Join(top, "my-site.pack")); (err == nil) != (flags == nil) {
			t.Errorf("%v: the archive beside: %v", flags, err)
		}
		writeFile(t, filepath.Join(top, "main.go"), serverOf("MySite"))
		writeFile(t, filepath.Join(top, "go.mod"), "module packed\n\ngo 1.25\n\nrequire github.com/bobtail-go/bobtail v0.0.0\n\nreplace github.com/bobtail-go/bobtail => "+filepath.ToSlash(root)+"\n")
		program := filepath.Join(top, "program.exe")
		build := exec.Command("go", "build", "-o", program, ".")
		build.Dir = top
		build.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off")
		if b, err := build.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, b)
		}
		fetchPacked(t, program)
	}
}

// serverOf is a program that serves what a function opens, and prints where.
func serverOf(function string) string {
	return `package main

import (
	"fmt"
	"os"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/static"
)

func main() {
	tree, err := ` + function + `(static.Options{})
	check(err)
	srv, err := bobtail.New(bobtail.Config{Sockets: 8, Workers: 2})
	check(err)
	check(srv.Handle("GET /", tree.Serve))
	a, err := srv.Listen("127.0.0.1:0")
	check(err)
	fmt.Println(a)
	check(srv.Start())
	select {}
}

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
`
}

// fetchPacked runs a program of serverOf and fetches what was packed.
func fetchPacked(t *testing.T, program string) {
	t.Helper()
	cmd := exec.Command(program)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	overdue := time.AfterFunc(patient, func() { cmd.Process.Kill() })
	defer overdue.Stop()
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	get := func(name, accept string) (*http.Response, string) {
		t.Helper()
		at := neturl.URL{Scheme: "http", Host: strings.TrimSpace(address), Path: "/" + name}
		req, err := http.NewRequest("GET", at.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", accept)
		r, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		var body io.Reader = r.Body
		switch r.Header.Get("Content-Encoding") {
		case "gzip":
			if body, err = gzip.NewReader(r.Body); err != nil {
				t.Fatal(err)
			}
		case "br":
			body = brotli.NewReader(r.Body)
		}
		b, err := io.ReadAll(body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if coding := r.Header.Get("Content-Encoding"); coding != "" && r.ContentLength >= int64(len(b)) {
			t.Errorf("%s: %d bytes of %s for %d", name, r.ContentLength, coding, len(b))
		}
		return r, string(b)
	}
	tags := map[string]bool{}
	for _, v := range []struct{ name, content, mediaType, codings string }{
		{"", "<!DOCTYPE html><title>packed</title>", "text/html; charset=utf-8", "  "},
		{"docs/numbers.txt", numbers, "text/plain; charset=utf-8", " gzip br"},
		{"docs/a b.bin", noise, "application/octet-stream", "  "},
		{"photo.jpg", numbers, "image/jpeg", "  "},
		{"empty", "", "application/octet-stream", "  "},
		{"app.js", numbers, "text/javascript; charset=utf-8", " gzip br"},
		{".well-known/security.txt", "known", "text/plain; charset=utf-8", "  "},
		{"strange/\xc3\xa4\"`$.txt", "strange", "text/plain; charset=utf-8", "  "},
	} {
		var codings []string
		for _, accept := range []string{"identity", "gzip", "gzip, deflate, br, zstd"} {
			r, content := get(v.name, accept)
			if r.StatusCode != 200 || content != v.content || r.Header.Get("Content-Type") != v.mediaType {
				t.Errorf("%s for %s: %d, %s, %.100q", v.name, accept, r.StatusCode, r.Header.Get("Content-Type"), content)
			}
			coding := r.Header.Get("Content-Encoding")
			codings = append(codings, coding)
			if tag := r.Header.Get("ETag"); tag == "" || coding != "" && tags[v.name+tag] {
				t.Errorf("%s for %s: tag %s", v.name, accept, tag)
			} else {
				tags[v.name+tag] = true
			}
		}
		if got := strings.Join(codings, " "); got != v.codings {
			t.Errorf("%s: codings %q, want %q", v.name, got, v.codings)
		}
	}
	for _, name := range []string{".secret", ".git/config", "app.js.gz", "passwd"} {
		if r, _ := get(name, "identity"); r.StatusCode != 404 {
			t.Errorf("%s is packed: %d", name, r.StatusCode)
		}
	}
}

// TestPackDeterministic packs the same files, of other times and in another
// place, to the same bytes, and leaves alone what is as it should be.
func TestPackDeterministic(t *testing.T) {
	var first [2]string
	for i := range 2 {
		top := packed(t)
		if err := os.Chtimes(filepath.Join(top, "public", "index.html"), time.Time{}, time.Unix(int64(i)*1e6, 0)); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(top, "public.go")
		if r := runToEnd(t, "pack", "-q", "-o", out, filepath.Join(top, "public")); r.status != exitOK || r.stdout+r.stderr != "" {
			t.Fatalf("pack -q = %+v", r)
		}
		got := [2]string{readFile(t, out), readFile(t, filepath.Join(top, "public.pack"))}
		if i > 0 && got != first {
			t.Error("the same files, other bytes")
		}
		first = got
		before, err := os.Stat(out)
		if err != nil {
			t.Fatal(err)
		}
		if r := runToEnd(t, "pack", "-q", "-o", out, filepath.Join(top, "public")); r.status != exitOK {
			t.Fatalf("again: %+v", r)
		}
		if after, err := os.Stat(out); err != nil || !os.SameFile(before, after) {
			t.Errorf("a file that has not changed is another one: %v", err)
		}
		writeFile(t, filepath.Join(top, "public", "index.html"), "<p>changed")
		if r := runToEnd(t, "pack", "-q", "-o", out, filepath.Join(top, "public")); r.status != exitOK || readFile(t, filepath.Join(top, "public.pack")) == got[1] {
			t.Errorf("changed: %+v", r)
		}
	}
}

// TestPackHidden packs what begins with a dot if asked to.
func TestPackHidden(t *testing.T) {
	top := packed(t)
	out := filepath.Join(top, "x.go")
	if r := runToEnd(t, "pack", filepath.Join(top, "public"), "-hidden", "-o", out, "-func", "Files", "-package", "site"); r.status != exitOK || !strings.Contains(r.stdout, "call site.Files\n") {
		t.Fatalf("%+v", r)
	}
	tab, err := static.Open([]byte(readFile(t, filepath.Join(top, "x.pack"))), static.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".secret", ".git/config", ".well-known/security.txt"} {
		if _, ok := tab.File(name); !ok {
			t.Errorf("%s is not packed", name)
		}
	}
	if text := readFile(t, out); !strings.Contains(text, "package site\n") || !strings.Contains(text, "func Files(") || !strings.Contains(text, "var filesArchive string") {
		t.Errorf("%s", text)
	}
}

// TestPackRefuses says in one line what is wrong, and writes nothing.
func TestPackRefuses(t *testing.T) {
	top := packed(t)
	public := filepath.Join(top, "public")
	writeFile(t, filepath.Join(top, "mine.go"), "package mine\n")
	writeFile(t, filepath.Join(top, "other.pack"), "PACK")
	if err := os.Mkdir(filepath.Join(top, "nothing"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct {
		name string
		args []string
		says string
	}{
		{"no folder given", nil, "pack takes one folder, and there is none"},
		{"two folders", []string{public, "b"}, "pack takes one folder, and there are 2"},
		{"no such folder", []string{filepath.Join(top, "none")}, "there is no folder"},
		{"a file", []string{filepath.Join(public, "index.html")}, "is a file; pack takes a folder"},
		{"an empty folder", []string{filepath.Join(top, "nothing"), "-o", filepath.Join(top, "o.go")}, "there is no file in"},
		{"no Go file", []string{public, "-o", "a.txt"}, "ends in .go"},
		{"a name that cannot be embedded", []string{public, "-o", filepath.Join(top, "a*b.go")}, "letters, digits"},
		{"no folder for it", []string{public, "-o", filepath.Join(top, "none", "o.go")}, "there is no folder"},
		{"within what is packed", []string{public, "-o", filepath.Join(public, "o.go")}, "would be packed the next time"},
		{"somebody's file", []string{public, "-o", filepath.Join(top, "mine.go")}, "pack has not written it"},
		{"beside somebody's file", []string{public, "-o", filepath.Join(top, "other.go")}, "other.pack is there, and pack has not written it"},
		{"beside somebody's file, which is not needed", []string{public, "-go", "-o", filepath.Join(top, "other.go")}, "other.pack is there, and pack has not written it"},
		{"for one system", []string{public, "-o", filepath.Join(top, "o_windows.go")}, "no _test, system or processor"},
		{"package", []string{public, "-o", filepath.Join(top, "o.go"), "-package", "a-b"}, "-package a-b: this is no name in Go"},
		{"function", []string{public, "-o", filepath.Join(top, "o.go"), "-func", "1a"}, "-func 1a: this is no name in Go"},
		{"function that cannot be called", []string{public, "-o", filepath.Join(top, "o.go"), "-func", "_"}, "-func _: this is no name in Go"},
		{"flag", []string{public, "-goo"}, "did you mean -go?"},
		{"flag without a value", []string{public, "-o"}, "flag needs an argument"},
	} {
		r := runToEnd(t, append([]string{"pack"}, v.args...)...)
		if r.status != exitUsage || r.stdout != "" || strings.Count(r.stderr, "\n") != 1 || !strings.HasPrefix(r.stderr, "bobtail: ") || !strings.Contains(r.stderr, v.says) {
			t.Errorf("%s: %+v, want %q", v.name, r, v.says)
		}
	}
	if text := readFile(t, filepath.Join(top, "mine.go")); text != "package mine\n" {
		t.Errorf("overwritten: %q", text)
	}
	if text := readFile(t, filepath.Join(top, "other.pack")); text != "PACK" {
		t.Errorf("overwritten: %q", text)
	}
	if _, err := os.Stat(filepath.Join(top, "o.go")); err == nil {
		t.Error("written all the same")
	}
}

func TestPackHelp(t *testing.T) {
	for _, args := range [][]string{{"pack", "-h"}, {"help", "pack"}, {"pack", "dir", "--help"}} {
		r := runToEnd(t, args...)
		if r.status != exitOK || r.stderr != "" {
			t.Errorf("%q = %+v", args, r)
		}
		for _, word := range []string{"usage: bobtail pack [flags] DIR", "-package NAME", "-o FILE", "-go", "-func NAME"} {
			if !strings.Contains(r.stdout, word) {
				t.Errorf("%q does not say %q", args, word)
			}
		}
	}
}

// TestPackProgress shows a bar on a terminal, and nothing elsewhere.
func TestPackProgress(t *testing.T) {
	script, err := exec.LookPath("script")
	if err != nil || runtime.GOOS != "linux" {
		t.Skip("needs the program script of Linux")
	}
	top := packed(t)
	dir, out := filepath.Join(top, "public"), filepath.Join(top, "o.go")
	b, err := exec.Command(script, "-qec", binary+" pack -o "+out+" "+dir, "/dev/null").CombinedOutput()
	if err != nil || !bytes.Contains(b, []byte("compressing")) || !bytes.Contains(b, []byte("call main.O")) {
		t.Errorf("%v: %q", err, b)
	}
	b, err = exec.Command(script, "-qec", binary+" pack -q -o "+out+" "+dir, "/dev/null").CombinedOutput()
	if err != nil || len(b) > 0 {
		t.Errorf("-q: %v: %q", err, b)
	}
}

// TestForm keeps a compressed form only if it is worth it.
func TestForm(t *testing.T) {
	for _, v := range []struct {
		name, content string
		other         int
		kept          bool
	}{
		{"text", numbers, len(numbers), true},
		{"noise", noise, len(noise), false},
		{"nothing", "", 0, false},
		{"short", strings.Repeat("a", 60), 60, false},
		{"a twentieth is not saved", noise + strings.Repeat("a", 200), 1 << 20, false},
		{"no shorter than another", numbers, 10, false},
	} {
		got, err := form(v.content, v.other, gzipWriter)
		if err != nil || (got != "") != v.kept {
			t.Errorf("%s: %d bytes of %d, %v", v.name, len(got), len(v.content), err)
		}
	}
}

func TestPackNames(t *testing.T) {
	for in, want := range map[string]string{"public": "Public", "my-site": "MySite", "a_b2c": "AB2c", "2024": "Site", "9lives": "Lives", "x": "X"} {
		if got := identifier(in); got != want {
			t.Errorf("identifier(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"public": "public", "my site": "mysite", "../x": "x", "ä": "site", "_x": "x", "a_test": "a_testsite", "a.b": "ab", "a_linux": "a_linux_site", "a_windows_arm64": "a_windows_arm64_site", "linux": "linux", "a-linux": "a-linux"} {
		if got := fileName(in); got != want {
			t.Errorf("fileName(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"Site": "siteArchive", "site": "siteArchive", "Äther": "ätherArchive"} {
		if got := dataName(in); got != want {
			t.Errorf("dataName(%q) = %q, want %q", in, got, want)
		}
	}
}
