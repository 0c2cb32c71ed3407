package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/bobtail-go/bobtail"

// top is the top of the tree, seen from this package's folder.
var top = filepath.Join("..", "..")

// command is the output of a program run in the top folder.
func command(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = top
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		if e, ok := err.(*exec.ExitError); ok {
			out = e.Stderr
		}
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

var tracked = sync.OnceValues(func() ([]string, error) {
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = top
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if _, err := os.Lstat(filepath.Join(top, name)); err == nil {
			names = append(names, name)
		}
	}
	return names, nil
})

// files are the tracked files that are there, as slash-separated paths from the top.
func files(t *testing.T) []string {
	t.Helper()
	names, err := tracked()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	if len(names) == 0 {
		t.Fatal("git tracks no file")
	}
	return names
}

func exists(name string) bool {
	_, err := os.Stat(filepath.Join(top, name))
	return err == nil
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(top, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// source is a parsed Go file.
type source struct {
	name string
	file *ast.File
	fset *token.FileSet
}

func (s source) dir() string                  { return path.Dir(s.name) }
func (s source) test() bool                   { return strings.HasSuffix(s.name, "_test.go") }
func (s source) at(p token.Pos) (string, int) { return s.name, s.fset.Position(p).Line }

// imports are the paths that the file imports.
func (s source) imports() []string {
	var paths []string
	for _, i := range s.file.Imports {
		paths = append(paths, strings.Trim(i.Path.Value, `"`))
	}
	return paths
}

// sources are the tracked Go files of every module and build constraint.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	for _, name := range files(t) {
		if path.Ext(name) != ".go" || strings.Contains("/"+name, "/testdata/") {
			continue
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, filepath.Join(top, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		all = append(all, source{name, f, fset})
	}
	return all
}
