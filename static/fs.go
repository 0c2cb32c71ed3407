package static

import (
	"io/fs"
	"strings"

	"github.com/bobtail-go/bobtail/internal/ascii"
)

// FS makes a table of the regular files of a file system, such as an embed.FS,
// and reads them all at once: what is served later is in memory, for any file
// system, and costs no call of it. An embed.FS is then in memory twice, since
// that package gives copies only; an archive of bobtail pack that is embedded
// as a string is not, and has compressed forms too.
//
// x.gz and x.br beside a file x are also its compressed forms. Entity-tags are
// by TagOf; times are those that the file system gives (an embed.FS has none).
// Files whose names cannot be asked for are ErrName; others of the errors are
// the file system's, and those of NewTable.
func FS(fsys fs.FS, o Options) (*Table, error) {
	var files []File
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		f := File{Name: name, Identity: ascii.View(b)}
		if t := info.ModTime(); !t.IsZero() {
			f.Modified = t.Unix()
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	t, err := NewTable(files, o)
	if err != nil {
		return nil, err
	}
	t.pair()
	return t, nil
}

// pair finds the compressed forms that are files of their own, and makes the
// tags.
func (t *Table) pair() {
	for i := range t.files {
		f := &t.files[i]
		base, gz := strings.CutSuffix(f.Name, ".gz")
		br := false
		if !gz {
			base, br = strings.CutSuffix(f.Name, ".br")
		}
		if !gz && !br {
			continue
		}
		switch k, ok := t.find(ascii.Bytes(base), ""); {
		case !ok || t.files[k].Identity == "": // nothing is shorter than that
		case gz:
			t.files[k].Gzip = f.Identity
		default:
			t.files[k].Brotli = f.Identity
		}
	}
	for i := range t.files {
		f := &t.files[i]
		f.ETag = TagOf(f.Identity, f.Gzip, f.Brotli)
	}
}
