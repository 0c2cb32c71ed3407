package static

import (
	"bytes"
	"io/fs"
	"net/url"
	"strings"
	"testing"
)

// attacks are paths that lead nowhere, on no system.
var attacks = []struct{ name, path string }{
	{"parent", "/../a.txt"},
	{"parent at the end", "/docs/.."},
	{"parent in between", "/docs/../a.txt"},
	{"parent, escaped", "/%2e%2e/a.txt"},
	{"parent, escaped in capitals", "/%2E%2E/a.txt"},
	{"parent, half escaped", "/.%2e/a.txt"},
	{"parent, slash escaped", "/..%2fa.txt"},
	{"all escaped", "/%2e%2e%2fa.txt"},
	{"same folder", "/./a.txt"},
	{"same folder, escaped", "/%2e/a.txt"},
	{"backslash", `/docs\a.txt`},
	{"backslashes up", `/..\..\a.txt`},
	{"backslash, escaped", "/docs%5ca.txt"},
	{"backslashes up, escaped", "/..%5c..%5ca.txt"},
	{"slash, escaped", "/docs%2fb%20c.txt"},
	{"slash at the front, escaped", "/%2fetc/passwd"},
	{"two slashes", "//a.txt"},
	{"two slashes and a host", "//evil.example/a.txt"},
	{"two slashes in between", "/docs//b%20c.txt"},
	{"two slashes at the end", "/docs//"},
	{"NUL", "/a.txt%00"},
	{"NUL and an extension", "/a%00.txt"},
	{"line feed", "/a.txt%0a"},
	{"carriage return", "/a.txt%0d%0aSet-Cookie:a"},
	{"delete", "/a.txt%7f"},
	{"drive", "/c:/windows/win.ini"},
	{"drive, capital", "/C:/windows/win.ini"},
	{"drive, escaped", "/c%3a/windows/win.ini"},
	{"drive and a name", "/c:a.txt"},
	{"drive in a folder", "/docs/c:/a.txt"},
	{"escaped twice", "/%252e%252e/a.txt"},
	{"escape cut off", "/a.txt%"},
	{"escape cut off later", "/a.txt%2"},
	{"no escape", "/a%zz.txt"},
	{"overlong slash of UTF-8", "/..%c0%af..%c0%afa.txt"},
	{"fullwidth dots", "/%ef%bc%8e%ef%bc%8e/a.txt"},
	{"stream of a file", "/a.txt::$DATA"},
	{"stream of a file, escaped", "/a.txt%3a%3a$DATA"},
	{"dot at the end", "/a.txt."},
	{"space at the end", "/a.txt%20"},
	{"share", "/%5c%5cserver%5cshare/a.txt"},
	{"device", "/con"},
	{"parameter", "/a.txt;x=y"},
	{"semicolon behind parents", "/..;/a.txt"},
	{"long", "/" + strings.Repeat("a", 900)},
	{"deep", strings.Repeat("/a", 450)},
}

// notPlain are those of the attacks that no file's name can be.
func notPlain(name string) bool {
	switch name {
	case "escaped twice", "overlong slash of UTF-8", "fullwidth dots", "stream of a file", "stream of a file, escaped", "dot at the end", "space at the end",
		"device", "parameter", "semicolon behind parents", "long", "deep":
		return false
	}
	return true
}

func TestAttacks(t *testing.T) {
	for _, v := range attacks {
		if _, ok := cleanPath(make([]byte, len(v.path)), []byte(v.path)); ok == notPlain(v.name) {
			t.Errorf("%s: cleanPath(%q) takes it: %v", v.name, v.path, ok)
		}
		for kind, tab := range tables(t, Options{}) {
			ask(t, tab.Serve, "GET "+v.path).want(t, kind+": "+v.name, 404, "Not Found\n")
		}
	}
}

func TestCleanPath(t *testing.T) {
	for _, v := range []struct{ in, want string }{
		{"/", ""}, {"/a", "a"}, {"/a/", "a/"}, {"/a/b.c", "a/b.c"}, {"/%61", "a"}, {"/%41%2d", "A-"}, {"/a%20b", "a b"}, {"/...", "..."}, {"/..a", "..a"}, {"/a..", "a.."},
		{"/.a", ".a"}, {"/a:b:c", ""}, {"/1:2", "1:2"}, {"/ab:c", "ab:c"}, {"/%ff", "\xff"}, {"/a+b", "a+b"},
	} {
		got, ok := cleanPath(make([]byte, len(v.in)), []byte(v.in))
		if want := v.want != "" || v.in == "/"; ok != want || ok && string(got) != v.want {
			t.Errorf("cleanPath(%q) = %q, %v, want %q", v.in, got, ok, v.want)
		}
	}
}

// FuzzPath takes nothing that package fs would not, and decodes as package url
// does.
func FuzzPath(f *testing.F) {
	for _, v := range attacks {
		f.Add(v.path)
	}
	f.Fuzz(func(t *testing.T, s string) {
		in := bytes.Clone([]byte(s))
		dst := make([]byte, len(s))
		got, ok := cleanPath(dst, in)
		if string(in) != s {
			t.Errorf("cleanPath(%q) changes it", s)
		}
		if !ok {
			return
		}
		want, err := url.PathUnescape(s)
		if err != nil || "/"+string(got) != want {
			t.Errorf("cleanPath(%q) = %q, and package url says %q, %v", s, got, want, err)
		}
		name := strings.TrimSuffix(string(got), "/")
		if name == "" {
			return
		}
		if !fs.ValidPath(strings.ToValidUTF8(name, "x")) || strings.ContainsAny(name, "\\\x00\r\n") {
			t.Errorf("cleanPath(%q) = %q", s, got)
		}
	})
}
