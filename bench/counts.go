package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Instructions of a request are counted by callgrind, in the program count, which
// serves them without a network. Unlike times they are the same each time, within
// some of ten thousand, and so can be held to limits.

// counted are the works that the program count has.
var counted = []string{"plain", "pipelined", "ws64", "coap", "coap16"}

// countedFew is how many requests the shorter run has; the longer one has twice as
// many.
const countedFew = 3200

// countedClients is the constant clients of the program count.
const countedClients = 16

// count is the instructions of a request, by who executes them. What belongs to the
// program itself, and to what stands for the network, is left out.
type count struct {
	Work                string
	Packages, Functions map[string]float64
}

// all is the instructions of all packages.
func (c *count) all() (sum float64) {
	for _, n := range c.Packages {
		sum += n
	}
	return sum
}

// errNoCallgrind says that instructions cannot be counted here.
var errNoCallgrind = fmt.Errorf("valgrind is %w", errAbsent)

// counter counts.
type counter struct {
	program, temp string
}

// newCounter makes the program that is counted.
func newCounter(ctx context.Context, b *builder) (*counter, error) {
	if _, err := exec.LookPath("valgrind"); err != nil {
		return nil, errNoCallgrind
	}
	program, err := b.goBuild(ctx, "count", "count")
	return &counter{program, b.temp}, err
}

// count counts a work: what the longer of two runs has more is what its further
// requests take.
func (c *counter) count(ctx context.Context, work string) (*count, error) {
	few, err := c.run(ctx, work, countedFew)
	if err != nil {
		return nil, err
	}
	many, err := c.run(ctx, work, 2*countedFew)
	if err != nil {
		return nil, err
	}
	x := &count{work, make(map[string]float64), make(map[string]float64)}
	for f, n := range many {
		if of := packageOf(f); of != "main" && of != "internal/mill" {
			each := float64(n-few[f]) / countedFew
			x.Functions[shortName(f)] += each
			x.Packages[of] += each
		}
	}
	return x, nil
}

// run is the instructions of n requests by function, and of little else.
func (c *counter) run(ctx context.Context, work string, n int) (map[string]int64, error) {
	out := filepath.Join(c.temp, fmt.Sprintf("callgrind.%s.%d", work, n))
	defer os.Remove(out)
	// Nothing that a clock decides is to run meanwhile.
	env := []string{"GOMAXPROCS=1", "GOGC=off", "GODEBUG=asyncpreemptoff=1"}
	err := command(ctx, "", env, "valgrind", "--quiet", "--tool=callgrind", "--compress-strings=no", "--dump-line=no",
		"--toggle-collect=main.turns", "--callgrind-out-file="+out, c.program, work, strconv.Itoa(n))
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	return parseCallgrind(text)
}

// parseCallgrind reads what functions cost by themselves from a file of callgrind:
// lines of a place and a cost after fn=NAME. The line after calls= is what the
// function that was called cost, which stands there too.
func parseCallgrind(b []byte) (map[string]int64, error) {
	cost := make(map[string]int64)
	function, skip := "", false
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "fn="):
			function = strings.TrimPrefix(line, "fn=")
		case strings.HasPrefix(line, "calls="):
			skip = true
		case line == "" || !strings.Contains("0123456789+-*", line[:1]):
		case skip:
			skip = false
		default:
			_, n, _ := strings.Cut(line, " ")
			instructions, err := strconv.ParseInt(n, 10, 64)
			if err != nil || function == "" {
				return nil, fmt.Errorf("callgrind wrote %q", line)
			}
			cost[function] += instructions
		}
	}
	if len(cost) == 0 {
		return nil, fmt.Errorf("callgrind counted nothing")
	}
	return cost, lines.Err()
}

const module = "github.com/bobtail-go/bobtail"

// systemCalls stands for the packages by which a Go program enters the kernel.
const systemCalls = "system calls"

// packageOf is the package of a function of a Go program: of one of ours its path in
// the module, bobtail for the root, main, systemCalls, or runtime for all others.
func packageOf(function string) string {
	path, rest := "", function
	plain := function
	if i := strings.IndexAny(function, "(["); i >= 0 { // of a receiver or of type arguments, with paths of their own
		plain = function[:i]
	}
	if i := strings.LastIndexByte(plain, '/'); i >= 0 {
		path, rest = function[:i+1], function[i+1:]
	}
	name, _, _ := strings.Cut(rest, ".")
	switch path += name; {
	case path == module:
		return "bobtail"
	case strings.HasPrefix(path, module+"/"):
		return strings.TrimPrefix(path, module+"/")
	case path == "main":
		return "main"
	case slices.Contains(strings.Split(path, "/"), "syscall") || strings.HasPrefix(function, "golang.org/x/sys/unix."):
		return systemCalls
	}
	return "runtime"
}

// shortName is the name of a function without the path of the module.
func shortName(function string) string {
	if rest, ok := strings.CutPrefix(function, module+"."); ok {
		return "bobtail." + rest
	}
	return strings.ReplaceAll(function, module+"/", "")
}

// countTable has a row for each package and a column for each work.
func countTable(counts []*count) table {
	t := table{head: []string{"package"}}
	sums := make(map[string]float64)
	for _, c := range counts {
		t.head = append(t.head, c.Work)
		for name, n := range c.Packages {
			sums[name] = max(sums[name], n)
		}
	}
	names := slices.SortedFunc(maps.Keys(sums), func(a, b string) int {
		return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a, b))
	})
	row := func(name string, f func(c *count) float64) {
		cells := []string{name}
		for _, c := range counts {
			cells = append(cells, dash(f(c), 0))
		}
		t.rows = append(t.rows, cells)
	}
	row("all", (*count).all)
	for _, name := range names {
		if sums[name] >= 1 {
			row(name, func(c *count) float64 { return c.Packages[name] })
		}
	}
	return t
}

// dash is a number, or a dash if so many decimals leave nothing of it.
func dash(x float64, decimals int) string {
	if s := number(x, decimals); strings.Trim(s, "-0.") != "" {
		return s
	}
	return "-"
}
