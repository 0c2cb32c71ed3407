package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// options are the flags of a command, in groups, as its help shows them.
type options struct {
	*flag.FlagSet
	groups []optionGroup
}

type optionGroup struct {
	title string
	flags []option
}

type option struct{ name, arg, does string }

func newOptions(name string) *options {
	o := &options{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError)}
	o.SetOutput(io.Discard) // what is wrong is said in one line, by refuse
	return o
}

// group begins a group of flags.
func (o *options) group(title string) {
	o.groups = append(o.groups, optionGroup{title: title})
}

// add adds a flag to the last group. arg stands for its value in the help,
// which also tells the default: what v says before it is set.
func (o *options) add(v flag.Value, name, arg, does string) {
	o.Var(v, name, does)
	g := &o.groups[len(o.groups)-1]
	g.flags = append(g.flags, option{name, arg, does})
}

// parse reads the arguments. Without an error, help says whether the user has
// asked for it.
func (o *options) parse(args []string) (help bool, err error) {
	err = o.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return true, nil
	}
	if err != nil {
		text := err.Error()
		if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
			var all []string
			o.VisitAll(func(f *flag.Flag) { all = append(all, f.Name) })
			text = fmt.Sprintf("there is no flag -%s%s", name, meant(name, all, "-"))
		}
		return false, errors.New(and(text, "bobtail "+o.Name()+" -h lists the flags"))
	}
	if o.NArg() > 0 {
		return false, fmt.Errorf("%s takes flags only, and there is %q; bobtail %[1]s -h lists them", o.Name(), o.Arg(0))
	}
	return false, nil
}

// and goes on after a text, which may be a question.
func and(text, more string) string {
	if strings.HasSuffix(text, "?") {
		return text + " " + more
	}
	return text + "; " + more
}

// help prints the flags, their texts in one column.
func (o *options) help(w io.Writer) {
	width := 0
	for _, g := range o.groups {
		for _, f := range g.flags {
			width = max(width, len(f.name)+1+len(f.arg))
		}
	}
	for _, g := range o.groups {
		fmt.Fprintf(w, "\n%s\n", g.title)
		for _, f := range g.flags {
			text := f.does
			if d := o.Lookup(f.name).DefValue; d != "" {
				text += " (" + d + ")"
			}
			text = strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", width+5))
			fmt.Fprintf(w, "  -%-*s  %s\n", width, strings.TrimSpace(f.name+" "+f.arg), text)
		}
	}
}
