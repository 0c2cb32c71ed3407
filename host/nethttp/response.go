package nethttp

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/netconn"
	"github.com/bobtail-go/bobtail/web"
)

// beforeHead is how much content is gathered before the head must be sent, in
// bytes: an answer that is not longer gets its length. It is net/http's figure.
const beforeHead = 2048

// exchange is a request and the ResponseWriter for it.
//
// The handler has a goroutine of its own and may start others, so all calls
// take the lock. The worker takes it last, and sets over.
type exchange struct {
	m      *Mount
	req    *http.Request
	header http.Header // the handler's
	cancel context.CancelCauseFunc
	closes atomic.Pointer[chan bool] // of CloseNotify
	end    chan struct{}             // tells the worker to look
	head   bool                      // the method is HEAD

	mu sync.Mutex // guards all below

	w web.Response
	r *web.Request

	over     bool // w and r are not ours any more
	hijacked bool
	returned bool // the handler has
	aborted  bool
	panicked *Panic

	wrote   bool        // WriteHeader was called
	status  int         // with this
	sent    http.Header // the header at that time
	length  int64       // declared, -1 if it is not
	written int64
	buf     []byte // content before the head

	begun    bool // the head was given to the response
	body     web.Body
	trailers []string // declared
	failed   error    // of writing, sticky
}

var (
	_ http.ResponseWriter = (*exchange)(nil)
	_ http.Flusher        = (*exchange)(nil)
	_ http.Hijacker       = (*exchange)(nil)
	_ io.ReaderFrom       = (*exchange)(nil)
	_ io.StringWriter     = (*exchange)(nil)
)

// Header implements http.ResponseWriter.
func (x *exchange) Header() http.Header { return x.header }

// WriteHeader implements http.ResponseWriter. A code from 100 to 199 other than
// 101 is sent at once, with the fields that there are.
func (x *exchange) WriteHeader(code int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.writeHeader(code)
}

func (x *exchange) writeHeader(code int) {
	switch {
	case x.over:
		return
	case x.hijacked:
		x.m.logf("http: response.WriteHeader on hijacked connection")
		return
	case x.wrote:
		x.m.logf("http: superfluous response.WriteHeader call")
		return
	case code < 100 || code > 999:
		panic("invalid WriteHeader code " + strconv.Itoa(code))
	case code < 200 && code != http.StatusSwitchingProtocols:
		x.interim(code)
		return
	}
	x.wrote, x.status, x.sent = true, code, x.header.Clone()
	if x.sent == nil {
		x.sent = http.Header{}
	}
	if cl := x.sent.Get("Content-Length"); cl != "" {
		n, err := strconv.ParseInt(cl, 10, 64)
		if err != nil || n < 0 {
			x.m.logf("http: invalid Content-Length of %q", cl)
			delete(x.sent, "Content-Length")
		} else {
			x.length = n
		}
	}
}

// interim sends an interim response.
func (x *exchange) interim(code int) {
	var fields []http1conn.Field
	for _, key := range slices.Sorted(maps.Keys(x.header)) {
		if key == "Content-Length" || key == "Transfer-Encoding" || !ascii.IsToken(key) {
			continue
		}
		for _, v := range x.header[key] {
			fields = append(fields, http1conn.Field{Name: key, Value: fieldValue(v)})
		}
	}
	x.keep(x.w.Interim(code, fields...))
}

// keep keeps the first error of writing.
func (x *exchange) keep(err error) error {
	if err != nil && x.failed == nil {
		x.failed = err
		x.cancelFor(err)
	}
	return err
}

// bodyAllowed reports whether an answer of a status has content (RFC 9110
// section 6.4.1, section 15.3.6).
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified && status != http.StatusResetContent
}

// Write implements http.ResponseWriter.
func (x *exchange) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if ok, err := x.account(len(p)); !ok {
		return 0, err
	}
	if !x.begun {
		if len(x.buf)+len(p) <= beforeHead {
			x.buf = append(x.buf, p...)
			return len(p), nil
		}
		// What the type is found out from: all that net/http has at hand here.
		if len(x.buf) > 0 {
			sample := beforeHead - len(x.buf) // none if it is full
			x.buf = append(x.buf, p[:sample]...)
			n, err := x.begin(x.buf, false)
			if err == nil {
				n, err = x.body.Write(p[sample:])
			}
			return sample + n, x.keep(err)
		}
		if _, err := x.begin(p, false); err != nil {
			return 0, x.keep(err)
		}
		return len(p), nil
	}
	n, err := x.body.Write(p)
	return n, x.keep(err)
}

// WriteString implements io.StringWriter.
func (x *exchange) WriteString(s string) (int, error) {
	x.mu.Lock()
	if x.begun || len(x.buf)+len(s) > beforeHead {
		x.mu.Unlock()
		return x.Write([]byte(s))
	}
	defer x.mu.Unlock()
	if ok, err := x.account(len(s)); !ok {
		return 0, err
	}
	x.buf = append(x.buf, s...)
	return len(s), nil
}

// account says whether n bytes may be written.
func (x *exchange) account(n int) (ok bool, err error) {
	switch {
	case x.hijacked:
		return false, http.ErrHijacked
	case x.over:
		return false, http.ErrHandlerTimeout
	}
	if !x.wrote {
		x.writeHeader(http.StatusOK)
	}
	switch {
	case n == 0:
		return false, nil
	case !bodyAllowed(x.status):
		return false, http.ErrBodyNotAllowed
	case x.length >= 0 && x.written+int64(n) > x.length:
		return false, http.ErrContentLength
	case x.failed != nil:
		return false, x.failed
	}
	x.written += int64(n)
	return true, nil
}

// begin gives the head to the response, and then the content that there is.
// all says that no more follows.
func (x *exchange) begin(p []byte, all bool) (int, error) {
	x.begun = true
	h := x.sent
	hasTrailers := false
	for key := range h {
		hasTrailers = hasTrailers || strings.HasPrefix(key, http.TrailerPrefix)
	}
	for _, line := range h["Trailer"] {
		hasTrailers = true
		for name := range strings.SplitSeq(line, ",") {
			if key := textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name)); mayTrail(key) && ascii.IsToken(key) {
				x.trailers = append(x.trailers, key)
			}
		}
	}
	coded := h.Get("Transfer-Encoding") != ""
	contentType := ""
	if bodyAllowed(x.status) {
		if all && !hasTrailers && !coded && x.length < 0 && (!x.head || len(p) > 0) {
			x.length = int64(len(p))
		}
		if _, has := h["Content-Type"]; !has && h.Get("Content-Encoding") == "" && !coded && len(p) > 0 {
			contentType = http.DetectContentType(p)
		}
	}
	reason := http.StatusText(x.status)
	if reason == "" {
		reason = "status code " + strconv.Itoa(x.status)
	}
	head := x.w.StatusReason(x.status, reason)
	for _, key := range slices.Sorted(maps.Keys(h)) {
		// By its name as peers see it, which a handler that goes past the
		// methods of http.Header may have written in another case.
		switch name := textproto.CanonicalMIMEHeaderKey(key); {
		case name == "Content-Length", name == "Transfer-Encoding", strings.HasPrefix(key, http.TrailerPrefix), !ascii.IsToken(key):
			continue
		case key == "Content-Type" && x.status == http.StatusNotModified:
			continue
		}
		for _, v := range h[key] {
			head.Header(key, fieldValue(v))
		}
	}
	if contentType != "" {
		head.Header("Content-Type", contentType)
	}
	var err error
	if x.length >= 0 && bodyAllowed(x.status) {
		x.body, err = head.StreamN(uint64(x.length))
	} else {
		x.body, err = head.Stream()
	}
	if err != nil || len(p) == 0 {
		return 0, err
	}
	return x.body.Write(p)
}

// FlushError sends what was written: for http.ResponseController.
func (x *exchange) FlushError() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.hijacked:
		return http.ErrHijacked
	case x.over:
		return http.ErrHandlerTimeout
	}
	return x.flush()
}

func (x *exchange) flush() error {
	if x.failed != nil {
		return x.failed
	}
	if !x.wrote {
		x.writeHeader(http.StatusOK)
	}
	if !x.begun {
		if _, err := x.begin(x.buf, false); err != nil {
			return x.keep(err)
		}
	}
	return x.keep(x.body.Flush())
}

// Flush implements http.Flusher.
func (x *exchange) Flush() { x.FlushError() }

// EnableFullDuplex is for http.ResponseController: content may be read after
// the answer was begun in any case.
func (x *exchange) EnableFullDuplex() error { return nil }

// copyBuffers are what ReadFrom copies by.
var copyBuffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// ReadFrom implements io.ReaderFrom.
func (x *exchange) ReadFrom(r io.Reader) (int64, error) {
	b := copyBuffers.Get().(*[16 << 10]byte)
	defer copyBuffers.Put(b)
	return io.CopyBuffer(struct{ io.Writer }{x}, r, b[:])
}

// finish completes the response when the handler has returned.
func (x *exchange) finish() error {
	if x.failed != nil {
		return x.failed
	}
	if !x.wrote {
		x.over = false
		x.writeHeader(http.StatusOK)
		x.over = true
	}
	if !x.begun {
		if _, err := x.begin(x.buf, true); err != nil {
			return err
		}
	}
	if x.head || !bodyAllowed(x.status) {
		return nil // it is completed by whoever has called
	}
	if x.length < 0 && x.req.ProtoMinor > 0 {
		if err := x.writeTrailers(); err != nil {
			return err
		}
	}
	return x.body.Close()
}

func (x *exchange) writeTrailers() error {
	for _, key := range slices.Sorted(maps.Keys(x.header)) {
		name, prefixed := strings.CutPrefix(key, http.TrailerPrefix)
		if !ascii.IsToken(name) || !prefixed && !slices.Contains(x.trailers, key) {
			continue
		}
		for _, v := range x.header[key] {
			switch err := x.body.Trailer(name, fieldValue(v)); err {
			case nil:
			case http1.ErrFieldFraming:
				// RFC 9110 section 6.5.1. What was sent is whole without it: no
				// reason to cut the answer short.
				x.m.logf("nethttp: %s in a trailer section", name)
			default:
				return err
			}
		}
	}
	return nil
}

// Hijack implements http.Hijacker. What was received behind what the handler
// has read is in the reader's buffer. The worker goes on to others.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.hijacked:
		return nil, nil, http.ErrHijacked
	case x.over:
		return nil, nil, http.ErrHandlerTimeout
	}
	if x.wrote {
		if err := x.flush(); err != nil {
			return nil, nil, err
		}
	}
	local, remote := x.r.Local(), x.r.Remote()
	stream, rest, err := x.r.Detach()
	if err != nil {
		return nil, nil, err
	}
	x.hijacked = true
	rest = slices.Clone(rest)
	x.end <- struct{}{}
	c, err := netconn.Of(stream, local, remote)
	if err != nil {
		return nil, nil, err
	}
	in := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(rest), c), max(bufferSize, len(rest)))
	in.Peek(len(rest)) // into its buffer, where programs look for it
	return c, bufio.NewReadWriter(in, bufio.NewWriterSize(c, bufferSize)), nil
}

// bufferSize is that of a taken connection's buffers, net/http's figure.
const bufferSize = 4 << 10

// CloseNotify implements http.CloseNotifier, which the request's context has
// replaced; some programs still ask for it.
func (x *exchange) CloseNotify() <-chan bool {
	c := make(chan bool, 1)
	if !x.closes.CompareAndSwap(nil, &c) {
		return *x.closes.Load()
	}
	if x.req.Context().Err() != nil {
		x.notifyClose()
	}
	return c
}

func (x *exchange) notifyClose() {
	select {
	case *x.closes.Load() <- true:
	default:
	}
}

// fieldValue is a value as it may be sent: net/http sends line breaks as
// spaces, and so are other controls here (RFC 9110 section 5.5).
func fieldValue(v string) string {
	for i := range len(v) {
		if !isControl(v[i]) {
			continue
		}
		b := []byte(v)
		for k := i; k < len(b); k++ {
			if isControl(b[k]) {
				b[k] = ' '
			}
		}
		v = string(b)
		break
	}
	return textproto.TrimString(v)
}

func isControl(c byte) bool { return c < ' ' && c != '\t' || c == 0x7f }
