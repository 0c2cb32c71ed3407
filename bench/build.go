package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// errAbsent is wrapped by the errors that say that a server is not on this
// machine or not in this tree. It is left out then, and that is no failure.
var errAbsent = errors.New("not here")

// builder makes programs.
type builder struct {
	cache string          // folder of the C programs, which is kept
	temp  string          // folder of everything else, which is removed at the end
	made  map[string]bool // the Go programs that are there
}

func newBuilder() (*builder, error) {
	if _, err := os.Stat(filepath.Join("servers", "floor", "floor.c")); err != nil {
		return nil, errors.New("this is to be run in the folder bench")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	temp, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	return &builder{cache: filepath.Join(cache, "bobtail", "bench"), temp: temp, made: make(map[string]bool)}, nil
}

func (b *builder) close() { os.RemoveAll(b.temp) }

// compiler is the command that all C is compiled by.
var compiler = []string{"gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread"}

// compilerVersion is the line by which the compiler calls itself.
func compilerVersion() string {
	out, err := exec.Command(compiler[0], "--version").Output()
	if err != nil {
		return "none"
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

// compile makes a program of the C files of a folder, unless the cache has the
// one that these files and this compiler make. The arguments, which stand behind
// the files, say where libraries are. It returns the path.
func (b *builder) compile(ctx context.Context, dir string, libraries ...string) (string, error) {
	sources, err := filepath.Glob(filepath.Join(dir, "*.c"))
	if err != nil {
		return "", err
	}
	headers, err := filepath.Glob(filepath.Join(dir, "*.h"))
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, compilerVersion(), compiler, libraries)
	for _, name := range append(headers, sources...) {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, filepath.Base(name), len(text))
		h.Write(text)
	}
	name := filepath.Base(dir)
	folder := filepath.Join(b.cache, fmt.Sprintf("%x", h.Sum(nil)[:8]))
	program := filepath.Join(folder, name)
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	// Another run may be making the same: the rename gives it a whole program.
	made := filepath.Join(b.temp, name)
	if err := command(ctx, "", nil, slices.Concat(compiler, []string{"-o", made}, sources, libraries)...); err != nil {
		return "", err
	}
	return program, move(made, program)
}

// move renames a file, also from one file system to another.
func move(from, to string) error {
	if os.Rename(from, to) == nil {
		return nil
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	near := fmt.Sprintf("%s.%d", to, os.Getpid())
	if err := os.WriteFile(near, text, 0o755); err != nil {
		return err
	}
	return os.Rename(near, to)
}

// goBuild makes the program of a Go package, which is the folder dir. The
// workspace is left aside: its modules replace each other by path. Programs are static,
// as those are that are put into images. One that several servers are, under different
// flags, is made once.
func (b *builder) goBuild(ctx context.Context, dir, name string) (string, error) {
	program := filepath.Join(b.temp, name)
	if b.made[program] {
		return program, nil
	}
	err := command(ctx, dir, []string{"GOWORK=off", "CGO_ENABLED=0"}, "go", "build", "-o", program, ".")
	if err == nil {
		b.made[program] = true
	}
	return program, err
}

// command runs a program to its end; the error has the first line that it wrote.
func command(ctx context.Context, dir string, env []string, args ...string) error {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		for line := range strings.Lines(out.String()) {
			// The go command heads the errors of a package with its name.
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "# ") {
				return fmt.Errorf("%s: %w: %s", args[0], err, line)
			}
		}
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return nil
}
