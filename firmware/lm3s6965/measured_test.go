package main_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/firmware/image"
	"github.com/bobtail-go/bobtail/firmware/qemutest"
)

var write = flag.Bool("write", false, "write what was measured into README.md")

// measured is what tests have found, for README.md.
var measured struct {
	stacks               map[string][2]int
	kept, closed, httphi int64
}

func TestMain(m *testing.M) {
	code := qemutest.Main(m)
	if code == 0 && *write && measured.stacks != nil && measured.kept > 0 {
		if err := image.Replace("../README.md", "measured", measurements()); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}

// measurements is the text for README.md.
func measurements() string {
	var b strings.Builder
	b.WriteString("| stack of | used at most | size |\n|---|---:|---:|\n")
	var names []string
	for name := range measured.stacks {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "| %s | %d | %d |\n", name, measured.stacks[name][0], measured.stacks[name][1])
	}
	b.WriteString("\n| instructions of a `GET /plaintext` | connection kept | connection of its own |\n|---|---:|---:|\n")
	fmt.Fprintf(&b, "| Bobtail | %d | %d |\n| lneto's httphi (which closes) | | %d |\n", measured.kept, measured.closed, measured.httphi)
	return b.String()
}
