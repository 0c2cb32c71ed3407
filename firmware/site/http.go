package site

import (
	_ "embed"
	"io"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/same"
)

// page is what / shows. It fetches nothing else.
//
//go:embed page.html
var page string

// hello is what everybody says first.
const hello = "Hello, World!"

func (s *Site) addHTTP() {
	// The server keeps the first error, for Listen.
	s.srv.Handle("GET /{$}", servePage)
	s.srv.Handle("GET /plaintext", plaintext)
	s.srv.Handle("GET /json", jsonHello)
	s.srv.Add(bobtail.Route{Pattern: "POST /echo", Handler: echo, Streams: true})
	s.srv.Handle("GET /stats", s.stats)
	s.srv.Handle("GET /led", s.getLED)
	s.srv.Handle("PUT /led", s.putLED)
}

func servePage(w bobtail.Response, _ *bobtail.Request) error {
	return w.Status(200).Header("Content-Type", "text/html; charset=utf-8").Header("Cache-Control", "max-age=60").StaticString(page)
}

func plaintext(w bobtail.Response, _ *bobtail.Request) error {
	return w.Status(200).Header("Content-Type", "text/plain").Text(hello)
}

func jsonHello(w bobtail.Response, _ *bobtail.Request) error {
	return w.Status(200).Header("Content-Type", "application/json").Text(`{"message":"` + hello + `"}`)
}

// echo sends the content back as it comes, as bytes, so that no browser takes
// it for a page.
func echo(w bobtail.Response, r *bobtail.Request) error {
	// A peer that asks whether to go on is told so by the first read, and
	// would not be once an answer has begun (RFC 9110 section 10.1.1).
	piece, err := r.NextPiece()
	if err != nil && !same.Error(err, io.EOF) {
		return err
	}
	h := w.Status(200).Header("Content-Type", "application/octet-stream")
	if err != nil {
		return h.Empty()
	}
	var body bobtail.Body
	var e error
	if n, known := r.ContentLength(); known {
		body, e = h.StreamN(n)
	} else {
		body, e = h.Stream()
	}
	if e != nil {
		return e
	}
	for ; err == nil; piece, err = r.NextPiece() {
		if _, e := body.Write(piece); e != nil {
			return e
		}
	}
	if !same.Error(err, io.EOF) {
		return err
	}
	return body.Close()
}

func (s *Site) getLED(w bobtail.Response, _ *bobtail.Request) error {
	return w.Status(200).Header("Cache-Control", "no-store").Header("Content-Type", "text/plain").Text(word(s.LED()))
}

func (s *Site) putLED(w bobtail.Response, r *bobtail.Request) error {
	b, err := r.ReadAll(16)
	if err != nil {
		return err // too long is answered 413
	}
	if !s.setText(b) {
		return w.Status(400).Text(wrong)
	}
	return w.Status(204).Empty()
}
