// Mount serves handlers of package net/http and a handler of Bobtail's from one
// server: a folder at http://127.0.0.1:8080/files/, a ServeMux with a form at
// /old/, and at /count how often each was asked for.
//
// The handlers of net/http see what they would see under its own server, and
// allocate as they would there. The one of Bobtail's allocates nothing.
package main

import (
	"fmt"
	"log"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/host/nethttp"
)

// counts is what the two worlds share.
type counts struct{ files, old atomic.Int64 }

// oldMux is a program that was written for net/http.
func (c *counts) oldMux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /old/form", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `<!doctype html><form method="post"><input name="name"><button>Greet</button></form>`)
	})
	mux.HandleFunc("POST /old/form", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(w, "Hello, %s!\n", r.FormValue("name"))
	})
	return counting(&c.old, mux)
}

// counting is a middleware of net/http's.
func counting(n *atomic.Int64, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		h.ServeHTTP(w, r)
	})
}

// count is a handler of Bobtail's.
func (c *counts) count(w bobtail.Response, r *bobtail.Request) error {
	b, err := r.Alloc(80)
	if err != nil {
		return err
	}
	b = strconv.AppendInt(append(b[:0], `{"files":`...), c.files.Load(), 10)
	b = strconv.AppendInt(append(b, `,"old":`...), c.old.Load(), 10)
	return w.JSON(append(b, '}'))
}

// add adds all of it to a server.
func add(srv *bobtail.Server, dir string) error {
	c := new(counts)
	files := counting(&c.files, http.StripPrefix("/files", http.FileServer(http.Dir(dir))))
	srv.Add(nethttp.Route("/files/", files))
	srv.Add(nethttp.Route("/old/", c.oldMux()))
	return srv.Handle("GET /count", c.count)
}

func main() {
	srv, err := bobtail.New(bobtail.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := add(srv, "."); err != nil {
		log.Fatal(err)
	}
	log.Fatal(srv.ListenAndServe("127.0.0.1:8080")) // which also tells of a route that failed
}
