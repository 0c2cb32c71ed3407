package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/bobtail-go/bobtail/coap"
)

// wellKnown is where servers list their resources (RFC 6690 section 4).
const wellKnown = "/.well-known/core"

// listing is the URI of the list of a server, with the query of the URI that
// was given as its filter (RFC 6690 section 4.1).
func listing(uri string) string {
	if u, err := coap.ParseURI(uri); err == nil && (u.Path == "" || u.Path == "/") {
		u.Path = wellKnown
		return u.String()
	}
	return uri
}

// resourceLine is a line of the list of resources.
type resourceLine struct{ target, title, more string }

// showLinks prints a document of links for people: a line a resource, with its
// title and attributes in columns.
func showLinks(w io.Writer, p []byte) error {
	var lines []resourceLine
	targets, titles := 0, 0
	links := coap.ParseLinks(p)
	for links.Next() {
		line := resourceLine{target: visible(string(links.Link.Target))}
		var more []string
		params := links.Link.Params()
		for params.Next() {
			name, value := visible(string(params.Name)), visible(string(coap.AppendUnquoted(nil, params.Value)))
			switch {
			case name == "title":
				line.title = value
			case name == "sz":
				if n, err := strconv.ParseUint(value, 10, 64); err == nil {
					value = bytesText(n)
				}
				more = append(more, value)
			case name == "ct":
				more = append(more, formatNames(value)...)
			case len(params.Value) == 0:
				more = append(more, name)
			default:
				more = append(more, name+"="+value)
			}
		}
		line.more = strings.Join(more, ", ")
		targets, titles = max(targets, utf8.RuneCountInString(line.target)), max(titles, utf8.RuneCountInString(line.title))
		lines = append(lines, line)
	}
	for _, l := range lines {
		text := fmt.Sprintf("%-*s  %-*s  %s", targets, l.target, titles, l.title, l.more)
		if _, err := fmt.Fprintln(w, strings.TrimRight(text, " ")); err != nil {
			return err
		}
	}
	if links.Err() != nil {
		return errors.New("what the server lists is not in link format (RFC 6690)")
	}
	return nil
}

// formatNames are the names of formats that are given by their numbers, with
// spaces between them (RFC 7252 section 7.2.1).
func formatNames(numbers string) (names []string) {
	for s := range strings.FieldsSeq(numbers) {
		if n, err := strconv.ParseUint(s, 10, 16); err == nil {
			s = formatText(coap.Format(n))
		}
		names = append(names, s)
	}
	return names
}
