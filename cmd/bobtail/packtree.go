package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"unsafe"

	"github.com/bobtail-go/bobtail/static"
)

// found is what there is to pack, in the order of names.
type found struct {
	files []static.File
	left  []string // what was left out, and why
}

// bytes is the length of all files.
func (f *found) bytes() (n int64) {
	for i := range f.files {
		n += int64(len(f.files[i].Identity))
	}
	return n
}

// mostPacked is the most that an archive can hold.
const mostPacked = 1<<31 - 1

// find reads the folder. Nothing outside of it is packed.
func (p *packing) find() (*found, error) {
	root, err := os.OpenRoot(p.dir)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %v", p.dir, cause(err))
	}
	defer root.Close()
	f := &found{}
	total := int64(0)
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("%s cannot be read: %v", path.Join(p.dir, name), cause(err))
		}
		base := path.Base(name)
		switch {
		case name == ".":
			return nil
		case !p.hidden && base[0] == '.' && base != ".well-known":
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		why, err := p.take(root, f, name)
		if err != nil {
			return err
		}
		if why != "" {
			f.left = append(f.left, name+": "+why)
			return nil
		}
		if total += int64(len(f.files[len(f.files)-1].Identity)); total > mostPacked {
			return fmt.Errorf("there are more than 2 GiB in %s, which an archive cannot hold", p.dir)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	f.pair()
	if len(f.files) == 0 {
		return nil, fmt.Errorf("there is no file in %s", p.dir)
	}
	return f, nil
}

// take reads a file, or says why it is left out.
func (p *packing) take(root *os.Root, f *found, name string) (why string, err error) {
	// By the root: a link to the outside is none to a file.
	info, err := root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "", fmt.Errorf("%s cannot be read: %v", path.Join(p.dir, name), cause(err))
	case err != nil:
		return "a link to nothing inside", nil
	case info.IsDir():
		return "a link to a folder", nil
	case !info.Mode().IsRegular():
		return "not a file", nil
	}
	b, err := root.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("%s cannot be read: %v", path.Join(p.dir, name), cause(err))
	}
	file := static.File{Name: name, Type: static.TypeOf(name), Identity: unsafe.String(unsafe.SliceData(b), len(b))}
	if _, err := static.NewTable([]static.File{file}, static.Options{Parts: -1}); err != nil {
		return "no request can ask for this name", nil
	}
	f.files = append(f.files, file)
	return "", nil
}

// pair leaves out the compressed forms that are there, since pack makes its
// own.
func (f *found) pair() {
	names := map[string]bool{}
	for i := range f.files {
		names[f.files[i].Name] = true
	}
	f.files = slices.DeleteFunc(f.files, func(file static.File) bool {
		for _, end := range []string{".gz", ".br"} {
			if base, ok := strings.CutSuffix(file.Name, end); ok && names[base] {
				f.left = append(f.left, file.Name+": pack compresses "+path.Base(base)+" itself")
				return true
			}
		}
		return false
	})
	slices.SortFunc(f.files, func(a, b static.File) int { return strings.Compare(a.Name, b.Name) })
	slices.Sort(f.left)
}
