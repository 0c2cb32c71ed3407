package image

import (
	"os"
	"path/filepath"
	"testing"
)

// TestParse reads a table of TinyGo 0.41.
func TestParse(t *testing.T) {
	all, err := parse(`   code  rodata    data     bss |   flash     ram | package
------------------------------- | --------------- | -------
      0      13       0       7 |      13       7 | (padding)
      0       0       0    1024 |       0    1024 | C stack
    152       5       2       0 |     159       2 | github.com/bobtail-go/bobtail/pool
     10       0       0       0 |      10       0 | main
------------------------------- | --------------- | -------
    162      18       2    1031 |     182    1033 | total
`)
	if err != nil {
		t.Fatal(err)
	}
	i := Image{Packages: all}
	if got := i.Total(); got != (Package{"total", 182, 1033}) {
		t.Errorf("total %v", got)
	}
	if got := i.Part(Ours); got.Flash != 159 || got.RAM != 2 {
		t.Errorf("ours %v", got)
	}
	if _, err := parse("ld.lld: error\n"); err == nil {
		t.Error("no table is no error")
	}
}

// TestGroupOf gives packages to whom they belong.
func TestGroupOf(t *testing.T) {
	for name, want := range map[string]Group{
		"github.com/bobtail-go/bobtail":                 Ours,
		"github.com/bobtail-go/bobtail/transport/lneto": Ours,
		"github.com/bobtail-go/bobtail/firmware/site":   Page,
		"main":                        Page,
		"github.com/soypat/lneto/tcp": Stack,
		"Go types":                    Types,
		"runtime":                     Runtime,
		"(unknown)":                   Nobody,
	} {
		if got := GroupOf(name); got != want {
			t.Errorf("%s is in %q, want %q", name, got, want)
		}
	}
}

// TestReplace fills what is empty, and replaces what is not, and nothing else.
func TestReplace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(file, []byte("a\n<!-- x -->\n<!-- /x -->\nb\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one\n", "two\nthree\n", ""} {
		if err := Replace(file, "x", text); err != nil {
			t.Fatal(err)
		}
		b, _ := os.ReadFile(file)
		if want := "a\n<!-- x -->\n" + text + "<!-- /x -->\nb\n"; string(b) != want {
			t.Errorf("the file has %q, want %q", b, want)
		}
	}
	if Replace(file, "y", "") == nil {
		t.Error("what is not there is replaced")
	}
}
