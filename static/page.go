package static

import "github.com/bobtail-go/bobtail/web"

// Page is one file and how it is served, whatever the path of the request: a
// compressed page for those who take it, and the plain one for others. It can
// be a variable of the program's:
//
//	var page = static.Page{File: static.File{Type: "text/html; charset=utf-8", Identity: html, Gzip: gz}}
//
// and is handled by its method Serve. It must not be changed then; any number
// of goroutines may serve it. Type and ETag must be well-formed, which
// [Page.Check] tells: if they are not, requests get 500.
type Page struct {
	File    File
	Options Options // of which Prefix, Index and Parts are not used
}

// NewPage makes a page of its forms, "" for those that are not there, with an
// entity-tag by TagOf.
func NewPage(mediaType, identity, gzip, brotli string) *Page {
	return &Page{File: File{Type: mediaType, ETag: TagOf(identity, gzip, brotli), Identity: identity, Gzip: gzip, Brotli: brotli}}
}

// Check reports what is wrong with the page: ErrType, ErrTag or ErrCache.
func (p *Page) Check() error {
	if !validValue(p.Options.CacheControl) {
		return ErrCache
	}
	return p.File.check()
}

// Serve is a handler: it answers with the page. A request for several ranges
// gets the whole.
func (p *Page) Serve(w web.Response, r *web.Request) error {
	if err := p.File.check(); err != nil {
		return err
	}
	if !getOrHead(r) {
		return methodNotAllowed(w)
	}
	var e Entry
	var c content
	p.File.entry(&e, &c)
	return p.Options.answer(w, r, &e, &c, nil)
}
