//go:build amd64 || arm64

package main

import "github.com/bobtail-go/bobtail/ws"

// rules of every WebSocket: a message of any length is echoed as it comes.
var rules = ws.Rules{Role: ws.RoleServer}

// frames takes frames, and echoes messages piece by piece.
func (w *worker) frames(c *conn, b []byte) []byte {
	// An answer is no longer than what it answers, but for the header of a piece
	// of a frame that goes on, and for a close frame.
	if len(b) == 0 || !w.room(len(b)+ws.MaxHeader+ws.MaxControl) {
		return b
	}
	if options.log {
		w.line.text("[WS] fd=").num(int(c.fd)).text(" recv ").num(len(b)).text(" bytes").end(stderr)
	}
	c.asked = false
	w.due(c, idleWaits*options.wait)
	for {
		p, n, err := c.decoder.Next(b, &rules)
		if err != nil {
			w.close(c, err.(ws.Error).Code())
			return nil
		}
		b = b[n:]
		h := ws.Header{Op: ws.OpPong, Fin: true}
		switch p.Kind {
		case ws.NeedMore:
			return b
		case ws.Close:
			w.close(c, p.Code)
			return nil
		case ws.Pong:
			continue
		case ws.Data:
			h, _ = c.encoder.Data(p.Op, p.Last, false)
			if p.Last {
				count.messages.Add(1)
			}
		}
		w.frame(h, p.Payload)
	}
}

// frame gathers a frame. Nothing that a server sends is masked, and so
// ws.AppendFrame would bring what is not needed.
func (w *worker) frame(h ws.Header, payload []byte) {
	h.Length = uint64(len(payload))
	w.out = append(ws.AppendHeader(w.out, h), payload...)
}

// close sends a close frame, the last (RFC 6455 section 5.5.1).
func (w *worker) close(c *conn, code ws.Code) {
	w.frame(ws.Header{Op: ws.OpClose, Fin: true}, ws.AppendClose(w.small[:0], code, ""))
	c.end = true
}
