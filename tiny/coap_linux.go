//go:build (amd64 || arm64) && !nocoap

package main

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/ascii"
)

const hasCoAP = true

// session is what CoAP keeps of a connection.
type session = coap.Session

// ours is what we take of a peer: messages of the length that all must take.
var ours coap.Settings

// links are the resources (RFC 6690).
const links = `</hello>;ct=0,</time>;ct=0;rt="time",</echo>`

// greet begins a connection (RFC 8323 section 3.3).
func (w *worker) greet(c *conn) {
	c.phase = messages
	w.out = coap.AppendCSM(w.out, ours)
}

func (w *worker) pingCoAP() { w.out = coap.AppendPing(w.out, nil, false) }

// release asks the peer to end the connection, for the program ends (RFC 8323
// section 5.5).
func (w *worker) release(c *conn) {
	w.out = coap.AppendRelease(w.out, "", 0)
	c.session.Advance(coap.EventSendRelease)
	c.end = true
}

// abort ends a connection whose peer broke a rule (RFC 8323 section 5.6).
func (w *worker) abort(c *conn, bad coap.Option) []byte {
	w.out = coap.AppendAbort(w.out, bad, "malformed")
	c.end = true
	return nil
}

// coap takes messages, and answers each.
func (w *worker) coap(c *conn, b []byte) []byte {
	for len(b) != 0 {
		// No answer is longer than what it answers, but for those that are links.
		if !w.room(coap.BaseMessage + len(links)) {
			return b
		}
		h, n, err := coap.ParseTCPHeader(b)
		if err == nil && n != 0 {
			err = ours.Check(h)
		}
		if err != nil {
			return w.abort(c, 0)
		}
		m, n, err := coap.ParseTCP(b)
		if err != nil {
			return w.abort(c, 0)
		}
		if n == 0 {
			return b
		}
		c.asked = false
		w.due(c, idleWaits*options.wait)
		b = b[n:]
		act, _ := c.session.Take(&m, true)
		if options.log {
			w.line.text("[COAP] fd=").num(int(c.fd)).text(" code=").num(int(m.Code.Class())).text(".").num(int(m.Code.Detail())).end(stderr)
		}
		switch act {
		case coap.ActRequest:
			count.coap.Add(1)
			w.reply(c, &m)
		case coap.ActPong:
			w.out = coap.AppendPong(w.out, m.Token, coap.Custody(m.Options))
		case coap.ActReject:
			return w.abort(c, c.session.Bad)
		case coap.ActRelease, coap.ActAborted:
			c.end = true
			return nil
		}
	}
	return b
}

// reply answers a request.
func (w *worker) reply(c *conn, m *coap.Message) {
	code, format, payload := w.resource(m)
	n := 0
	if format >= 0 {
		n = 1 + coap.SizeUint(uint64(format))
	}
	rest := n + int(coap.SizeBody(nil, payload))
	if h := (coap.Header{Code: code, TokenLength: len(m.Token), Length: uint64(rest)}); h.Size() > uint64(c.session.Peer.Message()) {
		code, format, payload, rest = coap.CodeInternalServerError, -1, nil, 0
	}
	w.out = coap.AppendTCPHeader(w.out, code, m.Token, rest)
	if format >= 0 {
		w.out = coap.AppendUintOption(w.out, 0, coap.OptContentFormat, uint64(format))
	}
	w.out = coap.AppendPayload(w.out, payload)
}

// resource is the answer to a request. The format is negative where none is
// said.
func (w *worker) resource(m *coap.Message) (code coap.Code, format int, payload []byte) {
	o := m.Options
	if _, bad := o.Critical(nil); bad || o.Has(coap.OptBlock1) || o.Has(coap.OptBlock2) {
		return coap.CodeBadOption, -1, nil
	}
	if o.Has(coap.OptProxyURI) || o.Has(coap.OptProxyScheme) { // there is no path then
		return coap.CodeProxyingNotSupported, -1, nil
	}
	method := coap.CodeGET
	format = int(coap.FormatText)
	switch w.path(o) {
	case "/hello":
		payload = ascii.Bytes(hello)
	case "/time":
		payload = w.stamp()
	case "/.well-known/core":
		format, payload = int(coap.FormatLink), ascii.Bytes(links)
	case "/echo":
		method, format, payload = coap.CodePOST, -1, m.Payload
		if v, ok := o.Uint(coap.OptContentFormat); ok {
			format = int(v)
		}
	default:
		return coap.CodeNotFound, -1, nil
	}
	accept, asks := o.Uint(coap.OptAccept)
	switch {
	case m.Code != method:
		return coap.CodeMethodNotAllowed, -1, nil
	case asks && int(accept) != format:
		return coap.CodeNotAcceptable, -1, nil
	case method == coap.CodePOST:
		return coap.CodeChanged, format, payload
	}
	return coap.CodeContent, format, payload
}

// path is the path of a request. A segment with a slash is that of nothing here.
func (w *worker) path(o coap.Options) string {
	n := 0
	it := o.Iter()
	for it.Next() {
		if it.Number != coap.OptURIPath {
			continue
		}
		if n+1+len(it.Value) > len(w.small) {
			return ""
		}
		w.small[n] = '/'
		for i, v := range it.Value {
			if v == '/' {
				return ""
			}
			w.small[n+1+i] = v
		}
		n += 1 + len(it.Value)
	}
	return ascii.View(w.small[:n])
}
