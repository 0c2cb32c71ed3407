//go:build !tinygo

package static

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/web"
)

// mostListed is the most names of a folder that are listed. They are held in
// memory as long as the answer takes.
const mostListed = 10_000

// line is a line of a list.
type line struct {
	name     string // with a slash if it is a folder
	size     int64
	modified time.Time
}

// list answers with what is in a folder, whose name is empty or ends in a
// slash: in the order of names, without what cannot be asked for.
func (d *Dir) list(w web.Response, r *web.Request, folder []byte) error {
	lines, more, err := d.lines(string(folder))
	if exhausted(err) {
		d.cache.clear()
		lines, more, err = d.lines(string(folder))
	}
	switch {
	case exhausted(err):
		return busy(w)
	case errors.Is(err, fs.ErrPermission):
		return w.Status(403).Text("Forbidden\n")
	case err != nil && isMissing(err):
		return notFound(w)
	case err != nil:
		return err
	}
	h := w.Status(200).Header("Content-Type", "text/html; charset=utf-8")
	h.Header("Cache-Control", "no-cache")
	if !d.o.Sniff {
		h.Header("X-Content-Type-Options", "nosniff")
	}
	b, err := h.Stream()
	if err != nil {
		return err
	}
	return writeList(b, "/"+string(folder), lines, more)
}

// lines reads a folder.
func (d *Dir) lines(folder string) (lines []line, more bool, err error) {
	name := strings.TrimSuffix(folder, "/")
	if name == "" {
		name = "."
	}
	name, err = filepath.Localize(name)
	if err != nil {
		return nil, false, errMissing
	}
	f, err := d.root.OpenFile(name, nonblock, 0)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.IsDir() {
		return nil, false, errMissing
	}
	entries, err := f.ReadDir(mostListed + 1)
	if err != nil && len(entries) == 0 && err != io.EOF {
		return nil, false, err
	}
	if more = len(entries) > mostListed; more {
		entries = entries[:mostListed]
	}
	for _, e := range entries {
		n := e.Name()
		if !validName(n) || !fs.ValidPath(n) || !d.o.Hidden && hidden(ascii.Bytes(n)) {
			continue
		}
		// By the root, which does not follow a link to the outside.
		info, err := d.root.Stat(folder + n)
		switch {
		case err != nil:
		case info.IsDir():
			lines = append(lines, line{n + "/", -1, info.ModTime()})
		case info.Mode().IsRegular():
			lines = append(lines, line{n, info.Size(), info.ModTime()})
		}
	}
	slices.SortFunc(lines, func(a, b line) int { return strings.Compare(a.name, b.name) })
	return lines, more, nil
}

const listHead = `</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color-scheme: light dark }
table { border-collapse: collapse; width: 100% }
td { padding: .1rem 1rem .1rem 0 }
td + td { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
</style>
<h1>`

// writeList writes a page, a line at a time.
func writeList(b web.Body, folder string, lines []line, more bool) error {
	title := escapeHTML(nil, folder)
	p := append([]byte(nil), "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>"...)
	p = append(p, title...)
	p = append(p, listHead...)
	p = append(p, title...)
	p = append(p, "</h1>\n<table>\n"...)
	if folder != "/" {
		p = append(p, "<tr><td><a href=\"../\">../</a><td><td>\n"...)
	}
	if _, err := b.Write(p); err != nil {
		return err
	}
	for i := range lines {
		l := &lines[i]
		// The dot keeps a name with a colon from being taken for a scheme.
		p = append(p[:0], "<tr><td><a href=\"./"...)
		p = escapePath(p, l.name)
		p = append(p, "\">"...)
		p = escapeHTML(p, l.name)
		p = append(p, "</a><td>"...)
		if l.size >= 0 {
			p = ascii.AppendUint(p, uint64(l.size))
		}
		p = append(p, "<td>"...)
		p = l.modified.UTC().AppendFormat(p, "2006-01-02 15:04")
		if _, err := b.Write(append(p, '\n')); err != nil {
			return err
		}
	}
	end := "</table>\n"
	if more {
		end += "<p>and more\n"
	}
	if err := b.WriteString(end); err != nil {
		return err
	}
	return b.Close()
}

func escapeHTML(dst []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; c {
		case '&':
			dst = append(dst, "&amp;"...)
		case '<':
			dst = append(dst, "&lt;"...)
		case '>':
			dst = append(dst, "&gt;"...)
		case '"':
			dst = append(dst, "&#34;"...)
		case '\'':
			dst = append(dst, "&#39;"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// escapePath escapes what is not unreserved in a URI (RFC 3986 section 2.3),
// except slashes.
func escapePath(dst []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~', c == '/':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
		}
	}
	return dst
}
