package resource

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/opaque"
)

// This file answers GET /.well-known/core (RFC 6690 section 4): the links are
// written anew for each block of it, so that no memory has them all.

// addCore finds out which routes are told, one for each path, and adds the route
// that tells them, unless the program has its own.
func (r *Router) addCore() {
	for i, n := range r.routes {
		if n.Hidden || n.isWild() {
			continue
		}
		n.listed = true
		for _, o := range r.routes[:i] {
			if o.target() == n.target() && !o.Hidden {
				n.listed = false
				for o.same != nil {
					o = o.same
				}
				o.same = n
				break
			}
		}
	}
	for _, n := range r.routes {
		if n.listed {
			r.longest = max(r.longest, n.linkBound())
		}
	}
	r.add(Route{Pattern: "GET /.well-known/core", Handler: serveCore, Formats: linkFormats, Hidden: true})
}

var linkFormats = []coap.Format{coap.FormatLink}

// isWild reports whether the pattern has wildcards, so that it is no link.
func (n *route) isWild() bool {
	for _, s := range n.pattern.Segments {
		if s.Wild {
			return true
		}
	}
	return false
}

// target is the path of a pattern without wildcards, as it was written.
func (n *route) target() string {
	s := n.Pattern
	for s[0] != '/' {
		s = s[1:]
	}
	const end = "{$}"
	if i := len(s) - len(end); i > 0 && s[i:] == end {
		return s[:i]
	}
	return s
}

// appendLink appends the link of a path: the attributes of all its routes, and
// what formats they answer with (RFC 7252 section 7.2.1).
func (n *route) appendLink(dst []byte) []byte {
	dst = coap.AppendLink(append(dst, ','), n.target())
	formats := n.Formats
	for o := n; o != nil; o = o.same {
		for _, a := range o.Attributes {
			dst = coap.AppendLinkParam(dst, a.Name, a.Value)
		}
		if o.method == coap.CodeGET && o.Formats != nil || formats == nil {
			formats = o.Formats
		}
	}
	if len(formats) == 0 {
		return dst
	}
	dst = append(dst, ";ct="...)
	if len(formats) == 1 {
		return ascii.AppendUint(dst, uint64(formats[0]))
	}
	for i, f := range formats {
		dst = ascii.AppendUint(append(dst, "\" "[min(i, 1)]), uint64(f))
	}
	return append(dst, '"')
}

// linkBound is the most bytes that appendLink appends.
func (n *route) linkBound() int {
	size := len(",<>") + 3*len(n.target()) // a byte that a URI does not have is escaped
	formats := 0
	for o := n; o != nil; o = o.same {
		for _, a := range o.Attributes {
			size += len(`;=""`) + len(a.Name) + 2*len(a.Value)
		}
		formats = max(formats, len(o.Formats))
	}
	if formats > 0 {
		size += len(`;ct=""`) + len("65535 ")*formats
	}
	return size
}

// serveCore answers with the links.
func serveCore(w Response, r *Request) error {
	l := &r.x.links
	var h hash
	l.size = 0
	for _, n := range r.x.r.routes {
		b := l.link(n, l.size == 0)
		l.size += int64(len(b))
		h.add(ascii.View(b))
	}
	r.x.tag = h.tag()
	return w.Source(coap.FormatLink, &l.source)
}

// links are those that a request wants, as content. They belong to an Exchange.
type links struct {
	x       *Exchange
	source  linkSource
	size    int64
	scratch []byte
}

// link is the link of a route, with a comma before all but the first, or nothing
// if it is not told or does not match the queries (RFC 6690 section 4.1).
func (l *links) link(n *route, first bool) []byte {
	if !n.listed {
		return nil
	}
	b := n.appendLink(l.scratch[:0])
	it := l.x.m.Options.Iter()
	for it.Next() {
		if it.Number == coap.OptURIQuery {
			doc := coap.ParseLinks(b[1:])
			if !doc.Next() || !doc.Link.Match(it.Value) {
				return nil
			}
		}
	}
	if first {
		return b[1:]
	}
	return b
}

// linkSource is the links as a Source.
type linkSource struct{ opaque.Pointer[links] }

// Size is the size of all.
func (s *linkSource) Size() int64 { return s.Get().size }

// ReadAt writes the links anew, and keeps what is asked for.
func (s *linkSource) ReadAt(p []byte, off int64) (n int, err error) {
	l := s.Get()
	at := int64(0)
	for _, o := range l.x.r.routes {
		b := l.link(o, at == 0)
		from := max(off+int64(n)-at, 0)
		at += int64(len(b))
		if from < int64(len(b)) {
			if n += copy(p[n:], b[from:]); n == len(p) {
				break
			}
		}
	}
	return n, nil
}
