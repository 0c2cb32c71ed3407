package small

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// build makes a program of a folder with TinyGo and returns its path. What the
// compiler prints is logged, and returned too.
func build(t *testing.T, dir string, flags ...string) (program, out string) {
	t.Helper()
	tinygo := os.Getenv("TINYGO")
	if tinygo == "" {
		t.Skip("./test.sh tinygo runs this")
	}
	program = filepath.Join(t.TempDir(), filepath.Base(dir))
	args := []string{"build", "-o", program}
	args = append(args, strings.Fields(os.Getenv("TINYGOFLAGS"))...)
	args = append(args, flags...)
	cmd := exec.Command(tinygo, append(args, dir)...)
	b, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("tinygo build %s %s: %v\n%s", strings.Join(flags, " "), dir, err, b)
	}
	return program, string(b)
}

// TestNoHeap links each program with -gc=none, where every allocation that the
// compiler could not move to a stack or a global is an error of the linker,
// and runs it. The pool's program brings an allocator that serves its
// constructor and then is sealed.
func TestNoHeap(t *testing.T) {
	for _, dir := range []string{"./pool"} {
		t.Run(dir[2:], func(t *testing.T) {
			program, _ := build(t, dir, "-gc=none")
			out, err := exec.Command(program).CombinedOutput()
			if err != nil || string(out) != "ok\n" {
				t.Errorf("the program ends with %v and says %q", err, out)
			}
		})
	}
}

// TestAllocations wants every allocation that TinyGo leaves in a package, also
// on a path that the program does not take, to be in a constructor, or to
// build the last words of a program that has a bug.
func TestAllocations(t *testing.T) {
	_, out := build(t, "./pool", "-print-allocs=.")
	dir, err := filepath.Abs("../../../pool")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(out) {
		// A line of a coverage profile: FILE:LINE.COLUMN,LINE.COLUMN 1 0
		name, at, ok := strings.Cut(line, ".go:")
		number, err := strconv.Atoi(strings.Split(at, ".")[0])
		if !ok || err != nil || filepath.Dir(name) != dir {
			continue
		}
		found++
		if in, text := enclosing(t, name+".go", number); in != "New" && in != "init" && !strings.HasPrefix(text, "panic(") {
			t.Errorf("%s.go:%d: %s allocates: %s", filepath.Base(name), number, in, text)
		}
	}
	if found == 0 {
		t.Error("TinyGo names no allocation: the test sees nothing")
	}
}

// enclosing is the name of the function that a line of a file belongs to, and
// the line.
func enclosing(t *testing.T, file string, line int) (name, text string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, b, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	name = "a declaration"
	for _, decl := range f.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if ok && fset.Position(fn.Pos()).Line <= line && line <= fset.Position(fn.End()).Line {
			name = fn.Name.Name
		}
	}
	return name, strings.TrimSpace(strings.Split(string(b), "\n")[line-1])
}
