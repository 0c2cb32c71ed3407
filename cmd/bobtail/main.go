// Bobtail runs servers of the bobtail library.
//
//	bobtail serve      serve a folder, or a small site, over HTTP/1.1 and CoAP
//	bobtail pack       pack a folder into a Go file
//	bobtail ws         talk to a WebSocket server
//	bobtail coap       ask a CoAP server for something
//	bobtail version    say which build this is
//	bobtail help       say what there is, or all about one command
//
// It ends with status 0 when all went well, 1 when something failed while it
// ran, and 2, after one line that says what to do, when it could not begin.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// The statuses that the program ends with.
const (
	exitOK     = 0
	exitFailed = 1 // while it ran
	exitUsage  = 2 // before it ran
)

// command is what the first argument names.
type command struct {
	name, does string
	run        func(args []string) int
}

// commands are in the order in which help lists them.
func commands() []command {
	return []command{
		{"serve", "serve a folder, or a small site, over HTTP/1.1 and CoAP", serve},
		{"pack", "pack a folder into a Go file", pack},
		{"ws", "talk to a WebSocket server", converse},
		{"coap", "ask a CoAP server for something", talkCoAP},
		{"version", "say which build this is", version},
		{"help", "say what there is, or all about one command", help},
	}
}

func main() { os.Exit(run(os.Args[1:])) }

// run does what the arguments say, and returns the status to end with.
func run(args []string) int {
	if len(args) == 0 {
		usage(os.Stderr)
		return exitUsage
	}
	name := args[0]
	switch name {
	case "-h", "-help", "--help":
		name = "help"
	case "-version", "--version":
		name = "version"
	}
	for _, c := range commands() {
		if c.name == name {
			return c.run(args[1:])
		}
	}
	if strings.HasPrefix(name, "-") {
		return refuse("a command comes before the flags, as in: bobtail serve %s", strings.Join(args, " "))
	}
	return refuse("%s", and("there is no command "+name+meant(name, names(), ""), "bobtail help lists them"))
}

func names() (all []string) {
	for _, c := range commands() {
		all = append(all, c.name)
	}
	return all
}

// refuse says in one line why the program does not begin.
func refuse(format string, args ...any) int {
	fmt.Fprintln(os.Stderr, "bobtail: "+fmt.Sprintf(format, args...))
	return exitUsage
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Bobtail serves HTTP/1.1, WebSocket and CoAP from a fixed pool of cheap sockets and\na few workers.\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  bobtail %-9s %s\n", c.name, c.does)
	}
	fmt.Fprint(w, "\nbobtail serve -h lists the flags.\n")
}

func help(args []string) int {
	switch {
	case len(args) == 0 || args[0] == "help":
		usage(os.Stdout)
		return exitOK
	case args[0] == "version":
		fmt.Print("usage: bobtail version\n")
		return exitOK
	}
	return run(append(args, "-h"))
}

func version(args []string) int {
	if len(args) > 0 {
		return refuse("version takes no arguments, and there is %q", args[0])
	}
	v, revision := "unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		v = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
	}
	fmt.Printf("bobtail %s%s, %s, %s/%s\n", v, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return exitOK
}

// meant suggests the word of a list that differs least from a wrong one, if
// it does not differ much.
func meant(word string, list []string, prefix string) string {
	best, most := "", len(word)/3+2
	for _, w := range list {
		if d := distance(word, w); d < most {
			best, most = w, d
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean " + prefix + best + "?"
}

// distance is how many letters must be put in, taken out or changed to make b
// of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
