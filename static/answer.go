package static

import (
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/web"
)

// content is where the bytes of an entry are.
type content struct {
	text [NumForms]string
	file opener // has what is not in text, if it is not nil
}

// opener has content that is not in memory.
type opener interface {
	// open gives the source of a form, for one answer, and nil if the form is
	// in memory.
	open(f Form) web.Source
}

func (c *content) source(f Form) web.Source {
	if c.file == nil {
		return nil
	}
	return c.file.open(f)
}

// target is the path of a request.
type target struct{ name []byte }

// folder reports whether the path is that of a folder.
func (t target) folder() bool { return len(t.name) == 0 || t.name[len(t.name)-1] == '/' }

// path is the decoded path of a request below the prefix, valid as long as the
// request. done says that the request is answered, since it has none.
func (o *Options) path(w web.Response, r *web.Request) (t target, done bool, err error) {
	if !getOrHead(r) {
		return t, true, methodNotAllowed(w)
	}
	raw, ok := o.strip(r.Path())
	if !ok {
		return t, true, notFound(w)
	}
	if len(raw) == 0 {
		return t, true, redirect(w, r)
	}
	var buf []byte
	for _, c := range raw {
		if c == '%' {
			if buf, err = r.Alloc(len(raw)); err != nil {
				return t, true, tooLong(w)
			}
			break
		}
	}
	if t.name, ok = cleanPath(buf, raw); !ok {
		return t, true, notFound(w)
	}
	return t, false, nil
}

func getOrHead(r *web.Request) bool { return r.Method() == http1.GET || r.Method() == http1.HEAD }

// methodNotAllowed is for patterns without a method.
func methodNotAllowed(w web.Response) error {
	return w.Status(405).Header("Allow", "GET, HEAD").Text("Method Not Allowed\n")
}

// tooLong is for paths that the request's memory cannot hold.
func tooLong(w web.Response) error {
	return w.Status(http1.StatusURITooLong).Text("URI Too Long\n")
}

func notFound(w web.Response) error { return w.Status(404).Text("Not Found\n") }

// redirect sends the client to the request's path with a slash at its end, by
// a reference that is relative, so that whoever mounts the tree below another
// path need not tell it, and no name in it is taken for a host.
func redirect(w web.Response, r *web.Request) error {
	path, query := r.Path(), r.Query()
	i := len(path)
	for i > 0 && path[i-1] != '/' {
		i--
	}
	path = path[i:]
	b, err := r.Alloc(len(path) + len(query) + len(".//?"))
	if err != nil {
		return tooLong(w)
	}
	b = append(b[:0], "./"...) // a colon in the name makes no scheme of it
	b = append(b, path...)
	b = append(b, '/')
	if query != nil {
		b = append(b, '?')
		b = append(b, query...)
	}
	return w.Redirect(301, ascii.View(b))
}

// conditions are the fields of a request that Decide wants.
func conditions(r *web.Request, c *Conditions) error {
	j := joiner{r: r}
	c.IfMatch = j.field("If-Match")
	c.IfNoneMatch = j.field("If-None-Match")
	c.IfModifiedSince = j.field("If-Modified-Since")
	c.IfUnmodifiedSince = j.field("If-Unmodified-Since")
	c.IfRange = j.field("If-Range")
	c.Range = j.field("Range")
	c.AcceptEncoding = j.field("Accept-Encoding")
	return j.err
}

// joiner reads fields, and keeps the first error.
type joiner struct {
	r   *web.Request
	err error
}

// field is the value of a field, its lines joined to one list (RFC 9110
// section 5.3).
func (j *joiner) field(name string) []byte {
	h, b := j.r.Head()
	first := h.Next(b, name, 0)
	if first < 0 {
		return nil
	}
	_, v := h.Field(b, first)
	if h.Next(b, name, first+1) < 0 {
		return v
	}
	n := 0
	for i := first; i >= 0; i = h.Next(b, name, i+1) {
		_, v := h.Field(b, i)
		n += len(v) + len(", ")
	}
	all, err := j.r.Alloc(n)
	if err != nil {
		j.err = err
		return nil
	}
	all = all[:0]
	for i := first; i >= 0; i = h.Next(b, name, i+1) {
		if i > first {
			all = append(all, ", "...)
		}
		_, v := h.Field(b, i)
		all = append(all, v...)
	}
	return all
}

// answer answers a request by GET or HEAD with an entry.
func (o *Options) answer(w web.Response, r *web.Request, e *Entry, c *content, all []parts) error {
	var cond Conditions
	if err := conditions(r, &cond); err != nil {
		return w.Status(http1.StatusRequestHeaderFieldsTooLarge).Text("Request Header Fields Too Large\n")
	}
	a := Decide(r.Method(), &cond, e)
	var several *parts
	if a.Ranges > 1 {
		if several = takeParts(all, e, &a, cond.Range); several == nil {
			// RFC 9110 section 14.2: "A server MAY ignore the Range header
			// field."
			a.Status, a.Ranges, a.Range = http1.StatusOK, 0, Range{0, a.Size}
		}
	}
	scratch, err := r.Alloc(len(e.ETag) + 64)
	if err != nil {
		if several != nil {
			several.Close()
		}
		return err
	}
	h := w.Status(a.Status)
	switch a.Status {
	case http1.StatusNotAcceptable:
		return h.Header("Vary", "Accept-Encoding").Text("Not Acceptable\n")
	case http1.StatusPreconditionFailed:
		return h.Text("Precondition Failed\n")
	case http1.StatusRangeNotSatisfiable:
		b := append(scratch[:0], "bytes */"...)
		return h.HeaderBytes("Content-Range", ascii.AppendUint(b, uint64(a.Size))).Text("Range Not Satisfiable\n")
	}
	o.fields(h, e, &a, scratch)
	if a.Status == http1.StatusNotModified {
		b, err := h.Stream() // no content, and nothing is said of its length
		if err != nil {
			return err
		}
		return b.Close()
	}
	h.Header("Accept-Ranges", "bytes")
	if coding := a.Form.Coding(); coding != "" {
		h.Header("Content-Encoding", coding)
	}
	if !o.Sniff {
		h.Header("X-Content-Type-Options", "nosniff")
	}
	if several != nil {
		b := append(scratch[:0], boundaryField...)
		h.HeaderBytes("Content-Type", append(b, several.boundary[:]...))
		several.text, several.src = c.text[a.Form], c.source(a.Form)
		return h.Source(several, 0, several.total())
	}
	if e.Type != "" {
		h.Header("Content-Type", e.Type)
	}
	if a.Ranges == 1 {
		h.HeaderBytes("Content-Range", appendContentRange(scratch[:0], a.Range, a.Size))
	}
	if src := c.source(a.Form); src != nil {
		return h.Source(src, a.Range.Off, a.Range.Len)
	}
	return h.StaticString(c.text[a.Form][a.Range.Off:][:a.Range.Len])
}

// fields adds what 200, 206 and 304 have in common (RFC 9110 section 15.4.5).
func (o *Options) fields(h web.Head, e *Entry, a *Answer, scratch []byte) {
	if e.ETag != "" {
		h.HeaderBytes("ETag", e.AppendETag(scratch[:0], a.Form))
	}
	if e.Modified != 0 && (e.ETag == "" || a.Status != http1.StatusNotModified) {
		h.HeaderBytes("Last-Modified", http1.AppendDate(scratch[:0], e.Modified))
	}
	if e.Varies() {
		h.Header("Vary", "Accept-Encoding")
	}
	if o.CacheControl != "" {
		h.Header("Cache-Control", o.CacheControl)
	}
}
