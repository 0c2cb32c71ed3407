// Upload takes files of any length at http://127.0.0.1:8080/, from a form that
// it shows, and answers with the size and the SHA-256 of each.
//
//	curl -F file=@some.iso -F note=hello http://127.0.0.1:8080/upload
//
// It holds none of the content: a Sink is given the pieces as they come, and
// takes the form apart with a parser that it keeps for each upload under way.
// Between two pieces the connection is parked, so that a hundred slow uploads
// need no more workers than one.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"log"
	"sync"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/form"
	"github.com/bobtail-go/bobtail/json"
)

const page = `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Upload</title>
<form method="post" action="/upload" enctype="multipart/form-data">
<input type="file" name="file" multiple required> <button>Upload</button>
</form>
`

// What an upload may be. A file is as long as it likes.
const (
	maxParts = 16
	uploads  = 100 // under way at once
)

// upload is a form that is coming.
type upload struct {
	parser form.Multipart
	memory [1024]byte // of the parser, for the names of one part
	sum    hash.Hash  // of the part
	size   uint64

	answer json.Writer
	text   [4096]byte // of the answer

	digest [sha256.Size]byte
	hex    [2 * sha256.Size]byte
}

// files is a bobtail.Sink. The first number of the State that it has for each
// request is 1 + the index of its upload.
type files struct {
	mu      sync.Mutex
	free    []int
	uploads [uploads]upload
}

func newFiles() *files {
	f := &files{}
	for i := range f.uploads {
		f.uploads[i].sum = sha256.New()
		f.free = append(f.free, i)
	}
	return f
}

// failure is an error with the status to answer.
type failure int

func (e failure) Error() string { return "upload: refused" }
func (e failure) Status() int   { return int(e) }

const (
	errBusy = failure(503)
	errLong = failure(413) // the answer would be: too many parts with long names
)

// Piece takes the next bytes.
func (f *files) Piece(r *bobtail.Request, st *bobtail.State, p []byte) error {
	if st[0] == 0 {
		if !f.take(st) {
			return errBusy
		}
		if err := f.uploads[st[0]-1].begin(r.Header("Content-Type")); err != nil {
			return err // its Status says what to answer: here 400 or 415
		}
	}
	return f.uploads[st[0]-1].feed(p)
}

// End answers, when all bytes have come.
func (f *files) End(w bobtail.Response, r *bobtail.Request, st *bobtail.State) error {
	if st[0] == 0 {
		return form.ErrTruncated // no bytes
	}
	defer f.Abandon(st)
	u := &f.uploads[st[0]-1]
	if err := u.parser.Finish(); err != nil {
		return err
	}
	u.answer.EndArray()
	b, err := u.answer.Bytes()
	if err != nil {
		return errLong
	}
	return w.JSON(b)
}

// Abandon is called when an upload has failed.
func (f *files) Abandon(st *bobtail.State) {
	if st[0] != 0 {
		f.mu.Lock()
		f.free = append(f.free, int(st[0]-1))
		f.mu.Unlock()
		st[0] = 0
	}
}

// take finds an upload that is not under way.
func (f *files) take(st *bobtail.State) bool {
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
	return u.parser.Init(contentType, u.memory[:], form.Limits{Parts: maxParts})
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
		case form.EventNone:
			return nil // more will come
		case form.EventPart:
			u.sum.Reset()
			u.size = 0
		case form.EventData:
			u.sum.Write(data)
			u.size += uint64(len(data))
		case form.EventPartEnd:
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
		// It is what the peer says, perhaps with a path. To store the file,
		// take form.BaseName of it, or better a name of your own.
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

// newServer makes a server for uploads.
func newServer(cfg bobtail.Config, f *files) (*bobtail.Server, error) {
	srv, err := bobtail.New(cfg)
	if err != nil {
		return nil, err
	}
	show := func(w bobtail.Response, r *bobtail.Request) error { return w.HTML(page) }
	if err := srv.Handle("GET /{$}", show); err != nil {
		return nil, err
	}
	return srv, srv.HandleSink("POST /upload", f)
}

func main() {
	// The stash has a place for each connection that is parked in the midst of
	// its content, where the head of its request is kept.
	srv, err := newServer(bobtail.Config{Sockets: 1000, Workers: 2, Stash: 2 * uploads}, newFiles())
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(srv.ListenAndServe("127.0.0.1:8080"))
}
