package main

import (
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

// lineSize is how long the lines of made files are.
const lineSize = 64

// appendLine appends a line of a made file: its number and a sentence, filled up
// with spaces.
func appendLine(b []byte, i int) []byte {
	const rest = " a bobtail squid, lit from below, casts no shadow       \n"
	for unit := 1_000_000; unit > 0; unit /= 10 {
		b = append(b, byte('0'+i/unit%10))
	}
	return append(b, rest...)
}

// madeFile is a file of numbered lines.
func madeFile(name string, size int) static.File {
	var b strings.Builder
	b.Grow(size)
	var line [lineSize]byte
	for i := range size / lineSize {
		b.Write(appendLine(line[:0], i))
	}
	return static.File{Name: name, ETag: static.TagOf(b.String(), "", ""), Identity: b.String()}
}

func files(w bobtail.Response, r *bobtail.Request) error { return madeFiles().Serve(w, r) }
