// Site serves a small site that is in the program at http://127.0.0.1:8080/.
//
// The files of the folder public are embedded, and read once when the program
// starts. Clients get what they need of them: nothing if they have it
// (If-None-Match), a part if they ask for one (Range).
//
// For a larger site, or a machine that holds its files in flash, pack the
// folder first:
//
//	bobtail pack public
//
// writes public.go with a function Public, which opens the archive where it
// lies, with compressed forms of what gets shorter by that. It takes the place
// of static.FS below.
package main

import (
	"embed"
	"io/fs"
	"log"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/static"
)

//go:embed public
var files embed.FS

// site is the tree of the files, found below a prefix.
func site() (*static.Table, error) {
	public, err := fs.Sub(files, "public")
	if err != nil {
		return nil, err
	}
	// no-cache has browsers ask each time whether there is something new, which
	// costs them a 304 and no content.
	return static.FS(public, static.Options{CacheControl: "no-cache"})
}

// secure is a handler around others: what browsers must not do with the pages.
func secure(h bobtail.Handler) bobtail.Handler {
	return func(w bobtail.Response, r *bobtail.Request) error {
		if err := w.With("Content-Security-Policy", "default-src 'self'"); err != nil {
			return err
		}
		return h(w, r)
	}
}

func main() {
	tree, err := site()
	if err != nil {
		log.Fatal(err)
	}
	srv, err := bobtail.New(bobtail.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.Handle("GET /", secure(tree.Serve)); err != nil {
		log.Fatal(err)
	}
	log.Fatal(srv.ListenAndServe("127.0.0.1:8080"))
}
