package house

import (
	"encoding/json"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// small are the packages that TinyGo links into programs for small machines.
var small = []string{
	".", "auth", "coap", "coapconn", "coaptcp", "cookie", "cors", "engine", "form", "http1", "http1conn", "internal/ascii",
	"internal/pattern", "json", "metrics", "pool", "resource", "sse", "static", "transport", "transport/epoll", "web", "websocket", "ws", "wsconn",
}

// TestNothingIsComparedAsAnInterface wants no comparison of interface values but
// with nil. TinyGo compares them by what reflection knows, and so keeps the
// descriptors of all types and the code that reads them: 20 KB in a program of
// 120. An assertion to the concrete type and a comparison of that costs a few
// bytes.
func TestNothingIsComparedAsAnInterface(t *testing.T) {
	env := []string{"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0"}
	args := []string{"list", "-tags=tinygo", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles"}
	for _, p := range small {
		args = append(args, "./"+p)
	}
	type pkg struct {
		ImportPath, Dir, Export string
		GoFiles                 []string
	}
	exports := map[string]string{}
	var ours []pkg
	for d := json.NewDecoder(strings.NewReader(command(t, env, "go", args...))); ; {
		var p pkg
		err := d.Decode(&p)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if slices.ContainsFunc(small, func(s string) bool { return p.ImportPath == module && s == "." || p.ImportPath == module+"/"+s }) {
			ours = append(ours, p)
		}
	}
	if len(ours) != len(small) {
		t.Fatalf("found %d packages of %d", len(ours), len(small))
	}
	fset := token.NewFileSet()
	imp := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, p := range ours {
		var files []*ast.File
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
		info := types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
		conf := types.Config{Importer: imp}
		if _, err := conf.Check(p.ImportPath, fset, files, &info); err != nil {
			t.Fatal(err)
		}
		if p.ImportPath == module+"/static" {
			continue // the rest of it is for those who have files
		}
		for _, f := range files {
			for _, at := range comparisons(f, &info) {
				where := fset.Position(at)
				t.Errorf("%s/%s:%d: interface values are compared", strings.TrimPrefix(p.ImportPath, module+"/"), filepath.Base(where.Filename), where.Line)
			}
		}
	}
}

// TestSmallIsBuilt wants every package that claims to be for small machines to be
// in a program that TinyGo builds: ./test.sh sizes builds them all.
func TestSmallIsBuilt(t *testing.T) {
	env := []string{"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0"}
	built := strings.Fields(command(t, env, "go", "list", "-deps", "./internal/house/small/..."))
	for _, p := range small {
		if name := strings.TrimSuffix(module+"/"+p, "/."); !slices.Contains(built, name) {
			t.Errorf("%s is in no program", p)
		}
	}
	script, err := os.ReadFile(filepath.Join(top, "ci", "sizes.sh"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files(t) {
		if dir, ok := strings.CutSuffix(f, "/main.go"); ok && strings.HasPrefix(dir, "internal/house/small/") &&
			!strings.Contains(string(script), " "+filepath.Base(dir)+" ") {
			t.Errorf("ci/sizes.sh does not build %s", dir)
		}
	}
}

// comparisons are the places where a file compares values that are interfaces
// or have one in them, or has the standard library do it.
func comparisons(f *ast.File, info *types.Info) []token.Pos {
	var at []token.Pos
	by := func(e ast.Expr) bool {
		v := info.Types[e]
		return v.Type != nil && !v.IsNil() && hasInterface(v.Type)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			isNil := info.Types[n.X].IsNil() || info.Types[n.Y].IsNil()
			if (n.Op == token.EQL || n.Op == token.NEQ) && !isNil && (by(n.X) || by(n.Y)) {
				at = append(at, n.Pos())
			}
		case *ast.SwitchStmt:
			if n.Tag == nil {
				break
			}
			for _, c := range n.Body.List {
				for _, e := range c.(*ast.CaseClause).List {
					if !info.Types[e].IsNil() && (by(n.Tag) || by(e)) {
						at = append(at, e.Pos())
					}
				}
			}
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if ok && slices.Contains([]string{"io.ReadFull", "io.ReadAtLeast", "io.Copy", "errors.Is", "errors.As"}, x.Name+"."+n.Sel.Name) {
				at = append(at, n.Pos())
			}
		case *ast.MapType:
			if hasInterface(info.Types[n].Type.(*types.Map).Key()) {
				at = append(at, n.Pos())
			}
		}
		return true
	})
	return at
}

// hasInterface reports whether values of a type are compared as interfaces, in
// part at least.
func hasInterface(t types.Type) bool {
	switch u := types.Unalias(t).Underlying().(type) {
	case *types.Interface:
		_, isParameter := types.Unalias(t).(*types.TypeParam)
		return !isParameter
	case *types.Array:
		return hasInterface(u.Elem())
	case *types.Struct:
		for i := range u.NumFields() {
			if hasInterface(u.Field(i).Type()) {
				return true
			}
		}
	}
	return false
}
