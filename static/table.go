package static

import (
	"slices"

	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/web"
)

// Table is a tree of files in memory: one that [Open] has found in an archive,
// one of Files, or one that [FS] has read. It is found by binary search, and
// never changes. Any number of goroutines may use it.
type Table struct {
	o       Options
	files   []File // sorted by name; or else
	archive string
	n       int
	parts   []parts
}

// NewTable makes a table of files, which it sorts in place and keeps. It fails
// with ErrName, ErrOrder if two have the same name, ErrType, ErrTag, and for
// options that are out of range.
func NewTable(files []File, o Options) (*Table, error) {
	if err := o.prepare(); err != nil {
		return nil, err
	}
	if err := sortFiles(files); err != nil {
		return nil, err
	}
	return &Table{o: o, files: files, n: len(files), parts: newParts(o.Parts)}, nil
}

func sortFiles(files []File) error {
	slices.SortFunc(files, func(a, b File) int { return compare(a.Name, ascii.Bytes(b.Name), "") })
	for i := range files {
		f := &files[i]
		if !validName(f.Name) {
			return ErrName
		}
		if i > 0 && f.Name == files[i-1].Name {
			return ErrOrder
		}
		if err := f.check(); err != nil {
			return err
		}
	}
	return nil
}

// Len is the number of files.
func (t *Table) Len() int { return t.n }

// Name is the name of file i, in their order.
func (t *Table) Name(i int) string {
	if t.files != nil {
		return t.files[i].Name
	}
	return record(t.archive, i).name()
}

// File is the file with a name. What it holds are views: nothing is copied.
func (t *Table) File(name string) (f File, ok bool) {
	i, ok := t.find(ascii.Bytes(name), "")
	if !ok {
		return f, false
	}
	if t.files != nil {
		return t.files[i], true
	}
	return record(t.archive, i).file(), true
}

// find is the place of the file whose name is a and b together, or where it
// would be.
func (t *Table) find(a []byte, b string) (i int, ok bool) {
	low, high := 0, t.n
	for low < high {
		mid := int(uint(low+high) >> 1)
		switch c := compare(t.Name(mid), a, b); {
		case c == 0:
			return mid, true
		case c > 0:
			high = mid
		default:
			low = mid + 1
		}
	}
	return low, false
}

// compare compares s with a and b together.
func compare(s string, a []byte, b string) int {
	n := min(len(s), len(a))
	for i := range n {
		if s[i] != a[i] {
			return int(s[i]) - int(a[i])
		}
	}
	if n < len(a) {
		return -1
	}
	s = s[n:]
	for i := range min(len(s), len(b)) {
		if s[i] != b[i] {
			return int(s[i]) - int(b[i])
		}
	}
	return len(s) - len(b)
}

// Serve is a handler: it answers a request for a file of the tree, for the
// index of a folder, or for a folder without its slash, which is redirected
// to. What is not there is 404, methods other than GET and HEAD are 405.
func (t *Table) Serve(w web.Response, r *web.Request) error {
	path, done, err := t.o.path(w, r)
	if done {
		return err
	}
	index := ""
	if path.folder() {
		index = t.o.Index
	}
	i, ok := t.find(path.name, index)
	if !ok {
		// RFC 9110 section 15.4.2: the folder has another URI, with the slash,
		// from which its page's relative links are right.
		if !path.folder() && t.hasIndex(path.name) {
			return redirect(w, r)
		}
		return notFound(w)
	}
	var e Entry
	var c content
	if t.files != nil {
		t.files[i].entry(&e, &c)
	} else {
		record(t.archive, i).entry(&e, &c)
	}
	return t.o.answer(w, r, &e, &c, t.parts)
}

// hasIndex reports whether there is an index in a folder, named without its
// slash.
func (t *Table) hasIndex(folder []byte) bool {
	_, ok := t.find(folder, t.o.slashIndex)
	return ok
}

var _ web.Handler = (*Table)(nil).Serve
