package static

import "github.com/bobtail-go/bobtail/internal/ascii"

// File is a file whose content is in the program's memory. Strings that the
// program holds anyway, such as constants or what //go:embed gives, stay
// where they are, which is flash on a machine that has it.
type File struct {
	// Name is its path below the root of a Table, with slashes and without one
	// at the front. A Page needs none.
	Name string
	// Type is its media type, at most 127 bytes; "" is that of Name's
	// extension.
	Type string
	// ETag is its entity-tag with its quotes, which the compressed forms get
	// suffixes for; "" is none. It must change when any of the forms does.
	// TagOf makes one.
	ETag string
	// Modified is when it was last modified, in seconds since 1970 UTC; 0 is
	// not known.
	Modified int64

	// Identity is the content, and Gzip and Brotli the same content compressed,
	// "" if there is none. If Identity is "" and another form is not, there is
	// no identity form, and clients that take no such coding get 406.
	Identity, Gzip, Brotli string
}

// entry is what Decide is to know of the file.
func (f *File) entry(e *Entry, c *content) {
	e.Type, e.ETag, e.Modified = f.Type, f.ETag, f.Modified
	if e.Type == "" {
		e.Type = TypeOf(f.Name)
	}
	c.text = [NumForms]string{f.Identity, f.Gzip, f.Brotli}
	e.Length = [NumForms]int64{int64(len(f.Identity)), length(f.Gzip), length(f.Brotli)}
	if f.Identity == "" && e.Varies() {
		e.Length[Identity] = -1
	}
}

func length(s string) int64 {
	if s == "" {
		return -1
	}
	return int64(len(s))
}

// check reports what is wrong with a file, but for its name.
func (f *File) check() error {
	switch {
	case !validType(f.Type):
		return ErrType
	case !validTag(f.ETag):
		return ErrTag
	}
	return nil
}

// TagOf makes an entity-tag of the forms of a file, by FNV-1a in 128 bits:
// it tells versions of a file apart, but does not withstand somebody who
// looks for two with the same tag.
func TagOf(identity, gzip, brotli string) string {
	h := newHash()
	for _, s := range [...]string{identity, gzip, brotli} {
		h.add(s)
		n := uint64(len(s))
		for range 8 {
			h.byte(byte(n))
			n >>= 8
		}
	}
	b := append(make([]byte, 0, 34), '"')
	b = appendHex(b, h.high)
	b = appendHex(b, h.low)
	return ascii.View(append(b, '"'))
}

func appendHex(dst []byte, n uint64) []byte {
	for i := 60; i >= 0; i -= 4 {
		dst = append(dst, "0123456789abcdef"[n>>i&15])
	}
	return dst
}
