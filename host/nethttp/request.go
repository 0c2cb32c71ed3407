package nethttp

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
	"github.com/bobtail-go/bobtail/internal/netconn"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/web"
)

// This file makes an http.Request of a web.Request.

// requestContext is a context with the values that net/http's have.
type requestContext struct {
	context.Context
	server *http.Server
	local  net.Addr
}

func (c *requestContext) Value(key any) any {
	switch key {
	case http.LocalAddrContextKey:
		if c.local != nil {
			return c.local
		}
	case http.ServerContextKey:
		if c.server != nil {
			return c.server
		}
	}
	return c.Context.Value(key)
}

// badRequest is what a request is refused with that net/http refuses.
type badRequest struct{ error }

func (badRequest) Status() int { return http.StatusBadRequest }

// request makes the request. What it holds is the handler's for ever, as under
// net/http, so all is copied, in one piece.
func (x *exchange) request() error {
	h, b := x.r.Head()
	text := string(b[:h.Scanned()])
	str := func(v []byte) string {
		at := cap(b) - cap(v) // v is a view of b
		return text[at:][:len(v)]
	}
	req := &http.Request{
		Method:     str(h.MethodName(b)),
		RequestURI: str(h.Target(b)),
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Close: !h.KeepAlive(),
		Body:  http.NoBody,
	}
	if h.Version() == http1.Version10 {
		req.Proto, req.ProtoMinor = "HTTP/1.0", 0
	}
	x.head = h.Method() == http1.HEAD
	var err error
	if h.Form() == http1.Authority {
		// RFC 9112 section 3.2.3
		req.URL = &url.URL{Host: req.RequestURI}
	} else if req.URL, err = url.ParseRequestURI(req.RequestURI); err != nil {
		return badRequest{err}
	}
	if host := x.r.Host(); len(host) > 0 {
		req.Host = str(host)
	}

	n := h.NumFields()
	values := make([]string, n)
	req.Header = make(http.Header, n)
	for i := range n {
		name, value := h.Field(b, i)
		key := textproto.CanonicalMIMEHeaderKey(str(name))
		if key == "Host" || key == "Transfer-Encoding" {
			continue
		}
		v := ""
		if len(value) > 0 {
			v = str(value)
		}
		if old := req.Header[key]; old != nil {
			req.Header[key] = append(old, v)
			continue
		}
		values[0] = v
		req.Header[key] = values[:1:1]
		values = values[1:]
	}
	if pragma := req.Header["Pragma"]; len(pragma) > 0 && pragma[0] == "no-cache" && req.Header["Cache-Control"] == nil {
		req.Header["Cache-Control"] = []string{"no-cache"} // RFC 9111 section 5.4
	}

	switch length, declared := h.ContentLength(); {
	case h.Chunked():
		req.ContentLength, req.TransferEncoding = -1, []string{"chunked"}
		req.Body = &body{x: x}
		if req.Trailer, err = trailerNames(req.Header); err != nil {
			return err
		}
	case declared && length > 0:
		req.ContentLength = int64(length)
		req.Body = &body{x: x}
	}

	if a := x.r.Remote(); !a.IsUnset() {
		req.RemoteAddr = a.String()
	}
	base := x.m.BaseContext
	if base == nil {
		base = context.Background()
	}
	base, x.cancel = context.WithCancelCause(base)
	ctx := &requestContext{Context: base, server: x.m.Server}
	if a := x.r.Local(); !a.IsUnset() {
		ctx.local = netconn.Addr(a)
	}
	x.req = req.WithContext(ctx)
	setPattern(x.req, x.r)
	x.header = make(http.Header)
	return nil
}

// trailerNames takes the field Trailer, as net/http does: the names become
// those of the map, without values.
func trailerNames(h http.Header) (http.Header, error) {
	lines, ok := h["Trailer"]
	if !ok {
		return nil, nil
	}
	delete(h, "Trailer")
	names := make(http.Header)
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			switch key := textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name)); {
			case mayTrail(key):
				names[key] = nil
			case key != "":
				return nil, badRequest{errors.New("nethttp: " + key + " in a trailer section")}
			}
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	return names, nil
}

// mayTrail reports whether a field may be one of a trailer section (RFC 9110
// section 6.5.1, as net/http has it).
func mayTrail(key string) bool {
	switch key {
	case "", "Transfer-Encoding", "Trailer", "Content-Length":
		return false
	}
	return true
}

// body is the content of a request.
type body struct {
	x      *exchange
	err    error // sticky; guarded by x.mu
	closed bool
}

// Read waits for content. Asking the peer to send it, if it waits for that,
// is what the first read does.
func (b *body) Read(p []byte) (int, error) {
	x := b.x
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case b.closed, x.over, x.hijacked:
		return 0, http.ErrBodyReadAfterClose
	case b.err != nil:
		return 0, b.err
	}
	n, err := x.r.Read(p)
	if err != nil && err != io.EOF {
		if err == http1conn.ErrTruncated {
			err = io.ErrUnexpectedEOF
		}
		x.cancelFor(err)
	}
	b.err = err
	return n, err
}

// Close ends the reading.
func (b *body) Close() error {
	b.x.mu.Lock()
	defer b.x.mu.Unlock()
	b.closed = true
	return nil
}

// cancelFor ends the context if an error says that the connection is lost.
func (x *exchange) cancelFor(err error) {
	switch err.(type) {
	case engine.Error, transport.Error:
		x.cancel(err)
	}
	if err == io.ErrUnexpectedEOF {
		x.cancel(transport.ErrReset)
	}
}

// timeOver reports whether the right to answer has passed to somebody else.
func timeOver(why error) bool { return why == engine.ErrDeadline || why == engine.ErrClosing }

var _ web.Handler = (&Mount{}).Serve
