package main

import (
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fileName is a name without what cannot be embedded, or would be taken for a
// build constraint or a test.
func fileName(s string) string {
	var b strings.Builder
	for _, c := range s {
		if c < 0x80 && (isLetter(byte(c)) || '0' <= c && c <= '9' || c == '-' || c == '_') {
			b.WriteRune(c)
		}
	}
	name := strings.TrimLeft(b.String(), "_-")
	if name == "" || strings.HasSuffix(name, "_test") {
		return name + "site"
	}
	if constrained(name) {
		return name + "_site"
	}
	return name
}

// constrained reports whether a Go file of a name is for some system or
// processor only, as x_linux.go is.
func constrained(name string) bool {
	// Nothing is built for this but what is built for all.
	none := build.Default
	none.GOOS, none.GOARCH = "none", "none"
	none.OpenFile = func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("package x\n")), nil }
	all, err := none.MatchFile("", name+".go")
	return err == nil && !all
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// identifier is the name of a function for a file's name: my-site is MySite.
func identifier(name string) string {
	var b strings.Builder
	up := true
	for i := range len(name) {
		switch c := name[i]; {
		case isLetter(c) && up:
			b.WriteByte(c &^ 0x20)
			up = false
		case isLetter(c), '0' <= c && c <= '9' && b.Len() > 0:
			b.WriteByte(c)
			up = false
		default:
			up = true
		}
	}
	if b.Len() == 0 {
		return "Site"
	}
	return b.String()
}

// dataName is the name of what a function opens.
func dataName(function string) string {
	c, n := utf8.DecodeRuneInString(function)
	return string(unicode.ToLower(c)) + function[n:] + "Archive"
}

// packageOf is the package of the Go files in a folder, other than one, and
// main if there is none.
func packageOf(dir, but string) string {
	names, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, name := range names {
		if filepath.Base(name) == filepath.Base(but) || strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.PackageClauseOnly)
		if err == nil {
			return f.Name.Name
		}
	}
	return "main"
}
