package static

import "github.com/bobtail-go/bobtail/internal/ascii"

// An archive is a table of files in one piece of bytes, in which they are
// found without unpacking anything. Numbers are little-endian, places are
// counted from the archive's beginning:
//
//	8  "bobtail" and the version, 1
//	4  length of the archive
//	4  number of files
//	   a record for each file, in ascending order of the bytes of their names
//	   names, types, tags and contents
//
//	record:
//	8  place and length of the name
//	8  place and length of the media type
//	8  place and length of the entity-tag
//	8  time of modification in seconds since 1970 UTC, signed, or 0
//	8  place and length of the content
//	8  place and length of the content compressed by gzip
//	8  place and length of the content compressed by Brotli
//
// A form that is not there has place 0.
const (
	magic      = "bobtail\x01"
	headSize   = 16
	recordSize = 7 * 8
	maxArchive = 1<<31 - 1 // what an int of 32 bits can count
)

// Open makes a table of an archive, which is what the command bobtail pack
// writes. It looks at the whole index, so that no archive can do harm: the
// errors are ErrArchive, ErrTruncated, ErrIndex, ErrOrder, ErrName, ErrType
// and ErrTag, and those of the options. The contents are not looked at.
//
// The archive is kept and served from where it is; it must not be changed.
func Open(archive []byte, o Options) (*Table, error) { return OpenString(ascii.View(archive), o) }

// OpenString is Open for an archive in a string, such as a constant.
func OpenString(archive string, o Options) (*Table, error) {
	if err := o.prepare(); err != nil {
		return nil, err
	}
	if len(archive) < headSize || archive[:len(magic)] != magic {
		return nil, ErrArchive
	}
	if uint64(number(archive, 8)) != uint64(len(archive)) {
		return nil, ErrTruncated
	}
	n := uint64(number(archive, 12))
	if headSize+n*recordSize > uint64(len(archive)) {
		return nil, ErrIndex
	}
	t := &Table{o: o, archive: archive, n: int(n), parts: newParts(o.Parts)}
	for i := range t.n {
		if err := record(archive, i).check(); err != nil {
			return nil, err
		}
		if i > 0 && t.Name(i-1) >= t.Name(i) {
			return nil, ErrOrder
		}
	}
	return t, nil
}

// rec is a record of an archive.
type rec struct {
	archive string
	at      int
}

func record(archive string, i int) rec { return rec{archive, headSize + i*recordSize} }

func number(s string, i int) uint32 {
	return uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | uint32(s[i+3])<<24
}

// field is piece k of the file; ok says that it is there.
func (r rec) field(k int) (s string, ok bool) {
	place, n := int(number(r.archive, r.at+k)), int(number(r.archive, r.at+k+4))
	return r.archive[place : place+n], place != 0
}

// The pieces of a file by their place in its record.
const (
	atName     = 0
	atType     = 8
	atTag      = 16
	atModified = 24
	atForms    = 32
)

func (r rec) name() string {
	s, _ := r.field(atName)
	return s
}

func (r rec) modified() int64 {
	return int64(uint64(number(r.archive, r.at+atModified)) | uint64(number(r.archive, r.at+atModified+4))<<32)
}

func (r rec) check() error {
	forms := 0
	for k := 0; k < recordSize; k += 8 {
		if k == atModified {
			continue
		}
		place, n := uint64(number(r.archive, r.at+k)), uint64(number(r.archive, r.at+k+4))
		if place+n > uint64(len(r.archive)) || place == 0 && n > 0 {
			return ErrIndex
		}
		if k >= atForms && place != 0 {
			forms++
		}
	}
	if forms == 0 {
		return ErrIndex
	}
	if !validName(r.name()) {
		return ErrName
	}
	f := r.file()
	return f.check()
}

// file is the file of the record. An identity form that is there and empty is
// not told from one that is not, if there are others.
func (r rec) file() (f File) {
	f.Name = r.name()
	f.Type, _ = r.field(atType)
	f.ETag, _ = r.field(atTag)
	f.Modified = r.modified()
	f.Identity, _ = r.field(atForms)
	f.Gzip, _ = r.field(atForms + 8)
	f.Brotli, _ = r.field(atForms + 16)
	return f
}

func (r rec) entry(e *Entry, c *content) {
	e.Type, _ = r.field(atType)
	if e.Type == "" {
		e.Type = TypeOf(r.name())
	}
	e.ETag, _ = r.field(atTag)
	e.Modified = r.modified()
	for f := range Form(NumForms) {
		s, ok := r.field(atForms + 8*int(f))
		c.text[f], e.Length[f] = s, int64(len(s))
		if !ok {
			e.Length[f] = -1
		}
	}
}

// AppendArchive appends an archive of files to dst, sorting them in place. It
// fails as NewTable does, and with ErrLarge.
func AppendArchive(dst []byte, files []File) ([]byte, error) {
	if err := sortFiles(files); err != nil {
		return dst, err
	}
	size := uint64(headSize) + uint64(len(files))*recordSize
	place := uint32(size) // of the next piece
	for i := range files {
		for _, s := range files[i].pieces() {
			size += uint64(len(s))
		}
	}
	if size > maxArchive {
		return dst, ErrLarge
	}
	dst = append(dst, magic...)
	dst = append32(dst, uint32(size))
	dst = append32(dst, uint32(len(files)))
	for i := range files {
		f := &files[i]
		for k, s := range f.pieces() {
			if k == atModified/8 {
				dst = append32(dst, uint32(f.Modified))
				dst = append32(dst, uint32(uint64(f.Modified)>>32))
			}
			identity := k == 3 && f.Gzip == "" && f.Brotli == "" // there in any case
			if s == "" && !identity {
				dst = append32(dst, 0)
			} else {
				dst = append32(dst, place)
			}
			dst = append32(dst, uint32(len(s)))
			place += uint32(len(s))
		}
	}
	for i := range files {
		for _, s := range files[i].pieces() {
			dst = append(dst, s...)
		}
	}
	return dst, nil
}

// pieces are what of a file is in an archive, in the order of its record.
func (f *File) pieces() [6]string {
	return [...]string{f.Name, f.Type, f.ETag, f.Identity, f.Gzip, f.Brotli}
}

func append32(dst []byte, n uint32) []byte {
	return append(dst, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
}
