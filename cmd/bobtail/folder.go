package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/bobtail-go/bobtail/static"
)

// openFolder opens the folder that serve is to serve. The error is a line for
// the user.
func openFolder(path string, list bool) (*static.Dir, error) {
	// A file is told from a folder here, since systems say it in their own ways.
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is not a folder", path)
	}
	dir, err := static.OpenDir(path, static.DirOptions{List: list})
	switch {
	case err == nil:
		return dir, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no folder %s", path)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("the folder %s may not be read by this user", path)
	}
	return nil, fmt.Errorf("the folder %s cannot be opened: %v", path, err)
}
