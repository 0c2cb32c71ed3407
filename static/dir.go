//go:build !tinygo

package static

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/bobtail-go/bobtail/web"
)

// DirOptions are how a folder is served. The zero value serves files, and no
// lists.
type DirOptions struct {
	Options

	// List has folders without an index answered with a list of what is in
	// them.
	List bool
	// Hidden serves and lists also what begins with a dot. What is called
	// .well-known is served in any case. Without it, Windows also serves no
	// name with a ~ before a digit, which may stand for such a file.
	Hidden bool
	// Files is how many files are held, with up to three descriptors each;
	// 0 is 128. More may be open as long as they are being sent. When the
	// process has no descriptor left, all are let go, and if that does not
	// help, the answer is 503.
	Files int
	// Small is the length in bytes up to which a file is held in memory
	// instead, with each of its forms; 0 is 32768, -1 holds none.
	Small int
}

// The defaults of DirOptions, and their bounds.
const (
	defaultFiles = 128
	mostFiles    = 1 << 16
	defaultSmall = 32 << 10
	mostSmall    = 1 << 26
)

// Dir is a folder of the system. Nothing outside of it is served, whatever
// symbolic links are in it: they are followed as long as they stay inside (see
// os.Root). Regular files only are served.
//
// Files that were asked for are held open, or in memory if they are short, up
// to a number; whether one has changed is looked at when it is asked for, but
// not more than once a second. An answer of a file that is held allocates
// nothing. x.gz and x.br beside a file x are its compressed forms, unless they
// are older.
//
// Entity-tags are made of lengths and times. That of a file that was changed
// in the two seconds before is weak, so that nobody puts parts of two versions
// together. To change a file that is being served, write another one and
// rename it: what is changed in place is sent as it is found.
//
// Any number of goroutines may use a Dir.
type Dir struct {
	o     DirOptions
	root  *os.Root
	cache cache
	parts []parts
	now   func() int64 // nanoseconds since 1970 UTC
}

// OpenDir opens a folder. It fails as os.OpenRoot does, and with ErrDirOptions
// and the errors of Options.
func OpenDir(path string, o DirOptions) (*Dir, error) {
	if err := o.prepare(); err != nil {
		return nil, err
	}
	if o.Files == 0 {
		o.Files = defaultFiles
	}
	if o.Small == 0 {
		o.Small = defaultSmall
	}
	if o.Files < 1 || o.Files > mostFiles || o.Small < -1 || o.Small > mostSmall {
		return nil, ErrDirOptions
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	d := &Dir{o: o, root: root, parts: newParts(o.Parts), now: func() int64 { return time.Now().UnixNano() }}
	d.cache.init(o.Files)
	return d, nil
}

// Close closes the folder and what is held of it. Answers under way go on;
// requests that come later get 404 or 500.
func (d *Dir) Close() error {
	d.cache.close()
	return d.root.Close()
}

// Serve is a handler: it answers a request for a file, for the index of a
// folder or its list, and redirects to a folder without its slash. What is not
// there or leads outside is 404, what may not be read 403, methods other than
// GET and HEAD are 405.
func (d *Dir) Serve(w web.Response, r *web.Request) error {
	path, done, err := d.o.path(w, r)
	if done {
		return err
	}
	if !d.o.Hidden && (hidden(path.name) || alias(path.name)) {
		return notFound(w)
	}
	name := path.name
	if path.folder() {
		if name, err = r.Alloc(len(path.name) + len(d.o.Index)); err != nil {
			return tooLong(w)
		}
		copy(name[copy(name, path.name):], d.o.Index)
	}
	n, err := d.get(name)
	if err == nil {
		e, c := &n.entry, content{}
		n.content(&c)
		err = d.o.answer(w, r, e, &c, d.parts)
		n.release()
		return err
	}
	switch {
	case err == errFolder && !path.folder():
		return redirect(w, r)
	case errors.Is(err, fs.ErrPermission):
		return w.Status(403).Text("Forbidden\n")
	case exhausted(err):
		return busy(w)
	case !isMissing(err):
		return err
	case path.folder() && d.o.List:
		return d.list(w, r, path.name)
	}
	return notFound(w)
}

// busy is the answer when the process has no descriptor left.
func busy(w web.Response) error {
	return w.Status(503).Header("Retry-After", "1").Text("Service Unavailable\n")
}

// errFolder says that a name is that of a folder, errMissing that there is
// nothing to serve under it.
var (
	errFolder  = errors.New("static: is a folder")
	errMissing = errors.New("static: no such file")
)

// isMissing reports whether an error says that a path leads to nothing that
// may be served: it does not exist, goes through a file, is too long, or
// leads outside.
func isMissing(err error) bool {
	if err == errMissing || err == errFolder || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return true
	}
	var e *fs.PathError
	return errors.As(err, &e) && missing(e.Err)
}

// get is the file with a clean path, with a reference that is the caller's.
func (d *Dir) get(name []byte) (*node, error) {
	now := d.now()
	n, stale := d.cache.get(name, now)
	if n != nil && !stale {
		return n, nil
	}
	if n != nil {
		if d.unchanged(n, now) {
			return n, nil
		}
		n.release()
	}
	n, err := d.load(string(name), now)
	if exhausted(err) {
		d.cache.clear() // what is held is the first that can be done without
		n, err = d.load(string(name), now)
	}
	if err != nil {
		d.cache.remove(name)
		return nil, err
	}
	d.cache.add(n)
	return n, nil
}

// stat looks at a file by its path.
func (d *Dir) stat(name string) (fs.FileInfo, error) {
	local, err := filepath.Localize(name)
	if err != nil {
		return nil, errMissing // nothing has such a name on this system
	}
	info, err := d.root.Stat(local)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errFolder
	case !info.Mode().IsRegular():
		return nil, errMissing // opening it could wait, or do something
	}
	return info, nil
}

// stamps looks at a file and the compressed ones beside it.
func (d *Dir) stamps(name string) (all [NumForms]stamp, err error) {
	info, err := d.stat(name)
	if err != nil {
		return all, err
	}
	all[Identity] = stampOf(info)
	for f := Gzip; f < NumForms; f++ {
		info, err := d.stat(name + f.extension())
		if err != nil {
			continue
		}
		if s := stampOf(info); !older(s.modified, all[Identity].modified) {
			all[f] = s
		}
	}
	return all, nil
}

// older reports whether a compressed form was made of an earlier version. Of a
// second only the whole counts, since not all tools that set times keep more.
func older(form, identity int64) bool { return floorSecond(form) < floorSecond(identity) }

func (f Form) extension() string {
	switch f {
	case Gzip:
		return ".gz"
	case Brotli:
		return ".br"
	}
	return ""
}

// unchanged looks whether the files of a node are what they were.
func (d *Dir) unchanged(n *node, now int64) bool {
	all, err := d.stamps(n.name)
	return err == nil && all == n.stamps && (!weakTag(n.entry.ETag) || !settled(&all, now))
}

// load opens a file.
func (d *Dir) load(name string, now int64) (*node, error) {
	all, err := d.stamps(name)
	if err != nil {
		return nil, err
	}
	n := newNode(name, now)
	for f := Identity; f < NumForms; f++ {
		n.entry.Length[f] = -1
		if !all[f].there {
			continue
		}
		if all[f], err = n.files[f].open(d.root, name+f.extension(), int64(d.o.Small)); err != nil {
			if f != Identity {
				all[f] = stamp{}
				continue // the content is there without it
			}
			n.release()
			return nil, err
		}
		if f != Identity && older(all[f].modified, all[Identity].modified) {
			// The file has changed since the stamps were taken.
			n.files[f].close()
			n.files[f], all[f] = file{node: n}, stamp{}
			continue
		}
		n.entry.Length[f] = all[f].size
	}
	n.stamps = all
	n.entry.Type = TypeOf(name)
	// RFC 9110 section 8.8.2.1: nothing was modified later than now.
	n.entry.Modified = floorSecond(min(all[Identity].modified, now))
	n.entry.ETag = stampTag(&all, settled(&all, now))
	return n, nil
}

var _ web.Handler = (*Dir)(nil).Serve
