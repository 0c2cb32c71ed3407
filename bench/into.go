package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
)

// readme is where -into writes.
const readme = "README.md"

// inShort is the name of the place for the summary, where a name has one.
func inShort(name string) string { return name + " in short" }

// printInto writes the tables into a place of the README, with the command line that
// makes them; and the summary into one of its own, if there is one.
func (r *result) printInto(o options) error {
	var short, b bytes.Buffer
	r.printMachine(&short)
	r.printSummary(&short, true)
	fmt.Fprintf(&b, "`go run . %s`\n\n", strings.Join(o.told(), " "))
	r.printMachine(&b)
	r.printTables(&b, true)
	text, err := insert(readme, o.into, b.String())
	if err != nil {
		return err
	}
	if err := os.WriteFile(readme, []byte(text), 0o666); err != nil {
		return err
	}
	if text, err = insert(readme, inShort(o.into), short.String()); err != nil {
		return nil
	}
	return os.WriteFile(readme, []byte(text), 0o666)
}

// told is the command line without what says where figures go.
func (o options) told() (args []string) {
	for i := 0; i < len(o.line); i++ {
		name, _, whole := strings.Cut(strings.TrimLeft(o.line[i], "-"), "=")
		switch {
		case slices.Contains([]string{"into", "json", "plots"}, name) && strings.HasPrefix(o.line[i], "-"):
			if !whole {
				i++
			}
		case o.line[i] != "-markdown":
			args = append(args, o.line[i])
		}
	}
	return args
}

// insert is the text of a file with another one between two comments of a name.
func insert(file, name, text string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->\n"
	head, rest, ok := strings.Cut(string(b), begin)
	_, tail, found := strings.Cut(rest, end)
	if !ok || !found {
		return "", fmt.Errorf("%s has no lines %q and %q", file, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return head + begin + "\n" + strings.TrimSpace(text) + "\n\n" + end + tail, nil
}
