package nethttp

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/web"
)

// serveMemory is the memory of a handler that package net/http serves: a head
// of 16 KB, and 8 KB each for an answer's head and the arena.
const serveMemory = 32 << 10

// Serve makes a handler of Bobtail's one of package net/http. It is what it is
// in a server of Bobtail, but for what only such a server has: no worker, no
// deadline, no Remote, no answer given later, and the path values are those of
// the http.Request, which [Request] gives. Both directions stream; flushing is
// handed on.
//
// The memory for requests is pooled and not freed while they come often.
// Requests whose head is larger than 16 KB, or that have more than
// http1.MaxKept fields, are answered 431.
func Serve(h web.Handler) http.Handler {
	s := &served{h: h}
	s.pool.New = func() any { return newLoop() }
	return s
}

// Request is the http.Request of a request that a handler of [Serve] answers,
// nil if there is none, or if the request's value was set to something else.
func Request(r *web.Request) *http.Request {
	req, _ := r.Value().(*http.Request)
	return req
}

type served struct {
	h    web.Handler
	pool sync.Pool
}

// allFields keeps all that net/http has let through.
var allFields = http1.Parser{Limits: http1.Limits{Head: 1 << 20, Fields: http1.MaxKept + 1, Target: serveMemory / 2}, Keep: http1.AllFields()}

func newLoop() *loop {
	x, err := web.NewExchange(&allFields, make([]byte, serveMemory), nil)
	if err != nil {
		panic("BUG: nethttp: " + err.Error())
	}
	return &loop{x: x}
}

// ServeHTTP implements http.Handler.
func (s *served) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	l := s.pool.Get().(*loop)
	l.begin(w, req)
	// Bobtail's handlers may read on when they have begun to answer.
	http.NewResponseController(w).EnableFullDuplex()
	_, err := l.x.ServeRequest(l, func(w web.Response, r *web.Request) error {
		r.SetValue(req)
		return s.h(w, r)
	})
	whole := l.state == loopDone || l.state == loopContent && l.left == untilClose && err == nil
	l.w, l.req = nil, nil
	// A loop whose handler has panicked is left to the collector.
	s.pool.Put(l)
	if !whole {
		panic(http.ErrAbortHandler) // the peer must see that something is missing
	}
}

// loop is the stream of an exchange whose other end is net/http: what is read
// is the request, put into bytes again, and what is written is taken apart.
// Nothing in between keeps more than a head.
type loop struct {
	x   *web.Exchange
	w   http.ResponseWriter
	req *http.Request

	in      bytes.Buffer // of the request, not read yet
	chunked bool         // its content is
	ended   bool         // all of it is in in
	scratch [4 << 10]byte

	state   loopState
	head    []byte // of the response; of a chunk or a trailer, a line
	coded   bool   // content comes in chunks
	left    int64  // content to come, of the chunk if it is coded
	written bool
}

type loopState uint8

const (
	loopHead     loopState = iota // in a head
	loopContent                   // in content
	loopSize                      // in the line before a chunk
	loopChunkEnd                  // in the line end behind it
	loopTrailer                   // in a line of the trailer section
	loopDone
)

// untilClose is the length of content that ends with the connection.
const untilClose = -1

func (l *loop) begin(w http.ResponseWriter, req *http.Request) {
	l.w, l.req = w, req
	l.state, l.head, l.written = loopHead, l.head[:0], false
	l.in.Reset()
	target := req.URL.RequestURI()
	if req.Method == http.MethodConnect {
		target = req.Host
	}
	host := req.Host
	if host == "" {
		host = "localhost" // a request of HTTP/1.0; it goes on in HTTP/1.1
	}
	fmt.Fprintf(&l.in, "%s %s HTTP/1.1\r\nHost: %s\r\n", req.Method, line(target), fieldValue(host))
	for _, key := range slices.Sorted(maps.Keys(req.Header)) {
		switch key {
		case "Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect", "Upgrade", "Trailer", "Te":
			// These are between net/http and its peer, and are done with.
			continue
		}
		if !ascii.IsToken(key) {
			continue
		}
		for _, v := range req.Header[key] {
			fmt.Fprintf(&l.in, "%s: %s\r\n", key, fieldValue(v))
		}
	}
	l.chunked, l.ended = req.ContentLength < 0, req.ContentLength == 0 || req.Body == nil
	switch {
	case l.ended:
	case l.chunked:
		l.in.WriteString("Transfer-Encoding: chunked\r\n")
	default:
		fmt.Fprintf(&l.in, "Content-Length: %d\r\n", req.ContentLength)
	}
	l.in.WriteString("\r\n")
}

// line is s without what would end its line: the parser refuses the rest.
func line(s string) string {
	return strings.NewReplacer("\r", "%0D", "\n", "%0A", " ", "%20").Replace(s)
}

// Read gives the request. Reading the content of an http.Request is also what
// asks the peer for it.
func (l *loop) Read(p []byte) (int, error) {
	for l.in.Len() == 0 {
		if l.ended {
			return 0, io.EOF
		}
		n, err := l.req.Body.Read(l.scratch[:])
		switch {
		case n > 0 && l.chunked:
			fmt.Fprintf(&l.in, "%x\r\n%s\r\n", n, l.scratch[:n])
		case n > 0:
			l.in.Write(l.scratch[:n])
		}
		if err == io.EOF {
			l.ended = true
			if l.chunked {
				l.in.WriteString("0\r\n\r\n")
			}
		} else if err != nil {
			return 0, err
		}
	}
	return l.in.Read(p)
}

// Write takes bytes of the response.
func (l *loop) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 && l.state != loopDone {
		var err error
		if l.state == loopContent {
			p, err = l.content(p)
		} else {
			p, err = l.lines(p)
		}
		if err != nil {
			return n - len(p), err
		}
	}
	if l.written && l.state != loopDone {
		// More follows, and this was sent by itself.
		if err := http.NewResponseController(l.w).Flush(); err != nil && l.req.Context().Err() != nil {
			return n, err
		}
	}
	return n, nil
}

// content hands on as much of p as is content, and returns the rest.
func (l *loop) content(p []byte) ([]byte, error) {
	k := len(p)
	if l.left >= 0 {
		k = int(min(int64(k), l.left))
		l.left -= int64(k)
	}
	if _, err := l.w.Write(p[:k]); err != nil {
		return p, err
	}
	if l.left == 0 {
		l.state = loopDone
		if l.coded {
			l.state = loopChunkEnd
		}
	}
	return p[k:], nil
}

// lines gathers a line, or a head, and acts on it when it is whole.
func (l *loop) lines(p []byte) ([]byte, error) {
	end := "\r\n"
	if l.state == loopHead {
		end = "\r\n\r\n"
	}
	for i, c := range p {
		l.head = append(l.head, c)
		if c == '\n' && bytes.HasSuffix(l.head, []byte(end)) {
			text := string(l.head[:len(l.head)-len(end)])
			l.head = l.head[:0]
			return p[i+1:], l.act(text)
		}
	}
	return nil, nil
}

// errLoop is the error for a response that this package does not understand,
// which cannot be.
var errLoop = http1.ErrState

func (l *loop) act(text string) error {
	switch l.state {
	case loopHead:
		return l.actHead(text)
	case loopSize:
		n, err := strconv.ParseInt(text, 16, 64)
		if err != nil {
			return errLoop
		}
		l.state, l.left = loopContent, n
		if n == 0 {
			l.state = loopTrailer
		}
	case loopChunkEnd:
		l.state = loopSize
	case loopTrailer:
		if text == "" {
			l.state = loopDone
			break
		}
		if name, value, ok := strings.Cut(text, ": "); ok {
			l.w.Header().Add(http.TrailerPrefix+textproto.CanonicalMIMEHeaderKey(name), value)
		}
	}
	return nil
}

// actHead hands a head on.
func (l *loop) actHead(text string) error {
	lines := strings.Split(text, "\r\n")
	if len(lines[0]) < len("HTTP/1.1 200") {
		return errLoop
	}
	code, err := strconv.Atoi(lines[0][len("HTTP/1.1 "):][:3])
	if err != nil {
		return errLoop
	}
	h := l.w.Header()
	before := h.Clone()
	l.coded, l.left = false, untilClose
	for _, field := range lines[1:] {
		name, value, _ := strings.Cut(field, ": ")
		switch name = textproto.CanonicalMIMEHeaderKey(name); name {
		case "Transfer-Encoding":
			l.coded = true
			continue
		case "Content-Length":
			if l.left, err = strconv.ParseInt(value, 10, 64); err != nil {
				return errLoop
			}
		}
		h.Add(name, value)
	}
	if _, typed := h["Content-Type"]; !typed {
		h["Content-Type"] = nil // nobody is to guess
	}
	l.w.WriteHeader(code)
	if code < 200 && code != http.StatusSwitchingProtocols {
		clear(h)
		maps.Copy(h, before)
		return nil
	}
	l.written = true
	switch {
	case l.req.Method == http.MethodHead, !bodyAllowed(code), l.left == 0:
		l.state = loopDone
	case l.coded:
		l.state = loopSize
	default:
		l.state = loopContent
	}
	return nil
}
