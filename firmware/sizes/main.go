// Sizes prints what the programs of the boards consist of, as a table for
// README.md; with -w it writes it there. It builds them with what ci/firmware.sh
// has set up:
//
//	./test.sh sizes
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/bobtail-go/bobtail/firmware/image"
)

// programs are the columns of the table.
var programs = []struct{ title, pkg string }{
	{"HTTP", "./lm3s6965/http"},
	{"HTTP, WebSocket, CoAP", "./lm3s6965"},
	{"lneto's own httphi", "./httphi"},
}

func main() {
	log.SetFlags(0)
	write := flag.Bool("w", false, "write the table into README.md")
	flag.Parse()
	dir, err := os.MkdirTemp("", "sizes")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	var images []image.Image
	for _, p := range programs {
		i, err := image.Build("lm3s6965", p.pkg, filepath.Join(dir, "fw.elf"))
		if err != nil {
			log.Fatal(err)
		}
		images = append(images, i)
	}
	text := groups(images) + "\n" + packages(images[:2])
	fmt.Print(text)
	if *write {
		if err := image.Replace("README.md", "sizes", text); err != nil {
			log.Fatal(err)
		}
	}
}

// groups is the table by whose they are.
func groups(images []image.Image) string {
	var b strings.Builder
	b.WriteString("| flash / static RAM, bytes |")
	for _, p := range programs {
		b.WriteString(" " + p.title + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(programs)) + "\n")
	row := func(name string, of func(image.Image) image.Package) {
		b.WriteString("| " + name + " |")
		for _, i := range images {
			p := of(i)
			fmt.Fprintf(&b, " %d / %d |", p.Flash, p.RAM)
		}
		b.WriteString("\n")
	}
	for _, g := range image.Groups {
		row(string(g), func(i image.Image) image.Package { return i.Part(g) })
	}
	row("**all**", image.Image.Total)
	return b.String()
}

// packages is the table of ours and the stack's packages, the largest first.
func packages(images []image.Image) string {
	flash := map[string][]int{}
	for n, i := range images {
		for _, p := range i.Packages {
			if g := image.GroupOf(p.Name); p.Flash > 0 && (g == image.Ours || g == image.Stack || g == image.Page) {
				if flash[p.Name] == nil {
					flash[p.Name] = make([]int, len(images))
				}
				flash[p.Name][n] += p.Flash
			}
		}
	}
	last := len(images) - 1
	var names []string
	for name := range flash {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := flash[names[i]][last], flash[names[j]][last]
		return a > b || a == b && names[i] < names[j]
	})
	var b strings.Builder
	b.WriteString("| flash of a package, bytes |")
	for n := range images {
		b.WriteString(" " + programs[n].title + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(images)) + "\n")
	for _, name := range names {
		b.WriteString("| `" + strings.TrimPrefix(name, "github.com/") + "` |")
		for _, v := range flash[name] {
			fmt.Fprintf(&b, " %d |", v)
		}
		b.WriteString("\n")
	}
	return b.String()
}
