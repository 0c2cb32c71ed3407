package static

// Options are how a tree or a page is served. The zero value serves. It is
// not changed after it was given away. Other fields, such as
// Content-Security-Policy, are added by a handler around Serve, with
// web.Response's With.
type Options struct {
	// Prefix is what the paths of requests begin with, before the name of a
	// file: "/files" for the pattern "GET /files/{path...}". A slash at its
	// end does not matter. It is compared with the path as it was sent. A Page
	// does not use it.
	Prefix string
	// Index is the file that is served for its folder; "" is "index.html".
	Index string
	// CacheControl is the value of Cache-Control; "" sends none, and caches
	// then decide by themselves.
	CacheControl string
	// Sniff leaves out X-Content-Type-Options: nosniff, and so lets browsers
	// guess the type of what is not declared as anything.
	Sniff bool
	// Parts is how many answers with several ranges can be under way at a
	// time, at most 1024; each takes about 800 bytes from the start. 0 is 2,
	// and -1 none. Who asks for several ranges when all are taken gets the
	// whole.
	Parts int

	slashIndex string // Index with a slash before it
}

// prepare checks the options and fills in the defaults.
func (o *Options) prepare() error {
	if o.Index == "" {
		o.Index = "index.html"
	}
	if !validName(o.Index) {
		return ErrName
	}
	o.slashIndex = "/" + o.Index
	if o.Prefix != "" && o.Prefix[0] != '/' {
		return ErrName
	}
	if n := len(o.Prefix); n > 0 && o.Prefix[n-1] == '/' {
		o.Prefix = o.Prefix[:n-1]
	}
	switch {
	case o.Parts == 0:
		o.Parts = 2
	case o.Parts < -1 || o.Parts > 1024:
		return ErrParts
	}
	if !validValue(o.CacheControl) {
		return ErrCache
	}
	return nil
}

// validValue reports whether s can be the value of a field (RFC 9110 section
// 5.5).
func validValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// strip takes the prefix off a path, as it was sent. ok is false if the path
// is not below it. The path of the prefix itself, without a slash, is empty.
func (o *Options) strip(path []byte) (rest []byte, ok bool) {
	n := len(o.Prefix)
	if !has(path, 0, o.Prefix) || len(path) > n && path[n] != '/' {
		return nil, false
	}
	return path[n:], true
}
