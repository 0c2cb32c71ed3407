package house

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// TestEveryNameIsDocumented wants a comment on every package and on every
// exported type, function, method, constant and variable. A comment on a group
// of constants or variables serves its members.
func TestEveryNameIsDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if s.test() || strings.HasPrefix(s.name, "bench/") {
			continue
		}
		documented[s.dir()] = documented[s.dir()] || s.file.Doc != nil
		if s.file.Name.Name == "main" {
			continue
		}
		for _, decl := range s.file.Decls {
			for _, name := range undocumented(decl) {
				file, line := s.at(name.Pos())
				t.Errorf("%s:%d: %s has no comment", file, line, name.Name)
			}
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: the package has no comment", dir)
		}
	}
}

// undocumented are the exported names that the declaration leaves without a comment.
func undocumented(decl ast.Decl) []*ast.Ident {
	var names []*ast.Ident
	add := func(documented bool, ids ...*ast.Ident) {
		for _, id := range ids {
			if id.IsExported() && !documented {
				names = append(names, id)
			}
		}
	}
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || receiver(d.Recv.List[0].Type).IsExported() {
			add(d.Doc != nil, d.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				add(spec.Doc != nil || !d.Lparen.IsValid() && d.Doc != nil, spec.Name)
			case *ast.ValueSpec:
				add(d.Doc != nil || spec.Doc != nil || spec.Comment != nil, spec.Names...)
			}
		}
	}
	return names
}

// receiver is the name of a method's type.
func receiver(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e
	}
	return ast.NewIdent("_")
}

// TestReadmeIsCompiled wants every Go snippet of a README to stand, but for its
// indentation, in an example or a test, where the compiler reads it too.
func TestReadmeIsCompiled(t *testing.T) {
	var compiled []string
	for _, s := range sources(t) {
		if s.test() || strings.HasPrefix(s.name, "examples/") {
			compiled = append(compiled, s.name)
		}
	}
	for _, name := range files(t) {
		if path.Base(name) != "README.md" {
			continue
		}
		for _, snippet := range snippets(string(read(t, name))) {
			if !slices.ContainsFunc(compiled, func(c string) bool { return contains(lines(string(read(t, c))), snippet) }) {
				t.Errorf("%s: no example or test holds this snippet:\n%s", name, strings.Join(snippet, "\n"))
			}
		}
	}
}

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

// snippets are the lines of each block that the document marks as Go.
func snippets(text string) [][]string {
	var all [][]string
	var block []string
	in := false
	for _, line := range lines(text) {
		switch fence := strings.TrimSpace(line); {
		case !in && fence == "```go":
			in, block = true, nil
		case in && fence == "```":
			in, all = false, append(all, block)
		case in:
			block = append(block, line)
		}
	}
	return all
}

// contains reports whether the snippet stands in the file, indented as a whole.
func contains(file, snippet []string) bool {
	for i, first := range file {
		if len(snippet) == 0 || i+len(snippet) > len(file) {
			return false
		}
		indent, ok := strings.CutSuffix(first, snippet[0])
		if !ok || strings.TrimLeft(indent, "\t") != "" {
			continue
		}
		if slices.EqualFunc(file[i:i+len(snippet)], snippet, func(f, s string) bool { return strings.TrimPrefix(f, indent) == s }) {
			return true
		}
	}
	return false
}

// TestNoSleep wants tests to wait for what they wait for. In the bubble of
// testing/synctest time is virtual and a sleep is exact.
func TestNoSleep(t *testing.T) {
	for _, s := range sources(t) {
		if !s.test() || slices.Contains(s.imports(), "testing/synctest") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Sleep" {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" {
					file, line := s.at(token.Pos(sel.Pos()))
					t.Errorf("%s:%d: a test sleeps", file, line)
				}
			}
			return true
		})
	}
}
