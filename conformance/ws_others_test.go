package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	coder "github.com/coder/websocket"
	"github.com/gobwas/httphead"
	gobwas "github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	gorilla "github.com/gorilla/websocket"
	"github.com/lxzan/gws"
)

// other is a connection of another package's client.
type other interface {
	// send sends a message, in as many frames as there are parts where the
	// package lets its user say so.
	send(binary bool, parts ...string) error

	// receive is the next message.
	receive() (binary bool, msg string, err error)

	// ping sends a ping, and pong is whether that with its payload has come by
	// now.
	ping(payload string) error
	pong(payload string) bool

	// close performs the close handshake, and returns the code that came back.
	close(code int, reason string) (int, error)
}

// others are the clients of other packages; each connects to a URL, with
// compression or without, and tells the extensions that were agreed on.
var others = map[string]func(url string, compress bool) (c other, extensions string, err error){
	"gws":     dialGws,
	"gobwas":  dialGobwas,
	"gorilla": dialGorilla,
	"coder":   dialCoder,
}

// otherServers are handlers that echo, of other packages, and refuse what is no
// upgrade.
var otherServers = map[string]func(compress bool) http.HandlerFunc{
	"gws":     serveGws,
	"gobwas":  serveGobwas,
	"gorilla": serveGorilla,
	"coder":   serveCoder,
}

// ---- gorilla ----

type gorillaConn struct {
	c     *gorilla.Conn
	pongs []string
}

func dialGorilla(url string, compress bool) (other, string, error) {
	// Messages of more than a buffer go out in fragments.
	d := gorilla.Dialer{EnableCompression: compress, WriteBufferSize: 1000}
	c, resp, err := d.Dial(url, nil)
	if err != nil {
		return nil, "", err
	}
	o := &gorillaConn{c: c}
	c.SetPongHandler(func(s string) error {
		o.pongs = append(o.pongs, s)
		return nil
	})
	return o, resp.Header.Get("Sec-WebSocket-Extensions"), nil
}

func (o *gorillaConn) send(binary bool, parts ...string) error {
	kind := gorilla.TextMessage
	if binary {
		kind = gorilla.BinaryMessage
	}
	if len(parts) == 1 {
		return o.c.WriteMessage(kind, []byte(parts[0]))
	}
	w, err := o.c.NextWriter(kind)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if _, err := io.WriteString(w, p); err != nil {
			return err
		}
	}
	return w.Close()
}

func (o *gorillaConn) receive() (bool, string, error) {
	kind, p, err := o.c.ReadMessage()
	return kind == gorilla.BinaryMessage, string(p), err
}

func (o *gorillaConn) ping(s string) error { return o.c.WriteMessage(gorilla.PingMessage, []byte(s)) }
func (o *gorillaConn) pong(s string) bool  { return has(&o.pongs, s) }

func has(pongs *[]string, s string) bool {
	ok := len(*pongs) == 1 && (*pongs)[0] == s
	*pongs = nil
	return ok
}

func (o *gorillaConn) close(code int, reason string) (int, error) {
	defer o.c.Close()
	if err := o.c.WriteMessage(gorilla.CloseMessage, gorilla.FormatCloseMessage(code, reason)); err != nil {
		return 0, err
	}
	_, _, err := o.c.ReadMessage()
	var closed *gorilla.CloseError
	if errors.As(err, &closed) {
		return closed.Code, nil
	}
	return 0, err
}

func serveGorilla(compress bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		u := gorilla.Upgrader{EnableCompression: compress, WriteBufferSize: 1000}
		c, err := u.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		for {
			kind, r, err := c.NextReader()
			if err != nil {
				return
			}
			w, err := c.NextWriter(kind)
			if err != nil {
				return
			}
			if _, err := io.Copy(w, r); err != nil {
				return
			}
			if err := w.Close(); err != nil {
				return
			}
		}
	}
}

// ---- coder ----

type coderConn struct {
	c     *coder.Conn
	pings chan error
}

func dialCoder(url string, compress bool) (other, string, error) {
	mode := coder.CompressionDisabled
	if compress {
		mode = coder.CompressionContextTakeover
	}
	c, resp, err := coder.Dial(context.Background(), url, &coder.DialOptions{CompressionMode: mode})
	if err != nil {
		return nil, "", err
	}
	c.SetReadLimit(-1)
	return &coderConn{c: c, pings: make(chan error, 1)}, resp.Header.Get("Sec-WebSocket-Extensions"), nil
}

func (o *coderConn) send(binary bool, parts ...string) error {
	kind := coder.MessageText
	if binary {
		kind = coder.MessageBinary
	}
	if len(parts) == 1 {
		return o.c.Write(context.Background(), kind, []byte(parts[0]))
	}
	w, err := o.c.Writer(context.Background(), kind)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if _, err := io.WriteString(w, p); err != nil {
			return err
		}
	}
	return w.Close()
}

func (o *coderConn) receive() (bool, string, error) {
	kind, p, err := o.c.Read(context.Background())
	return kind == coder.MessageBinary, string(p), err
}

// The payload is the package's own.
func (o *coderConn) ping(string) error {
	go func() { o.pings <- o.c.Ping(context.Background()) }()
	return nil
}

func (o *coderConn) pong(string) bool {
	// It is read by somebody who reads a message.
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	go o.c.Read(ctx)
	return <-o.pings == nil
}

func (o *coderConn) close(code int, reason string) (int, error) {
	err := o.c.Close(coder.StatusCode(code), reason)
	if err == nil {
		return code, nil
	}
	return int(coder.CloseStatus(err)), err
}

func serveCoder(compress bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		mode := coder.CompressionDisabled
		if compress {
			mode = coder.CompressionContextTakeover
		}
		c, err := coder.Accept(w, r, &coder.AcceptOptions{CompressionMode: mode})
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(-1)
		ctx := context.Background()
		for {
			kind, r, err := c.Reader(ctx)
			if err != nil {
				return
			}
			w, err := c.Writer(ctx, kind)
			if err != nil {
				return
			}
			if _, err := io.Copy(w, r); err != nil {
				return
			}
			if err := w.Close(); err != nil {
				return
			}
		}
	}
}

// ---- gws ----

type gwsMessage struct {
	binary bool
	text   string
	err    error
}

type gwsConn struct {
	gws.BuiltinEventHandler
	c        *gws.Conn
	messages chan gwsMessage
	pongs    chan string
}

func (o *gwsConn) OnMessage(_ *gws.Conn, m *gws.Message) {
	o.messages <- gwsMessage{m.Opcode == gws.OpcodeBinary, m.Data.String(), nil}
	m.Close()
}

func (o *gwsConn) OnPong(_ *gws.Conn, payload []byte) { o.pongs <- string(payload) }
func (o *gwsConn) OnPing(c *gws.Conn, payload []byte) { c.WritePong(payload) }
func (o *gwsConn) OnClose(_ *gws.Conn, err error)     { o.messages <- gwsMessage{err: err} }
func (o *gwsConn) ping(s string) error                { return o.c.WritePing([]byte(s)) }
func (o *gwsConn) pong(s string) bool                 { return <-o.pongs == s }
func gwsDeflate(compress bool) gws.PermessageDeflate {
	return gws.PermessageDeflate{Enabled: compress, ServerContextTakeover: true, ClientContextTakeover: true, Threshold: 1}
}

func dialGws(url string, compress bool) (other, string, error) {
	o := &gwsConn{messages: make(chan gwsMessage, 10), pongs: make(chan string, 10)}
	c, resp, err := gws.NewClient(o, &gws.ClientOption{Addr: url, PermessageDeflate: gwsDeflate(compress), CheckUtf8Enabled: true})
	if err != nil {
		return nil, "", err
	}
	o.c = c
	go c.ReadLoop()
	return o, resp.Header.Get("Sec-WebSocket-Extensions"), nil
}

func (o *gwsConn) send(binary bool, parts ...string) error {
	op := gws.OpcodeText
	if binary {
		op = gws.OpcodeBinary
	}
	if len(parts) == 1 {
		return o.c.WriteMessage(op, []byte(parts[0]))
	}
	return o.c.WriteFile(op, strings.NewReader(strings.Join(parts, "")))
}

func (o *gwsConn) receive() (bool, string, error) {
	m := <-o.messages
	return m.binary, m.text, m.err
}

func (o *gwsConn) close(code int, reason string) (int, error) {
	// Its own close frame is what OnClose is told, whatever the peer answers.
	if err := o.c.WriteClose(uint16(code), []byte(reason)); err != nil {
		return 0, err
	}
	return code, nil
}

type gwsEcho struct{ gws.BuiltinEventHandler }

func (gwsEcho) OnPing(c *gws.Conn, payload []byte) { c.WritePong(payload) }
func (gwsEcho) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	c.WriteMessage(m.Opcode, m.Bytes())
}

func serveGws(compress bool) http.HandlerFunc {
	u := gws.NewUpgrader(&gwsEcho{}, &gws.ServerOption{PermessageDeflate: gwsDeflate(compress), CheckUtf8Enabled: true})
	return func(w http.ResponseWriter, r *http.Request) {
		if c, err := u.Upgrade(w, r); err == nil {
			go c.ReadLoop()
		}
	}
}

// ---- gobwas ----

// gobwasConn is made of that package's frames, in either role.
type gobwasConn struct {
	c          net.Conn
	r          io.Reader
	client     bool
	compressed bool
	pongs      []string
}

func dialGobwas(url string, compress bool) (other, string, error) {
	var d gobwas.Dialer
	if compress {
		d.Extensions = []httphead.Option{wsflate.DefaultParameters.Option()}
	}
	c, br, h, err := d.Dial(context.Background(), url)
	if err != nil {
		return nil, "", err
	}
	o := &gobwasConn{c: c, r: c, client: true, compressed: len(h.Extensions) > 0}
	if br != nil {
		o.r = br
	}
	extensions := ""
	for _, e := range h.Extensions {
		extensions += string(e.Name)
	}
	return o, extensions, nil
}

func (o *gobwasConn) write(f gobwas.Frame) error {
	if o.client {
		f = gobwas.MaskFrame(f)
	}
	return gobwas.WriteFrame(o.c, f)
}

func (o *gobwasConn) send(binary bool, parts ...string) error {
	op := gobwas.OpText
	if binary {
		op = gobwas.OpBinary
	}
	if o.compressed {
		f, err := wsflate.CompressFrame(gobwas.NewFrame(op, true, []byte(strings.Join(parts, ""))))
		if err != nil {
			return err
		}
		return o.write(f)
	}
	for i, p := range parts {
		if i > 0 {
			op = gobwas.OpContinuation
		}
		if err := o.write(gobwas.NewFrame(op, i == len(parts)-1, []byte(p))); err != nil {
			return err
		}
	}
	return nil
}

func (o *gobwasConn) receive() (bool, string, error) {
	var whole gobwas.Frame
	for first := true; ; {
		h, err := gobwas.ReadHeader(o.r)
		if err != nil {
			return false, "", err
		}
		f := gobwas.Frame{Header: h, Payload: make([]byte, h.Length)}
		if _, err := io.ReadFull(o.r, f.Payload); err != nil {
			return false, "", err
		}
		if f.Header.Masked {
			f = gobwas.UnmaskFrame(f)
		}
		switch f.Header.OpCode {
		case gobwas.OpPing:
			if err := o.write(gobwas.NewPongFrame(f.Payload)); err != nil {
				return false, "", err
			}
			continue
		case gobwas.OpPong:
			o.pongs = append(o.pongs, string(f.Payload))
			continue
		case gobwas.OpClose:
			code, reason := gobwas.ParseCloseFrameData(f.Payload)
			if o.client {
				return false, "", closedBy(code)
			}
			o.write(gobwas.NewCloseFrame(gobwas.NewCloseFrameBody(code, reason)))
			return false, "", io.EOF
		}
		if first {
			whole = f
			first = false
		} else {
			whole.Payload = append(whole.Payload, f.Payload...)
		}
		if !f.Header.Fin {
			continue
		}
		whole.Header.Length = int64(len(whole.Payload))
		if o.compressed {
			whole.Header.Fin = true
			packed, err := wsflate.IsCompressed(whole.Header)
			if err != nil {
				return false, "", err
			}
			if packed {
				if whole, err = wsflate.DecompressFrame(whole); err != nil {
					return false, "", err
				}
			}
		}
		return whole.Header.OpCode == gobwas.OpBinary, string(whole.Payload), nil
	}
}

// closedBy is a close frame of the peer's.
type closedBy gobwas.StatusCode

func (c closedBy) Error() string { return fmt.Sprintf("close %d", uint16(c)) }

func (o *gobwasConn) ping(s string) error { return o.write(gobwas.NewPingFrame([]byte(s))) }
func (o *gobwasConn) pong(s string) bool  { return has(&o.pongs, s) }

func (o *gobwasConn) close(code int, reason string) (int, error) {
	defer o.c.Close()
	if err := o.write(gobwas.NewCloseFrame(gobwas.NewCloseFrameBody(gobwas.StatusCode(code), reason))); err != nil {
		return 0, err
	}
	_, _, err := o.receive()
	var closed closedBy
	if errors.As(err, &closed) {
		return int(closed), nil
	}
	return 0, err
}

func serveGobwas(compress bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var u gobwas.HTTPUpgrader
		e := wsflate.Extension{Parameters: wsflate.DefaultParameters}
		if compress {
			u.Negotiate = e.Negotiate
		}
		c, rw, _, err := u.Upgrade(r, w)
		if err != nil {
			return
		}
		defer c.Close()
		_, accepted := e.Accepted()
		o := &gobwasConn{c: c, r: rw, compressed: accepted}
		for {
			binary, msg, err := o.receive()
			if err != nil {
				return
			}
			if err := o.send(binary, msg); err != nil {
				return
			}
		}
	}
}
