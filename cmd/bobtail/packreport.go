package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/bobtail-go/bobtail/static"
)

// progress shows on a terminal how many bytes of a total are done.
func (p *packing) progress(total int64) io.WriteCloser {
	if p.quiet || !isWatched() {
		return silent{io.Discard}
	}
	return newBar("compressing", total)
}

// mostRows is how many files the table has; the longest are in it.
const mostRows = 20

// saving is a line of the table: the lengths of the forms of a file, or of
// several.
type saving struct {
	name               string
	whole, gzip, short int64 // short is that of the shortest form
	brotli             int64
}

func savingOf(f *static.File) saving {
	s := saving{name: f.Name, whole: int64(len(f.Identity)), gzip: int64(len(f.Gzip)), brotli: int64(len(f.Brotli))}
	s.short = s.whole
	if s.gzip > 0 {
		s.short = s.gzip
	}
	if s.brotli > 0 {
		s.short = s.brotli
	}
	return s
}

// add adds what a browser gets of a file: the shortest form, and for gzip what
// one gets that takes no Brotli.
func (s *saving) add(o saving) {
	s.whole += o.whole
	s.short += o.short
	if o.gzip > 0 {
		s.gzip += o.gzip
	} else {
		s.gzip += o.whole
	}
	if o.brotli > 0 {
		s.brotli += o.brotli
	} else if o.gzip > 0 {
		s.brotli += o.gzip
	} else {
		s.brotli += o.whole
	}
}

// report prints what was packed, and what it saves.
func (p *packing) report(out io.Writer, f *found, size int) {
	rows := make([]saving, len(f.files))
	sum := saving{name: plural(uint64(len(f.files)), "file")}
	for i := range f.files {
		rows[i] = savingOf(&f.files[i])
		sum.add(rows[i])
	}
	if len(rows) > mostRows {
		slices.SortStableFunc(rows, func(a, b saving) int { return cmp.Compare(b.whole, a.whole) })
		rest := saving{name: fmt.Sprintf("%d more", len(rows)-mostRows)}
		for _, r := range rows[mostRows:] {
			rest.add(r)
		}
		rows = append(rows[:mostRows], rest)
	}
	width := len(sum.name)
	for _, r := range rows {
		width = max(width, min(len([]rune(r.name)), 40))
	}
	fmt.Fprintf(out, "%-*s  %9s  %9s  %9s  %s\n", width, "", "as it is", "gzip", "Brotli", "saved")
	for _, r := range append(rows, sum) {
		fmt.Fprintf(out, "%-*s  %9s  %9s  %9s  %5s\n", width, shorten(r.name), bytesText(uint64(r.whole)), lengthText(r.gzip), lengthText(r.brotli), percent(r.whole-r.short, r.whole))
	}
	const mostLeft = 5
	for i, l := range f.left {
		if i == mostLeft && len(f.left) > mostLeft+1 {
			fmt.Fprintf(out, "left out: %d more\n", len(f.left)-mostLeft)
			break
		}
		fmt.Fprintf(out, "left out: %q\n", l)
	}
	if p.inGo {
		fmt.Fprintf(out, "wrote %s, with %s in it; call %s.%s\n", p.out, bytesText(uint64(size)), p.pkg, p.function)
		return
	}
	fmt.Fprintf(out, "wrote %s and %s (%s); call %s.%s\n", p.out, p.archive(), bytesText(uint64(size)), p.pkg, p.function)
}

// shorten keeps the end of a long name, without what a terminal would take for
// a command.
func shorten(name string) string {
	const most = 40
	r := []rune(name)
	if len(r) > most {
		r = append([]rune("..."), r[len(r)-most+3:]...)
	}
	return string(r)
}

func lengthText(n int64) string {
	if n == 0 {
		return "-"
	}
	return bytesText(uint64(n))
}

func percent(part, whole int64) string {
	if part <= 0 || whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%d%%", part*100/whole)
}
