package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/bobtail-go/bobtail/coap"
)

// codeText is a code with its name, such as "4.04 Not Found".
func codeText(c coap.Code) string {
	if name := c.Name(); name != "" {
		return c.String() + " " + name
	}
	return c.String()
}

// optionText is an option as -option takes it, if it does.
func optionText(n coap.Option, v []byte) string {
	d, known := n.Definition()
	name := d.Name
	if !known {
		name = strconv.Itoa(int(n))
	}
	if known && d.Kind == coap.KindEmpty && len(v) == 0 {
		return name
	}
	return name + "=" + valueText(n, v)
}

// valueText is the value of an option, for people.
func valueText(n coap.Option, v []byte) string {
	d, known := n.Definition()
	if !known || !n.Fits(len(v)) {
		return "0x" + hex.EncodeToString(v)
	}
	number := uint64(0)
	if d.Kind == coap.KindUint {
		for _, b := range v {
			number = number<<8 | uint64(b)
		}
	}
	switch n {
	case coap.OptContentFormat, coap.OptAccept:
		if name := formatText(coap.Format(number)); name != strconv.FormatUint(number, 10) {
			return fmt.Sprintf("%d (%s)", number, name)
		}
	case coap.OptBlock1, coap.OptBlock2:
		if b, err := coap.ParseBlock(v); err == nil {
			more := ""
			if b.More {
				more = ", more"
			}
			size := strconv.Itoa(b.Size())
			if b.SZX == coap.BERT {
				size = "BERT"
			}
			return fmt.Sprintf("%d (%s%s)", b.Num, size, more)
		}
	}
	switch d.Kind {
	case coap.KindUint:
		return strconv.FormatUint(number, 10)
	case coap.KindString:
		return visible(string(v))
	}
	return "0x" + hex.EncodeToString(v)
}

// formatText is the name of a format, or its number if it has none.
func formatText(f coap.Format) string {
	if name := f.String(); name != "unregistered" {
		return name
	}
	return strconv.Itoa(int(f))
}

// isText reports whether content of a format is for people to read.
func isText(f coap.Format, known bool, p []byte) bool {
	switch {
	case !known:
		return utf8.Valid(p)
	case f == coap.FormatText, f == coap.FormatLink, f == coap.FormatXML, f == coap.FormatJSON:
		return true
	}
	name := f.String()
	return strings.HasPrefix(name, "text/") || strings.Contains(name, "json") || strings.Contains(name, "xml")
}

// isSeen reports whether standard output is a terminal.
func isSeen() bool { return term.IsTerminal(int(os.Stdout.Fd())) }

// show writes content as it is, or so that a terminal shows it and obeys none
// of it.
func show(w io.Writer, seen bool, f coap.Format, known bool, p []byte) error {
	if !seen {
		_, err := w.Write(p)
		return err
	}
	if len(p) == 0 {
		return nil
	}
	var shown string
	if isText(f, known, p) {
		rest := ""
		if len(p) > mostShown {
			n := mostShown
			for n > mostShown-utf8.UTFMax && !utf8.RuneStart(p[n]) {
				n--
			}
			p, rest = p[:n], fmt.Sprintf("... and %s more; -o FILE keeps all\n", plural(uint64(len(p)-n), "byte"))
		}
		shown = strings.TrimSuffix(visible(string(p)), "\n") + "\n" + rest
	} else {
		all := len(p)
		p = p[:min(all, mostDumped)]
		shown = plural(uint64(all), "byte") + "\n" + hex.Dump(p)
		if len(p) < all {
			shown += fmt.Sprintf("... and %s more; -o FILE keeps all\n", plural(uint64(all-len(p)), "byte"))
		}
	}
	_, err := io.WriteString(w, shown)
	return err
}

// diagnostic is what an answer that is an error says in words (RFC 7252
// section 5.5.2), in one line.
func diagnostic(p []byte) string {
	const most = 200
	if len(p) == 0 || !utf8.Valid(p) {
		return ""
	}
	line := strings.Join(strings.Fields(string(p)), " ")
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "..."
	}
	return ": " + visible(line)
}
