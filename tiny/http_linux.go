//go:build amd64 || arm64

package main

import (
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/ws"
)

const hello = "Hello, World!"

// parser is that of all connections. What is kept of a head must fit in inSize
// bytes; the rest of it may be longer.
var parser = http1.Parser{
	Limits: http1.Limits{Target: 1024},
	Keep:   http1.DefaultFields(),
}

const (
	mostSleep = 60_000

	// answerSize is the most that an answer takes beside its content: a status
	// line and fields of 100 bytes.
	answerSize = 100 + http1.MaxLengthSize + http1.MaxEndSize
)

// Types of content.
const (
	textType = "text/plain"
	pageType = "text/html; charset=utf-8"
	jsonType = "application/json"
)

// texts are the answers that are always the same.
var texts = [...]struct{ path, kind, text string }{
	{"/plaintext", textType, hello},
	{"/json", jsonType, `{"message":"` + hello + `"}`},
	{"/", pageType, page},
}

// reason is the reason phrase of a status that this program answers with.
func reason(status int) string {
	switch status {
	case http1.StatusSwitchingProtocols:
		return "Switching Protocols"
	case http1.StatusOK:
		return "OK"
	case http1.StatusForbidden:
		return "Forbidden"
	case http1.StatusNotFound:
		return "Not Found"
	case http1.StatusMethodNotAllowed:
		return "Method Not Allowed"
	case http1.StatusRequestTimeout:
		return "Request Timeout"
	case http1.StatusContentTooLarge:
		return "Content Too Large"
	case http1.StatusURITooLong:
		return "URI Too Long"
	case http1.StatusExpectationFailed:
		return "Expectation Failed"
	case http1.StatusUpgradeRequired:
		return "Upgrade Required"
	case http1.StatusRequestHeaderFieldsTooLarge:
		return "Request Header Fields Too Large"
	case http1.StatusNotImplemented:
		return "Not Implemented"
	case http1.StatusHTTPVersionNotSupported:
		return "HTTP Version Not Supported"
	}
	return "Bad Request"
}

// request takes the head of a request, and answers it.
func (w *worker) request(c *conn, b []byte) []byte {
	if len(b) == 0 || !w.room(answerSize+len(page)) {
		return b
	}
	done, err := parser.Parse(&c.head, b)
	if err != nil {
		w.refuse(c, err.(http1.Error).Status())
		return nil
	}
	if !done {
		n := c.head.Compact(b)
		if n == inSize {
			w.refuse(c, c.head.Overflow().Status())
			return nil
		}
		if c.phase == idle && !c.head.Empty() {
			c.phase = inHead
			w.due(c, options.wait)
		}
		return b[:n]
	}
	count.requests.Add(1)
	c.body = c.head.Body()
	c.phase = drain
	w.route(c, b)
	b = b[c.head.Scanned():]
	if c.phase == drain || c.phase == echo {
		w.due(c, options.wait)
	}
	return b
}

// route answers a request whose head is in b.
func (w *worker) route(c *conn, b []byte) {
	h := &c.head
	path := ascii.View(h.Path(b))
	if options.log {
		w.line.text("[HTTP] fd=").num(int(c.fd)).text(" ").text(ascii.View(h.MethodName(b))).text(" ").text(path).end(stderr)
	}
	c.response.Init(h.Method(), h.Version(), h.KeepAlive() && !w.ending)
	get := h.Method() == http1.GET || h.Method() == http1.HEAD
	allow := "GET, HEAD"
	for i := range texts {
		if t := &texts[i]; path == t.path {
			if !get {
				w.status(c, http1.StatusMethodNotAllowed, "Allow: ", allow)
				return
			}
			w.answer(c, t.text, t.kind)
			return
		}
	}
	switch path {
	case "/stats":
		if get {
			w.answer(c, w.stats(), jsonType)
			return
		}
	case "/sleep":
		if get {
			w.sleep(c, ascii.View(h.Query(b)))
			return
		}
	case "/echo":
		if h.Method() == http1.POST {
			w.echo(c, b)
			return
		}
		allow = "POST"
	case "/ws":
		if h.Method() == http1.GET {
			w.upgrade(c, b)
			return
		}
		allow = "GET"
	default:
		w.status(c, http1.StatusNotFound, "", "")
		return
	}
	w.status(c, http1.StatusMethodNotAllowed, "Allow: ", allow)
}

// begin begins an answer.
//
//go:noinline
func (w *worker) begin(c *conn, status int) {
	w.out, _ = c.response.AppendStatusLine(w.out, status, reason(status))
}

// field appends a field that neither frames the answer nor needs to be checked,
// of which package http1 has to know nothing.
//
//go:noinline
func (w *worker) field(name, value string) {
	w.out = append(w.out, name...)
	w.out = append(w.out, value...)
	w.out = append(w.out, '\r', '\n')
}

// finish ends the fields of an answer, and gives it its content, in two parts.
func (w *worker) finish(c *conn, kind, content, rest string) {
	w.field("Content-Type: ", kind)
	w.out, _ = c.response.AppendLength(w.out, uint64(len(content)+len(rest)))
	w.out, _ = c.response.AppendEnd(w.out, w.stamp())
	w.out, _ = c.response.AppendContent(w.out, ascii.Bytes(content))
	w.out, _ = c.response.AppendContent(w.out, ascii.Bytes(rest))
	w.out, _ = c.response.AppendFinish(w.out)
}

func (w *worker) answer(c *conn, content, kind string) {
	w.begin(c, http1.StatusOK)
	w.finish(c, kind, content, "")
}

// status answers with a status and its name, and with a field if it has one.
func (w *worker) status(c *conn, status int, name, value string) {
	w.begin(c, status)
	if name != "" {
		w.field(name, value)
	}
	w.finish(c, textType, reason(status), "\n")
}

// refuse answers what is no request, or not a whole one, and ends the
// connection.
func (w *worker) refuse(c *conn, status int) {
	if c.phase <= inHead { // else it has its answer, or a part of it
		c.response.Init(c.head.Method(), c.head.Version(), false)
		w.status(c, status, "", "")
	}
	c.end = true
}

// echo answers with the content of the request, as it comes.
func (w *worker) echo(c *conn, b []byte) {
	h := &c.head
	if h.Expect100() {
		w.out = append(w.out, http1.Continue...)
	}
	w.begin(c, http1.StatusOK)
	kind := h.Get(b, "content-type")
	if len(kind) == 0 || len(kind) > 50 {
		kind = ascii.Bytes("application/octet-stream")
	}
	w.field("Content-Type: ", ascii.View(kind))
	if n, ok := h.ContentLength(); ok || !h.Chunked() {
		w.out, _ = c.response.AppendLength(w.out, n)
	}
	w.out, _ = c.response.AppendEnd(w.out, w.stamp())
	c.phase = echo
}

// content takes content of a request, echoes it or not, and goes on to the next
// request behind it.
func (w *worker) content(c *conn, b []byte) []byte {
	n := len(b)
	for !c.body.Done() {
		// A piece and what frames it are no longer in the answer than they were
		// in the request, but for the chunk that goes on.
		if len(b) == 0 || c.phase == echo && !w.room(len(b)+http1.ChunkOverhead+http1.MaxFinishSize) {
			w.credit(c, n-len(b))
			return b
		}
		piece, used, err := c.body.Next(b, &parser.Limits)
		if err != nil {
			w.refuse(c, err.(http1.Error).Status())
			return nil
		}
		if c.phase == echo {
			w.out, _ = c.response.AppendContent(w.out, piece)
		}
		b = b[used:]
	}
	if c.phase == echo {
		w.out, _ = c.response.AppendFinish(w.out)
	}
	w.next(c)
	return b
}

// next goes on from an answer to the next request, if there is to be one.
func (w *worker) next(c *conn) {
	c.phase = idle
	c.head.Reset()
	w.due(c, idleWaits*options.wait)
	c.end = !c.response.KeepAlive()
}

// sleep answers after some milliseconds. Nothing is read meanwhile.
func (w *worker) sleep(c *conn, query string) {
	const name = "ms="
	if len(query) > len(name) && query[:len(name)] == name {
		if ms, ok := number(query[len(name):], mostSleep); ok && c.body.Done() {
			c.phase = sleeping
			w.due(c, int64(ms))
			return
		}
	}
	w.status(c, http1.StatusBadRequest, "", "")
}

func (w *worker) slept(c *conn) {
	if w.ending {
		c.response.Init(c.head.Method(), c.head.Version(), false)
	}
	w.answer(c, "Slept.\n", textType)
	w.next(c)
}

// stats are the figures of the program as JSON.
func (w *worker) stats() string {
	l := &w.text
	l.n = 0
	l.text(`{"workers":`).num(options.workers)
	l.text(`,"accepted":`).num(int(count.accepted.Load()))
	l.text(`,"open":`).num(int(count.open.Load()))
	l.text(`,"requests":`).num(int(count.requests.Load()))
	l.text(`,"messages":`).num(int(count.messages.Load()))
	l.text(`,"coap":`).num(int(count.coap.Load())).text("}")
	return ascii.View(l.b[:l.n])
}

// upgrade goes on to WebSocket (RFC 6455 section 4.2).
func (w *worker) upgrade(c *conn, b []byte) {
	h := &c.head
	if !c.body.Done() {
		// RFC 9110 section 7.8: the protocol changes behind the whole request.
		w.status(c, http1.StatusBadRequest, "", "")
		return
	}
	o := &w.offer
	*o = ws.Offer{}
	o.Get, o.HTTP11, o.Connection = true, h.Version() == http1.Version11, h.Upgrade()
	for i := range h.NumFields() {
		o.Field(h.Field(b, i))
	}
	if err := o.Check(); err != nil {
		// RFC 9110 sections 7.8 and 15.5.22, RFC 6455 section 4.4
		w.status(c, err.(ws.Error).Status(), "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: ", ws.Version)
		return
	}
	if !ws.SameOrigin(o.Origin, o.Host) {
		w.status(c, http1.StatusForbidden, "", "")
		return
	}
	w.begin(c, http1.StatusSwitchingProtocols)
	w.field("Upgrade: ", "websocket")
	w.field("Connection: ", "Upgrade")
	w.field("Sec-WebSocket-Accept: ", ascii.View(ws.AppendAccept(w.small[:0], o.Key)))
	w.out, _ = c.response.AppendEnd(w.out, w.stamp())
	c.phase = socket
	w.due(c, idleWaits*options.wait)
	w.log("[WS]", c, " handshake complete")
}
