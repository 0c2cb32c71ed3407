package main

import (
	"fmt"
	"strings"
	"sync"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/static"
)

// madeFiles are two texts of a known length, for trying downloads. They are
// made when one is asked for first, since a server that never is should not
// hold a megabyte for it.
var madeFiles = sync.OnceValue(func() *static.Table {
	tree, err := static.NewTable([]static.File{
		madeFile("10k.txt", 10<<10),
		madeFile("1m.txt", 1<<20),
	}, static.Options{Prefix: "/files"})
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return tree
})

// madeFile is a file of numbered lines of 64 bytes.
func madeFile(name string, size int) static.File {
	var b strings.Builder
	b.Grow(size)
	for i := range size / 64 {
		fmt.Fprintf(&b, "%07d %-55s\n", i, "a bobtail squid, lit from below, casts no shadow")
	}
	return static.File{Name: name, ETag: static.TagOf(b.String(), "", ""), Identity: b.String()}
}

func files(w bobtail.Response, r *bobtail.Request) error { return madeFiles().Serve(w, r) }
