package main

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sync"
	"unsafe"

	"github.com/bobtail-go/bobtail"
	multipart "github.com/bobtail-go/bobtail/form"
	"github.com/bobtail-go/bobtail/json"
)

// uploads takes forms with files, of any length, and answers with the size and
// the SHA-256 of each part. It keeps none of it, and as a Sink holds no worker
// while a peer is slow. The first number of a request's State is 1 + the index
// of its upload.
type uploads struct {
	mu   sync.Mutex
	free []int
	all  [mostUploads]upload
}

// What uploads may be. A part is as long as it likes.
const (
	mostUploads = 32 // under way at once
	mostParts   = 16
)

// upload is a form that is coming.
type upload struct {
	parser multipart.Multipart
	memory [1024]byte // of the parser, for the names of one part
	sum    hash.Hash  // of the part
	size   uint64
	answer json.Writer
	text   [4096]byte // of the answer
	digest [sha256.Size]byte
	hex    [2 * sha256.Size]byte
}

// uploadsSize is what all uploads take in memory, without the state of SHA-256.
const uploadsSize = int(unsafe.Sizeof(uploads{}))

func newUploads() *uploads {
	f := &uploads{free: make([]int, 0, mostUploads)}
	for i := range f.all {
		f.all[i].sum = sha256.New()
		f.free = append(f.free, i)
	}
	return f
}

// uploadError is an error with the status to answer.
type uploadError int

const (
	errUploads   uploadError = 503 // as many are under way as may be
	errManyNames uploadError = 413 // the answer would be too long
)

func (e uploadError) Error() string { return "upload refused" }

// Status is what web answers for the error.
func (e uploadError) Status() int { return int(e) }

// Piece takes the next bytes.
func (f *uploads) Piece(r *bobtail.Request, st *bobtail.State, p []byte) error {
	if st[0] == 0 {
		if !f.take(st) {
			return errUploads
		}
		if err := f.all[st[0]-1].begin(r.Header("Content-Type")); err != nil {
			return err
		}
	}
	return f.all[st[0]-1].feed(p)
}

// End answers, when all bytes have come.
func (f *uploads) End(w bobtail.Response, r *bobtail.Request, st *bobtail.State) error {
	if st[0] == 0 {
		return multipart.ErrTruncated // there was not a byte
	}
	defer f.Abandon(st)
	u := &f.all[st[0]-1]
	if err := u.parser.Finish(); err != nil {
		return err
	}
	u.answer.EndArray()
	b, err := u.answer.Bytes()
	if err != nil {
		return errManyNames
	}
	return w.JSON(b)
}

// Abandon gives the upload back.
func (f *uploads) Abandon(st *bobtail.State) {
	if st[0] == 0 {
		return
	}
	f.mu.Lock()
	f.free = append(f.free, int(st[0]-1))
	f.mu.Unlock()
	st[0] = 0
}

// take finds an upload that is not under way.
func (f *uploads) take(st *bobtail.State) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := len(f.free) - 1
	if last < 0 {
		return false
	}
	st[0] = uint64(f.free[last] + 1)
	f.free = f.free[:last]
	return true
}

func (u *upload) begin(contentType []byte) error {
	u.answer.Reset(u.text[:0], nil)
	u.answer.Array()
	return u.parser.Init(contentType, u.memory[:], multipart.Limits{Parts: mostParts})
}

// feed takes the next bytes of the form, which end anywhere.
func (u *upload) feed(p []byte) error {
	for {
		event, data, n, err := u.parser.Next(p)
		if err != nil {
			return err
		}
		p = p[n:]
		switch event {
		case multipart.EventNone:
			return nil // more will come
		case multipart.EventPart:
			u.sum.Reset()
			u.size = 0
		case multipart.EventData:
			u.sum.Write(data)
			u.size += uint64(len(data))
		case multipart.EventPartEnd:
			u.describe()
		}
	}
}

// describe adds a part to the answer.
func (u *upload) describe() {
	j := &u.answer
	j.Object()
	j.Name("name")
	j.StringBytes(u.parser.Name())
	if name := u.parser.Filename(); name != nil {
		j.Name("filename")
		j.StringBytes(name)
	}
	if kind := u.parser.ContentType(); kind != nil {
		j.Name("type")
		j.StringBytes(kind)
	}
	j.Name("size")
	j.Uint(u.size)
	j.Name("sha256")
	hex.Encode(u.hex[:], u.sum.Sum(u.digest[:0]))
	j.StringBytes(u.hex[:])
	j.EndObject()
}
