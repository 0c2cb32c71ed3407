package house

import (
	"bytes"
	"path"
	"regexp"
	"testing"
)

// TestFileNames wants names that every file system and shell takes alike.
func TestFileNames(t *testing.T) {
	lower := regexp.MustCompile(`^[a-z0-9._/-]+$`)
	for _, name := range files(t) {
		switch path.Ext(name) {
		case ".go", ".c", ".h", ".s", ".S", ".sh", ".json", ".ld":
			if !lower.MatchString(name[:len(name)-len(path.Ext(name))]) {
				t.Errorf("%s: names of source files are in lower case", name)
			}
		}
	}
}

// TestNoMachinePaths wants no folder of one developer's machine in the tree.
func TestNoMachinePaths(t *testing.T) {
	machine := regexp.MustCompile(`/(?:work|root|home/[a-z]+)/`)
	for _, name := range files(t) {
		text := read(t, name)
		if bytes.IndexByte(text[:min(len(text), 8000)], 0) >= 0 || path.Ext(name) == ".sum" {
			continue
		}
		for i, line := range bytes.Split(text, []byte("\n")) {
			if m := machine.Find(line); m != nil {
				t.Errorf("%s:%d: %s is a folder of one machine", name, i+1, m)
			}
		}
	}
}

// TestDocumentsAreShort wants a guide that is read.
func TestDocumentsAreShort(t *testing.T) {
	const most = 80 // lines
	if n := len(lines(string(read(t, "CONTRIBUTING.md")))); n > most {
		t.Errorf("CONTRIBUTING.md has %d lines; nobody reads more than %d", n, most)
	}
}
