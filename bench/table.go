package main

import (
	"io"
	"strings"
	"unicode/utf8"
)

// table is a heading and rows of as many cells. The first column is of names, as are
// as many more as words says; the others are of figures and stand to the right.
type table struct {
	head  []string
	rows  [][]string
	words int
}

// print writes the table with blanks between the columns, or in Markdown, in
// which it can be read as well.
func (t table) print(w io.Writer, markdown bool) {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	line := func(row []string) {
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			switch {
			case markdown && i == 0:
				b.WriteString("| " + cell + pad)
			case markdown && i <= t.words:
				b.WriteString(" | " + cell + pad)
			case markdown:
				b.WriteString(" | " + pad + cell)
			case i == 0:
				b.WriteString(cell + pad)
			case i <= t.words:
				b.WriteString("  " + cell + pad)
			default:
				b.WriteString("  " + pad + cell)
			}
		}
		if markdown {
			b.WriteString(" |")
		}
		// A name at the end of a line would leave blanks there.
		s := strings.TrimRight(b.String(), " ")
		b.Reset()
		io.WriteString(w, s+"\n")
	}
	line(t.head)
	if markdown {
		for i, width := range widths {
			if i <= t.words {
				b.WriteString("|" + strings.Repeat("-", width+2))
			} else {
				b.WriteString("|" + strings.Repeat("-", width+1) + ":")
			}
		}
		io.WriteString(w, b.String()+"|\n")
		b.Reset()
	}
	for _, row := range t.rows {
		line(row)
	}
}
