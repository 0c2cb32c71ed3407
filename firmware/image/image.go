// Package image builds firmware with TinyGo, and tells what it consists of.
package image

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrNoCompiler means that the environment does not say what to build with.
var ErrNoCompiler = errors.New("image: TINYGO and FIRMWARE are not set; ./test.sh firmware sets them")

// Image is a program for a board.
type Image struct {
	ELF      string // its path
	Packages []Package
}

// Package is what a package takes of a board's memory, in bytes. What cannot be
// told apart has names such as (unknown) and C stack.
type Package struct {
	Name       string
	Flash, RAM int
}

// Build builds the program of a package into a file, for the target of a name.
// The environment says with what: TINYGO is the compiler, FIRMWARE the folder
// that ci/firmware.sh makes. It runs in the current folder.
func Build(target, pkg, elf string, flags ...string) (Image, error) {
	tinygo, dir := os.Getenv("TINYGO"), os.Getenv("FIRMWARE")
	if tinygo == "" || dir == "" {
		return Image{}, ErrNoCompiler
	}
	args := []string{"build", "-target=" + filepath.Join(dir, target+".json"), "-opt=z", "-panic=print", "-size=full", "-o", elf}
	cmd := exec.Command(tinygo, append(append(args, flags...), pkg)...)
	cmd.Env = append(os.Environ(), "TINYGOROOT="+filepath.Join(dir, "tinygoroot"), "GOROOT="+filepath.Join(dir, "goroot"), "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return Image{}, fmt.Errorf("tinygo build %s: %w\n%s", pkg, err, out)
	}
	p, err := parse(string(out))
	return Image{ELF: elf, Packages: p}, err
}

// parse reads the table that TinyGo prints: five numbers of bytes (code, data
// that is only read, data, memory that begins as zero, flash in all), a bar
// before and after the last two, and the name.
func parse(table string) ([]Package, error) {
	var all []Package
	for line := range strings.Lines(table) {
		part := strings.Split(line, "|")
		if len(part) != 3 {
			continue
		}
		f := strings.Fields(part[1])
		name := strings.TrimSpace(part[2])
		if len(f) != 2 || name == "total" || name == "package" {
			continue
		}
		flash, err := strconv.Atoi(f[0])
		if err != nil {
			continue // the line under the titles
		}
		ram, err := strconv.Atoi(f[1])
		if err != nil {
			return nil, fmt.Errorf("image: TinyGo prints %q", line)
		}
		all = append(all, Package{name, flash, ram})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("image: TinyGo prints no table: %q", table)
	}
	return all, nil
}

// Total is what all of it takes.
func (i Image) Total() Package { return sum("total", i.Packages) }

// Part is what the packages of a Group take.
func (i Image) Part(g Group) Package {
	var in []Package
	for _, p := range i.Packages {
		if GroupOf(p.Name) == g {
			in = append(in, p)
		}
	}
	return sum(string(g), in)
}

func sum(name string, all []Package) Package {
	t := Package{Name: name}
	for _, p := range all {
		t.Flash += p.Flash
		t.RAM += p.RAM
	}
	return t
}

// Group is whose a package is.
type Group string

// The groups.
const (
	Ours    Group = "Bobtail"           // front door, drivers, protocols, pool, engine, transport, backend
	Page    Group = "page and board"    // the program and its drivers
	Stack   Group = "TCP/IP (lneto)"    // without our backend, which is ours
	Types   Group = "type tables"       // of the whole program, for interfaces
	Nobody  Group = "no line of source" // code that the compiler makes in functions of all the others
	Runtime Group = "runtime and rest"  // and the standard library
)

// Groups are all, in the order of a table.
var Groups = []Group{Ours, Page, Stack, Types, Nobody, Runtime}

// GroupOf says whose a package is.
func GroupOf(name string) Group {
	const module = "github.com/bobtail-go/bobtail"
	switch {
	case name == "main", strings.HasPrefix(name, module+"/firmware/"):
		return Page
	case name == module, strings.HasPrefix(name, module+"/"):
		return Ours
	case strings.HasPrefix(name, "github.com/soypat/lneto"):
		return Stack
	case name == "Go types", name == "Go interface method":
		return Types
	case name == "(unknown)":
		return Nobody
	}
	return Runtime
}
