package main

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
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
		name += "site"
	}
	return name
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
