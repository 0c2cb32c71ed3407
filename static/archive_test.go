package static

import (
	"bytes"
	"encoding/binary"
	"net/url"
	"strings"
	"testing"
)

func archive(t testing.TB) []byte {
	t.Helper()
	b, err := AppendArchive(nil, tree())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestArchiveTruncated opens every beginning of an archive, and an archive
// with something behind it.
func TestArchiveTruncated(t *testing.T) {
	b := archive(t)
	for n := range len(b) - len(large) {
		if _, err := Open(b[:n:n], Options{}); err == nil {
			t.Fatalf("opened %d bytes of %d", n, len(b))
		}
	}
	if _, err := Open(b[:len(b)-1], Options{}); err != ErrTruncated {
		t.Errorf("without its last byte: %v", err)
	}
	if _, err := Open(append(b, 0), Options{}); err != ErrTruncated {
		t.Errorf("with one more byte: %v", err)
	}
}

// TestArchiveRefused are archives that say what is not so.
func TestArchiveRefused(t *testing.T) {
	put := func(at int, n uint32) func([]byte) {
		return func(b []byte) { binary.LittleEndian.PutUint32(b[at:], n) }
	}
	first := headSize
	for _, v := range []struct {
		name   string
		change func([]byte)
		err    error
	}{
		{"nothing", func([]byte) {}, nil},
		{"another format", func(b []byte) { b[0] = 'B' }, ErrArchive},
		{"another version", func(b []byte) { b[7]++ }, ErrArchive},
		{"more files than there is room for", put(12, 1<<31), ErrIndex},
		{"as many as can be told", put(12, 1<<32-1), ErrIndex},
		{"name beyond the end", put(first+atName, 1<<31), ErrIndex},
		{"name longer than the rest", put(first+atName+4, 1<<32-1), ErrIndex},
		{"both, so that the sum overflows", func(b []byte) { put(first+atName, 1<<32-1)(b); put(first+atName+4, 1<<32-1)(b) }, ErrIndex},
		{"content beyond the end", put(first+atForms, 1<<30), ErrIndex},
		{"content at no place", put(first+atForms, 0), ErrIndex},
		{"no content", func(b []byte) { put(first+atForms, 0)(b); put(first+atForms+4, 0)(b) }, ErrIndex},
		{"no name", put(first+atName+4, 0), ErrName},
		{"names not in order", func(b []byte) {
			var r [recordSize]byte
			copy(r[:], b[first:])
			copy(b[first:], b[first+recordSize:first+2*recordSize])
			copy(b[first+recordSize:], r[:])
		}, ErrOrder},
		{"a file twice", func(b []byte) { copy(b[first+recordSize:][:recordSize], b[first:]) }, ErrOrder},
		{"no tag", put(first+atTag+4, 3), ErrTag},
		{"a name with a parent", func(b []byte) { copy(b[bytes.Index(b, []byte("docs/b c.txt")):], "docs/../txt") }, ErrName},
		{"a type with a line", func(b []byte) { copy(b[bytes.Index(b, []byte("text/x-own")):], "text/x\r\nA:") }, ErrType},
	} {
		b := archive(t)
		v.change(b)
		if _, err := Open(b, Options{}); err != v.err {
			t.Errorf("%s: %v, want %v", v.name, err, v.err)
		}
	}
}

// TestArchiveIndexMissing has a count of files, and no more.
func TestArchiveIndexMissing(t *testing.T) {
	for _, n := range []uint32{1, 1 << 31, 1<<32 - 1} {
		b := append32(append32([]byte(magic), headSize), n)
		if _, err := Open(b[:len(b):len(b)], Options{}); err != ErrIndex {
			t.Errorf("%d files: %v, want %v", n, err, ErrIndex)
		}
	}
}

// FuzzOpen opens what somebody has changed, and serves all of it.
func FuzzOpen(f *testing.F) {
	small, err := AppendArchive(nil, tree()[:8])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(small)
	f.Add([]byte(magic))
	for _, at := range []int{8, 12, headSize, headSize + atForms, headSize + recordSize + atTag} {
		b := bytes.Clone(small)
		b[at] ^= 0x10
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = bytes.Clone(b)
		tab, err := Open(b[:len(b):len(b)], Options{})
		if err != nil {
			return
		}
		for i := range tab.Len() {
			name := tab.Name(i)
			if got, ok := tab.File(name); !ok || got.Name != name {
				t.Errorf("File(%q) = %v, %v", name, got, ok)
			}
			if len(name) > 300 {
				continue
			}
			r := ask(t, tab.Serve, "GET /"+strings.TrimPrefix((&url.URL{Path: "/" + name}).EscapedPath(), "/"), "Accept-Encoding: gzip, br", "Range: bytes=0-0,2-")
			if r.StatusCode != 200 && r.StatusCode != 206 && r.StatusCode != 406 {
				t.Errorf("%q: %d", name, r.StatusCode)
			}
		}
		// What was opened is written alike, but for what is not looked at.
		var files []File
		for i := range tab.Len() {
			file, _ := tab.File(tab.Name(i))
			files = append(files, file)
		}
		again, err := AppendArchive(nil, files)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(again, Options{}); err != nil {
			t.Errorf("written again: %v", err)
		}
	})
}

// TestArchiveDeterministic writes the same bytes whatever the order.
func TestArchiveDeterministic(t *testing.T) {
	files := tree()
	for i, j := 0, len(files)-1; i < j; i, j = i+1, j-1 {
		files[i], files[j] = files[j], files[i]
	}
	b, err := AppendArchive(nil, files)
	if err != nil || !bytes.Equal(b, archive(t)) {
		t.Errorf("another order, another archive: %v", err)
	}
	if b, err := AppendArchive([]byte("before"), nil); err != nil || !strings.HasPrefix(string(b), "before"+magic) {
		t.Errorf("%q, %v", b, err)
	}
}
