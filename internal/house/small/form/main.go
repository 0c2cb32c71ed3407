//go:build linux && (amd64 || arm64)

// Form is a server that takes a form and answers with JSON and a cookie, for
// TinyGo to compile: see the tests of the folder above.
package main

import (
	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/cookie"
	"github.com/bobtail-go/bobtail/form"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/json"
	"github.com/bobtail-go/bobtail/transport"
)

// fields answers with the user and the size of the note of a form, and has the
// user's name in a cookie.
func fields(w bobtail.Response, r *bobtail.Request) error {
	f, err := r.Form(1000)
	if err != nil {
		return err
	}
	user := f.Get("user")
	return answer(w, r, user, len(f.Get("note")))
}

// parts does it for a form of parts.
func parts(w bobtail.Response, r *bobtail.Request) error {
	m, err := r.Multipart(form.Limits{})
	if err != nil {
		return err
	}
	n := 0
	for {
		if err := m.NextPart(); err != nil {
			break // io.EOF, or what the answer will fail with
		}
		for {
			p, err := m.NextPiece()
			if err != nil {
				break
			}
			n += len(p)
		}
	}
	return answer(w, r, r.Cookie("user"), n)
}

func answer(w bobtail.Response, r *bobtail.Request, user []byte, n int) error {
	b, err := r.Alloc(200)
	if err != nil {
		return err
	}
	var j json.Writer
	j.Reset(b[:0], nil)
	j.Object()
	j.Name("user")
	j.StringBytes(user)
	j.Name("half")
	j.Float(float64(n) / 2)
	j.EndObject()
	if b, err = j.Bytes(); err != nil {
		return err
	}
	return w.Status(200).SetCookie(cookie.Cookie{Name: "user", Bytes: user, HTTPOnly: true}).JSON(b)
}

func main() {
	keep := http1.DefaultFields()
	check(keep.Add("Cookie"))
	srv, err := bobtail.New(bobtail.Config{
		Sockets: 100, Workers: 2, Lanes: 2, Spare: -1, WorkerMemory: 4096, Stash: 8, OutputBlocks: 16, OutputBlockSize: 512, Fields: keep,
	})
	check(err)
	check(srv.Handle("POST /form", fields))
	check(srv.Handle("POST /parts", parts))
	a, err := srv.Listen("127.0.0.1:0")
	check(err)
	check(srv.Start())
	var text [transport.MaxAddrText]byte
	println(string(a.AppendTo(text[:0])))
	select {}
}

func check(err error) {
	if err != nil {
		panic(err.Error())
	}
}
