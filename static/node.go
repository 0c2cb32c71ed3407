//go:build !tinygo

package static

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/web"
)

// stamp is what tells a version of a file from others.
type stamp struct {
	there    bool
	size     int64
	modified int64 // nanoseconds since 1970 UTC
}

func stampOf(info fs.FileInfo) stamp { return stamp{true, info.Size(), info.ModTime().UnixNano()} }

func floorSecond(ns int64) int64 {
	s := ns / 1e9
	if ns%1e9 < 0 {
		s--
	}
	return s
}

// settling is how old a change must be, in nanoseconds, for the time of the
// file to tell it from the next: as coarse as file systems are.
const settling = 2e9

// settled reports whether the next change of any of the files will be seen in
// its time.
func settled(all *[NumForms]stamp, now int64) bool {
	for _, s := range all {
		if s.there && now-s.modified < settling {
			return false
		}
	}
	return true
}

// stampTag is the entity-tag of what the stamps are of.
func stampTag(all *[NumForms]stamp, strong bool) string {
	h := newHash()
	for _, s := range all {
		if !s.there {
			h.byte(0)
			continue
		}
		h.byte(1)
		for _, n := range [...]uint64{uint64(s.size), uint64(s.modified)} {
			for range 8 {
				h.byte(byte(n))
				n >>= 8
			}
		}
	}
	b := make([]byte, 0, 36)
	if !strong {
		b = append(b, "W/"...)
	}
	b = append(b, '"')
	b = appendHex(b, h.high)
	b = appendHex(b, h.low)
	return ascii.View(append(b, '"'))
}

// node is a file that is held, with its compressed forms. What is here does
// not change, but for what is the cache's. It is closed when the last
// reference is given back: the cache has one, and so has each answer.
type node struct {
	name   string
	entry  Entry
	stamps [NumForms]stamp
	files  [NumForms]file
	refs   atomic.Int32

	// The cache's, under its lock.
	checked int64 // when the stamps were compared last
	used    bool  // since the hand has passed
	place   int
}

func newNode(name string, now int64) *node {
	n := &node{name: name, checked: now}
	n.refs.Store(1)
	for i := range n.files {
		n.files[i].node = n
	}
	return n
}

func (n *node) release() {
	if n.refs.Add(-1) > 0 {
		return
	}
	for i := range n.files {
		n.files[i].close()
	}
}

// content says where the bytes are.
func (n *node) content(c *content) {
	for i := range n.files {
		c.text[i] = n.files[i].text
	}
	c.file = n
}

// open implements opener. A form that is in memory has none.
func (n *node) open(f Form) web.Source {
	if n.files[f].f == nil {
		return nil
	}
	n.refs.Add(1)
	return &n.files[f]
}

// file is one form of a node: an open file, or what was in it. As a source it
// is many answers' at a time, each of which has a reference to its node.
type file struct {
	node *node
	f    *os.File
	fd   uintptr
	text string
}

// open opens a file, which is read at once if it is short.
func (f *file) open(root *os.Root, name string, small int64) (s stamp, err error) {
	local, err := filepath.Localize(name)
	if err != nil {
		return s, errMissing
	}
	o, err := root.OpenFile(local, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return s, err
	}
	info, err := o.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errMissing // it was another one a moment ago
	}
	if err != nil {
		o.Close()
		return s, err
	}
	s = stampOf(info)
	if s.size > small {
		f.f, f.fd = o, o.Fd()
		return s, nil
	}
	defer o.Close()
	b := make([]byte, s.size)
	if _, err := io.ReadFull(o, b); err != nil {
		return s, ErrChanged
	}
	f.text = ascii.View(b)
	return s, nil
}

// close lets go of what open has opened.
func (f *file) close() {
	if f.f != nil {
		f.f.Close()
	}
}

// ReadAt reads the file.
func (f *file) ReadAt(p []byte, off int64) (int, error) { return f.f.ReadAt(p, off) }

// Close gives the answer's reference back.
func (f *file) Close() error {
	f.node.release()
	return nil
}

// File is the descriptor, from which the kernel may send.
func (f *file) File() uintptr { return f.fd }
