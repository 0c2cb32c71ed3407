// Package diagramtest holds the pictures of state tables in ARCHITECTURE.md to
// the tables. It is for tests.
package diagramtest

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the diagram in ARCHITECTURE.md")

// Hold fails the test if the diagram between the marks of a name in
// ../ARCHITECTURE.md is not the text, which is one of Mermaid's. With -update it
// puts it there.
func Hold(t *testing.T, name, drawing string) {
	t.Helper()
	const file = "../ARCHITECTURE.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	before, rest, ok := bytes.Cut(text, []byte(begin))
	old, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the diagram (%s)", file, strings.TrimSpace(begin))
	}
	want := "```mermaid\n" + drawing + "```\n"
	if string(old) == want {
		return
	}
	if !*update {
		t.Fatalf("the diagram in ARCHITECTURE.md is old: run this test with -update\n%s", want)
	}
	text = bytes.Join([][]byte{before, []byte(begin), []byte(want), []byte(end), after}, nil)
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// State is a state of a table.
type State[S, E any] interface {
	~uint8
	fmt.Stringer
	Next(E) (S, bool)
}

// Event is an event of a table.
type Event interface {
	~uint8
	fmt.Stringer
}

// Draw prints a table of a connection's life as Mermaid has it, from its first
// state on. Events that lead from one state to the same other are on one arrow.
// What closes is left out: it leads from every state to closed, which the test
// of the table is to know.
func Draw[S State[S, E], E Event](states S, events E, first, closed S, closes E) string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n    [*] --> " + first.String() + "\n")
	for s := range states {
		for to := range states {
			var names []string
			for e := range events {
				if n, ok := s.Next(e); ok && n == to && e != closes {
					names = append(names, e.String())
				}
			}
			if names != nil {
				b.WriteString("    " + s.String() + " --> " + to.String() + ": " + strings.Join(names, ", ") + "\n")
			}
		}
	}
	b.WriteString("    note right of " + first.String() + ": " + closes.String() + ", which leads from every state to " + closed.String() + ", is left out\n")
	return b.String()
}
