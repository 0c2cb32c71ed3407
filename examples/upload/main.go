// Upload takes content of any length at http://127.0.0.1:8080/upload and answers
// with its length and its FNV-1a checksum.
//
//	curl -T some.iso http://127.0.0.1:8080/upload
//
// It holds none of the content: a Sink is given the pieces as they come, and
// keeps two numbers for each request. Between two pieces the connection is
// parked, so that a thousand slow uploads need no more workers than one.
package main

import (
	"log"
	"strconv"

	"github.com/bobtail-go/bobtail"
)

// checksum is a bobtail.Sink. Of the State that it has for each request, the
// first number is the length so far, and the second the checksum, without
// offset so that it may begin at zero.
type checksum struct{}

// The numbers of FNV-1a with 64 bits, as in package hash/fnv.
const (
	offset = 14695981039346656037
	prime  = 1099511628211
)

// Piece takes the next bytes.
func (checksum) Piece(r *bobtail.Request, st *bobtail.State, p []byte) error {
	sum := st[1] ^ offset
	for _, b := range p {
		sum = (sum ^ uint64(b)) * prime
	}
	st[0], st[1] = st[0]+uint64(len(p)), sum^offset
	return nil
}

// End answers, when all bytes have come.
func (checksum) End(w bobtail.Response, r *bobtail.Request, st *bobtail.State) error {
	b, err := r.Alloc(64) // of the worker's memory, for this request
	if err != nil {
		return err
	}
	b = strconv.AppendUint(b[:0], st[0], 10)
	b = append(b, " bytes, FNV-1a "...)
	b = strconv.AppendUint(b, st[1]^offset, 16)
	return w.Bytes("text/plain", append(b, '\n'))
}

// Abandon has nothing to give back.
func (checksum) Abandon(st *bobtail.State) {}

func main() {
	srv, err := bobtail.New(bobtail.Config{Sockets: 1000, Workers: 2})
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.HandleSink("/upload", checksum{}); err != nil {
		log.Fatal(err)
	}
	log.Fatal(srv.ListenAndServe("127.0.0.1:8080"))
}
