package ws_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
)

var update = flag.Bool("update", false, "rewrite the diagram in ARCHITECTURE.md")

const (
	diagramBegin = "<!-- ws-states -->\n"
	diagramEnd   = "<!-- /ws-states -->"
)

// TestArchitectureDiagram keeps the picture of a connection's life as it is
// here; -update draws it again.
func TestArchitectureDiagram(t *testing.T) {
	const file = "../ARCHITECTURE.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(text, []byte(diagramBegin))
	old, after, ok2 := bytes.Cut(rest, []byte(diagramEnd))
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the diagram (%s)", file, strings.TrimSpace(diagramBegin))
	}
	want := "```mermaid\n" + drawing() + "```\n"
	if string(old) == want {
		return
	}
	if !*update {
		t.Fatalf("the diagram in ARCHITECTURE.md is old: go test ./ws -run ArchitectureDiagram -update\n%s", want)
	}
	text = bytes.Join([][]byte{before, []byte(diagramBegin), []byte(want), []byte(diagramEnd), after}, nil)
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// drawing prints the table as Mermaid has it. Events that lead from one state
// to the same other are on one arrow. Close is left out: it leads from every
// state to Closed, as TestTable knows.
func drawing() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n    [*] --> " + ws.StateConnecting.String() + "\n")
	for s := range ws.NumStates {
		for to := range ws.NumStates {
			var events []string
			for e := range ws.NumEvents {
				if n, ok := s.Next(e); ok && n == to && e != ws.EventClose {
					events = append(events, e.String())
				}
			}
			if events != nil {
				b.WriteString("    " + s.String() + " --> " + to.String() + ": " + strings.Join(events, ", ") + "\n")
			}
		}
	}
	b.WriteString("    note right of " + ws.StateConnecting.String() + ": " + ws.EventClose.String() + ", which leads from every state to " + ws.StateClosed.String() + ", is left out\n")
	return b.String()
}
