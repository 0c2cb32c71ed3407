// Table makes tables of the benchmarks of package micro, of what go test -bench
// prints: a row for each piece of work, a column for each who does it, and the
// least of all runs, since what else a machine does only adds to it.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

func main() {
	if err := tables(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

// group is a benchmark, whose rows and columns are in the order in which they
// came.
type group struct {
	name    string
	works   []string
	sides   []string
	figures map[[2]string]figure // by work and side
}

// figure is that of one side at one piece of work.
type figure struct {
	ns, megabytes float64 // a second; 0 where the work has no size
	allocs        string
}

func (f figure) text() string {
	s := number(f.ns)
	if f.megabytes > 0 {
		s += " (" + number(f.megabytes) + ")"
	}
	if f.allocs != "0" {
		s += " *"
	}
	return s
}

func number(x float64) string {
	if x >= 100 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

// tables reads lines such as
//
//	BenchmarkMasks/bytes=64/by=bobtail-2  100  7.99 ns/op  8010 MB/s  0 B/op  0 allocs/op
//
// and passes over all others.
func tables(r io.Reader, w io.Writer) error {
	var groups []*group
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		name, work, side, f, ok := parse(lines.Text())
		if !ok {
			continue
		}
		at := slices.IndexFunc(groups, func(g *group) bool { return g.name == name })
		if at < 0 {
			at = len(groups)
			groups = append(groups, &group{name: name, figures: make(map[[2]string]figure)})
		}
		groups[at].add(work, side, f)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if len(groups) == 0 {
		return errors.New("there is no benchmark in what was read")
	}
	for i, g := range groups {
		if i > 0 {
			io.WriteString(w, "\n")
		}
		g.print(w)
	}
	return nil
}

func parse(line string) (name, work, side string, f figure, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 {
		return
	}
	rest, ok := strings.CutPrefix(fields[0], "Benchmark")
	if !ok {
		return
	}
	name, rest, _ = strings.Cut(rest, "/")
	work, side, ok = strings.Cut(rest, "/by=")
	if !ok {
		return
	}
	// What is behind the last dash is GOMAXPROCS, unless that is 1.
	if i := strings.LastIndexByte(side, '-'); i >= 0 {
		if _, err := strconv.Atoi(side[i+1:]); err == nil {
			side = side[:i]
		}
	}
	for i := 2; i+1 < len(fields); i += 2 {
		x, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return name, work, side, f, false
		}
		switch fields[i+1] {
		case "ns/op":
			f.ns = x
		case "MB/s":
			f.megabytes = x
		case "allocs/op":
			f.allocs = fields[i]
		}
	}
	return name, strings.ReplaceAll(work, "/", ", "), side, f, f.ns > 0 && f.allocs != ""
}

func (g *group) add(work, side string, f figure) {
	if !slices.Contains(g.works, work) {
		g.works = append(g.works, work)
	}
	if !slices.Contains(g.sides, side) {
		g.sides = append(g.sides, side)
	}
	key := [2]string{work, side}
	if old, ok := g.figures[key]; !ok || f.ns < old.ns {
		g.figures[key] = f
	}
}

func (g *group) print(w io.Writer) {
	rows := [][]string{append([]string{g.name}, g.sides...)}
	for _, work := range g.works {
		row := []string{work}
		for _, side := range g.sides {
			cell := "-"
			if f, ok := g.figures[[2]string{work, side}]; ok {
				cell = f.text()
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for k, row := range rows {
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				io.WriteString(w, "| "+cell+pad+" |")
			} else {
				io.WriteString(w, " "+pad+cell+" |")
			}
		}
		io.WriteString(w, "\n")
		if k > 0 {
			continue
		}
		io.WriteString(w, "|"+strings.Repeat("-", widths[0]+2)+"|")
		for _, width := range widths[1:] {
			io.WriteString(w, strings.Repeat("-", width+1)+":|")
		}
		io.WriteString(w, "\n")
	}
}
