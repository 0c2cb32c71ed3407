// Package cors lets pages of other origins use a site: it answers their
// preflight requests and says in each answer who may read it, as the Fetch
// standard of WHATWG (section 3.3, CORS protocol) has it, and lets pages of
// the wide network reach a private one (Private Network Access).
//
// It protects nothing by itself. A browser sends simple requests from any page
// all the same and only keeps the page from reading the answer; what changes
// something must be guarded by other means, such as a token or the cookies'
// SameSite.
package cors

import (
	"slices"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/web"
)

// Policy says which pages may use what. The zero value lets nobody in and is
// refused by Validate.
type Policy struct {
	// Origins are those of the pages: "https://example.org", with a port if it
	// is not the scheme's own, in lower case and without a slash at the end, as
	// browsers send them (RFC 6454 section 6.2); "https://*.example.org" for
	// every host below; "null" for pages without one, such as files, which
	// anybody can make, as any page can a frame without one; or "*" for all.
	// These two do not go with Credentials.
	Origins []string

	// Methods are the methods that pages may use beside GET, HEAD and POST,
	// which need no permission. "*" is any that is asked for.
	Methods []string

	// Headers are the names of the request's fields that pages may set, beside
	// those that need no permission (Accept, Content-Language and some more);
	// Content-Type is needed for JSON. "*" is all that is asked for.
	Headers []string

	// Expose are the names of the answer's fields that pages may read beside
	// those that all may (Content-Type, Content-Length and some more). "*" is
	// all, but browsers take it for a name with Credentials.
	Expose []string

	// Credentials lets pages send cookies and passwords, and read what is
	// answered to these.
	Credentials bool

	// PrivateNetwork lets pages from the wide network in if the server is in a
	// private one, such as a device at home.
	PrivateNetwork bool

	// MaxAge is how long a browser may remember the permission, in seconds. 0
	// says nothing, and browsers take 5.
	MaxAge int
}

// Error is an error in a policy. Its values are constants.
type Error uint8

// The errors of Validate.
const (
	_              Error = iota
	ErrNoOrigin          // no origin is let in
	ErrOrigin            // not of the form scheme://host[:port], null or *
	ErrCredentials       // credentials for * or null: every page could act as the user
	ErrName              // a method or field name is not a token
	ErrMaxAge            // less than 0, or more than a day, which no browser remembers
	numErrors
)

var errorTexts = [numErrors]string{
	ErrNoOrigin:    "cors: no origin is let in",
	ErrOrigin:      "cors: origin is not scheme://host[:port] in lower case, null or *",
	ErrCredentials: "cors: credentials cannot be allowed to * or null, which any page can be",
	ErrName:        "cors: method or field name is not a token",
	ErrMaxAge:      "cors: MaxAge must be from 0 to 86400",
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e < numErrors && errorTexts[e] != "" {
		return errorTexts[e]
	}
	return "cors: unknown error"
}

// Validate reports the first thing that is wrong with the policy.
func (p *Policy) Validate() error {
	if len(p.Origins) == 0 {
		return ErrNoOrigin
	}
	for _, o := range p.Origins {
		switch {
		case o == "*" || o == "null":
			if p.Credentials {
				return ErrCredentials
			}
		case !isOrigin(o):
			return ErrOrigin
		}
	}
	for _, names := range [...][]string{p.Methods, p.Headers, p.Expose} {
		for _, s := range names {
			if !ascii.IsToken(s) {
				return ErrName
			}
		}
	}
	if p.MaxAge < 0 || p.MaxAge > 86400 {
		return ErrMaxAge
	}
	return nil
}

// Handler makes what stands around handlers: a preflight is answered, and all
// else goes on to them. It is given to Server.Use, so that preflights of every
// path come to it, or put around single handlers. It allocates nothing for a
// request. The errors are those of Validate.
func (p Policy) Handler() (func(web.Handler) web.Handler, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	g := &gate{
		Policy:  p,
		all:     slices.Contains(p.Origins, "*"),
		any:     slices.Contains(p.Headers, "*"),
		every:   slices.Contains(p.Methods, "*"),
		methods: join(append([]string{"GET", "HEAD", "POST"}, p.Methods...)),
		headers: join(p.Headers),
		expose:  join(p.Expose),
	}
	if p.MaxAge > 0 {
		g.maxAge = string(ascii.AppendUint(nil, uint64(p.MaxAge)))
	}
	return func(h web.Handler) web.Handler {
		return func(w web.Response, r *web.Request) error { return g.serve(w, r, h) }
	}, nil
}

// gate is a policy with what it says worked out.
type gate struct {
	Policy
	all, any, every                  bool // origins, fields, methods
	methods, headers, expose, maxAge string
}

func (g *gate) serve(w web.Response, r *web.Request, h web.Handler) error {
	origin := r.Header("Origin")
	method := r.Header("Access-Control-Request-Method")
	preflight := r.Method() == http1.OPTIONS && origin != nil && method != nil
	// A cache must not give to one origin what was said to another, nor to
	// those who have none.
	if preflight {
		if err := w.With("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"); err != nil {
			return err
		}
	} else if !g.all {
		if err := w.With("Vary", "Origin"); err != nil {
			return err
		}
	}
	if origin == nil {
		return h(w, r)
	}
	if !g.admits(origin) {
		if preflight {
			return w.Status(http1.StatusForbidden).Text("This origin is not let in.\n")
		}
		return h(w, r)
	}
	if err := g.allow(w, r, origin); err != nil {
		return err
	}
	if !preflight {
		if g.expose != "" {
			if err := w.With("Access-Control-Expose-Headers", g.expose); err != nil {
				return err
			}
		}
		return h(w, r)
	}
	return g.preflight(w, r, method)
}

// allow says that the origin may read the answer.
func (g *gate) allow(w web.Response, r *web.Request, origin []byte) error {
	if g.all {
		return w.With("Access-Control-Allow-Origin", "*")
	}
	if err := w.WithBytes("Access-Control-Allow-Origin", origin); err != nil {
		return err
	}
	if g.Credentials {
		return w.With("Access-Control-Allow-Credentials", "true")
	}
	return nil
}

// preflight answers what a browser asks before it sends the request itself.
// What is not allowed is not said, and the browser sees that.
func (g *gate) preflight(w web.Response, r *web.Request, method []byte) error {
	a := w.Status(http1.StatusNoContent)
	switch {
	case g.every: // by name: with credentials, * is none
		a = a.HeaderBytes("Access-Control-Allow-Methods", method)
	case g.allowsMethod(method):
		a = a.Header("Access-Control-Allow-Methods", g.methods)
	}
	if asked := r.Header("Access-Control-Request-Headers"); len(asked) > 0 {
		switch {
		case g.any:
			a = a.HeaderBytes("Access-Control-Allow-Headers", asked)
		case g.headers != "":
			a = a.Header("Access-Control-Allow-Headers", g.headers)
		}
	}
	if g.PrivateNetwork && ascii.Equal(r.Header("Access-Control-Request-Private-Network"), "true") {
		a = a.Header("Access-Control-Allow-Private-Network", "true")
	}
	if g.maxAge != "" {
		a = a.Header("Access-Control-Max-Age", g.maxAge)
	}
	return a.Empty()
}

// admits reports whether pages of an origin are let in.
func (g *gate) admits(origin []byte) bool {
	if g.all {
		return true
	}
	for _, o := range g.Origins {
		if matches(o, origin) {
			return true
		}
	}
	return false
}

// allowsMethod reports whether a method, which is told by case, is allowed.
func (g *gate) allowsMethod(method []byte) bool {
	for _, m := range [...]string{"GET", "HEAD", "POST"} {
		if ascii.Equal(method, m) {
			return true
		}
	}
	for _, m := range g.Methods {
		if ascii.Equal(method, m) {
			return true
		}
	}
	return false
}
