package tinygotest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"iter"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Allocation is a place where TinyGo leaves one in a program.
type Allocation struct {
	File string // its path
	Line int
}

// Allocations are those that the compiler prints with -print-allocs, also on a
// path that a program does not take. What the runtime allocates for a place is
// not among them: append, which shows without a heap, and conversions.
func Allocations(out string) iter.Seq[Allocation] {
	return func(yield func(Allocation) bool) {
		for line := range strings.Lines(out) {
			// A line of a coverage profile: FILE:LINE.COLUMN,LINE.COLUMN 1 0
			name, at, ok := strings.Cut(line, ".go:")
			number, err := strconv.Atoi(strings.Split(at, ".")[0])
			if ok && err == nil && !yield(Allocation{name + ".go", number}) {
				return
			}
		}
	}
}

// Enclosing is the name of the function that the place is in, and the text of its
// line.
func (a Allocation) Enclosing(t *testing.T) (name, text string) {
	t.Helper()
	b, err := os.ReadFile(a.File)
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, a.File, b, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	name = "a declaration"
	for _, decl := range f.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if ok && fset.Position(fn.Pos()).Line <= a.Line && a.Line <= fset.Position(fn.End()).Line {
			name = fn.Name.Name
		}
	}
	return name, strings.TrimSpace(strings.Split(string(b), "\n")[a.Line-1])
}
