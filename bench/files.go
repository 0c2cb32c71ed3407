package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// file is one that servers are asked for. Its name is also that of the work.
type file struct {
	name string
	size int

	// posted says that it is no file of the servers: it is sent to them, and is to
	// come back.
	posted bool

	// part is how many requests there are in one of a plain run's: about as
	// long takes a run then. There are at least as many as least, or as of a
	// plain run.
	part  float64
	least int
}

// allFiles are the files of the work with files.
var allFiles = []file{
	{"10k", 10 << 10, false, 0.5, 0},
	{"1m", 1 << 20, false, 0.02, 2000},
	{"echo1k", 1 << 10, true, 1, 0},
}

// fileOf is the file that a work is about, nil if it is about none.
func fileOf(work string) *file {
	for i := range allFiles {
		if f := &allFiles[i]; f.name == work {
			return f
		}
	}
	return nil
}

// path is the path of a request for the file.
func (f *file) path() string {
	if f.posted {
		return echoPath
	}
	return "/files/" + f.name + ".txt"
}

// echoPath is where content comes back.
const echoPath = "/echo"

// in is the file's name below a folder.
func (f *file) in(folder string) string { return filepath.Join(folder, "files", f.name+".txt") }

// args are those by which the load generator asks for the file, or sends it.
func (f *file) args(folder string) []string {
	args := []string{"-u", f.path(), "-f", f.in(folder)}
	if f.posted {
		args = append(args, "-P")
	}
	return args
}

// line is the length of a line of the files.
const line = 64

// text is what is in the file: numbered lines. cmd/bobtail has the same among
// the files that its site serves from memory, and the load generator would
// complain of another.
func (f *file) text() string {
	var b strings.Builder
	for i := range f.size / line {
		fmt.Fprintf(&b, "%07d %-55s\n", i, "a bobtail squid, lit from below, casts no shadow")
	}
	return b.String()
}

// writeFiles makes the folder that servers serve.
func writeFiles(folder string) error {
	for i := range allFiles {
		f := &allFiles[i]
		if err := os.MkdirAll(filepath.Dir(f.in(folder)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(f.in(folder), []byte(f.text()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
