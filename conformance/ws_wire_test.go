package conformance

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	put "encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// The first byte of a frame (RFC 6455 section 5.2).
const (
	fin  = 0x80
	rsv1 = 0x40
	rsv2 = 0x20
	rsv3 = 0x10

	opContinuation = 0
	opText         = 1
	opBinary       = 2
	opClose        = 8
	opPing         = 9
	opPong         = 10
)

// A frame is sent as it stands, right or wrong.
type frame struct {
	first   byte
	payload string

	// length is what the header says if it is not the length of the payload.
	length int

	// await is how many events must have come before the frame is sent.
	await int
}

func txt(s string) frame              { return frame{first: fin | opText, payload: s} }
func bin(s string) frame              { return frame{first: fin | opBinary, payload: s} }
func begin(op byte, s string) frame   { return frame{first: op, payload: s} }
func more(s string) frame             { return frame{first: opContinuation, payload: s} }
func last(s string) frame             { return frame{first: fin | opContinuation, payload: s} }
func ping(s string) frame             { return frame{first: fin | opPing, payload: s} }
func pong(s string) frame             { return frame{first: fin | opPong, payload: s} }
func control(op byte, s string) frame { return frame{first: fin | op, payload: s} }
func closing(code int, s string) frame {
	return frame{first: fin | opClose, payload: codeBytes(code) + s}
}
func codeBytes(code int) string          { return string([]byte{byte(code >> 8), byte(code)}) }
func (f frame) after(n int) frame        { f.await = n; return f }
func (f frame) claiming(n int) frame     { f.length = n; return f }
func (f frame) reserved(bits byte) frame { f.first |= bits; return f }

// bytes is what goes over the wire. A client's frame is masked.
func (f frame) bytes(masked bool) []byte {
	n := len(f.payload)
	if f.length > 0 {
		n = f.length
	}
	b := []byte{f.first}
	switch {
	case n < 126:
		b = append(b, byte(n))
	case n < 1<<16:
		b = put.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = put.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	if !masked {
		return append(b, f.payload...)
	}
	b[1] |= 0x80
	var key [4]byte
	rand.Read(key[:])
	b = append(b, key[:]...)
	head := len(b)
	b = append(b, f.payload...)
	for i := range b[head:] {
		b[head+i] ^= key[i&3]
	}
	return b
}

// The events of a connection are told by texts, so that they can be compared
// and read: what came, and a digest of what is long.
func event(what string, content string) string {
	if len(content) > 200 {
		return fmt.Sprintf("%s of %d bytes %.4x", what, len(content), sha1.Sum([]byte(content)))
	}
	return fmt.Sprintf("%s %q", what, content)
}

func gotText(s string) string { return event("text", s) }
func gotBin(s string) string  { return event("binary", s) }
func gotPong(s string) string { return event("pong", s) }

// gotClose is a close frame with a code, or with 0 without one. The reason is the
// sender's own business.
func gotClose(code int) string { return fmt.Sprintf("close %d", code) }

// end is the last event of a connection.
const end = "end"

// wire is a WebSocket connection whose frames are sent as they stand, and
// received under every rule. What breaks one is an event that begins with
// "broken:", and the last.
type wire struct {
	c      net.Conn
	r      *bufio.Reader
	client bool // the test is the client
	packed bool // permessage-deflate was agreed on
	unpack func(payload []byte) ([]byte, error)
	events chan string
	answer http.Header // the fields of the answer to a client's handshake

	// told is called with each message whole, in place of an event.
	told func(op byte, content []byte)
}

// upgrade has a client's connection of its own at a URL, after the handshake.
// Nothing is received before listen is called.
func upgrade(url string, fields ...string) (*wire, error) {
	host, path, err := place(url)
	if err != nil {
		return nil, err
	}
	c, err := net.Dial("tcp", host)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(patient))
	var nonce [16]byte
	rand.Read(nonce[:])
	key := base64.StdEncoding.EncodeToString(nonce[:])
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
		path, host, key, strings.Join(append(fields, ""), "\r\n"))
	w := &wire{c: c, r: bufio.NewReader(c), client: true}
	resp, err := http.ReadResponse(w.r, nil)
	if err != nil {
		c.Close()
		return nil, err
	}
	w.answer = resp.Header
	if resp.StatusCode != 101 || !strings.EqualFold(resp.Header.Get("Upgrade"), "websocket") || !strings.EqualFold(resp.Header.Get("Connection"), "upgrade") ||
		resp.Header.Get("Sec-WebSocket-Accept") != acceptKey(key) {
		c.Close()
		return nil, fmt.Errorf("the answer to the handshake is %s %v", resp.Status, resp.Header)
	}
	return w, nil
}

// place is the host with its port, and the target, of a URL.
func place(s string) (host, target string, err error) {
	u, err := url.Parse(s)
	if err != nil {
		return "", "", err
	}
	return u.Host, u.RequestURI(), nil
}

func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// accept has a server's connection, after the handshake, which is checked.
func accept(c net.Conn, fields func(offers string) []string) (*wire, error) {
	c.SetDeadline(time.Now().Add(patient))
	w := &wire{c: c, r: bufio.NewReader(c)}
	line, err := w.r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	h, err := textproto.NewReader(w.r).ReadMIMEHeader()
	if err != nil {
		return nil, err
	}
	nonce, err := base64.StdEncoding.DecodeString(h.Get("Sec-WebSocket-Key"))
	if !strings.HasPrefix(line, "GET ") || !strings.HasSuffix(line, " HTTP/1.1\r\n") || len(h.Values("Host")) != 1 || !strings.EqualFold(h.Get("Upgrade"), "websocket") ||
		!strings.EqualFold(h.Get("Connection"), "upgrade") || err != nil || len(nonce) != 16 || h.Get("Sec-WebSocket-Version") != "13" || w.r.Buffered() > 0 {
		return nil, fmt.Errorf("the request is %q with %v and %d bytes behind it", line, h, w.r.Buffered())
	}
	var more []string
	if fields != nil {
		more = fields(strings.Join(h.Values("Sec-WebSocket-Extensions"), ", "))
	}
	_, err = fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
		acceptKey(h.Get("Sec-WebSocket-Key")), strings.Join(append(more, ""), "\r\n"))
	return w, err
}

// listen receives until the connection ends, in a goroutine. It ends when the
// connection is closed.
func (w *wire) listen() {
	w.events = make(chan string, 1<<16)
	go func() {
		defer close(w.events)
		if err := w.receive(); err == nil || errors.Is(err, io.EOF) {
			w.events <- end
		} else {
			w.events <- "broken: " + err.Error()
		}
	}()
}

// errBehind is returned where something comes behind a close frame.
var errBehind = errors.New("bytes behind the close frame")

func (w *wire) receive() error {
	var (
		op      byte // of the message at hand, 0 for none
		packed  bool
		message []byte
	)
	for {
		var h [10]byte
		if _, err := io.ReadFull(w.r, h[:1]); err != nil {
			if err == io.EOF && op != 0 {
				return errors.New("the connection ends amid a message")
			}
			return err
		}
		if _, err := io.ReadFull(w.r, h[1:2]); err != nil {
			return inside(err)
		}
		if masked := h[1]&0x80 != 0; masked == w.client {
			return fmt.Errorf("a frame that is masked %v (section 5.1)", masked)
		}
		n, least := uint64(h[1]&0x7f), uint64(0)
		size := 2
		switch n {
		case 126:
			size, least = 4, 126
		case 127:
			size, least = 10, 1<<16
		}
		if _, err := io.ReadFull(w.r, h[2:size]); err != nil {
			return inside(err)
		}
		if size > 2 {
			n = 0
			for _, b := range h[2:size] {
				n = n<<8 | uint64(b)
			}
		}
		if n < least || n > 64<<20 {
			return fmt.Errorf("a length of %d in %d bytes (section 5.2)", n, size-2)
		}
		var key [4]byte
		if !w.client {
			if _, err := io.ReadFull(w.r, key[:]); err != nil {
				return inside(err)
			}
		}
		kind := h[0] & 15
		if h[0]&(rsv2|rsv3) != 0 || h[0]&rsv1 != 0 && (!w.packed || kind == opContinuation || kind >= opClose) {
			return fmt.Errorf("a frame that begins with %#x (section 5.2)", h[0])
		}
		if kind >= opClose && (h[0]&fin == 0 || n > 125) {
			return fmt.Errorf("a control frame of %d bytes that begins with %#x (section 5.5)", n, h[0])
		}
		start := 0
		if kind < opClose {
			start = len(message)
			message = slices.Grow(message, int(n))[:start+int(n)]
		}
		payload := message[start:]
		if kind >= opClose {
			payload = make([]byte, n)
		}
		if _, err := io.ReadFull(w.r, payload); err != nil {
			return inside(err)
		}
		if !w.client {
			for i := range payload {
				payload[i] ^= key[i&3]
			}
		}
		switch kind {
		case opContinuation, opText, opBinary:
			if (kind == opContinuation) != (op != 0) {
				return fmt.Errorf("opcode %d after %d (section 5.4)", kind, op)
			}
			if kind != opContinuation {
				op, packed = kind, h[0]&rsv1 != 0
			}
			if h[0]&fin == 0 {
				continue
			}
			content := message
			if packed {
				var err error
				if content, err = w.unpack(message); err != nil {
					return err
				}
			}
			if op == opText && !utf8.Valid(content) {
				return fmt.Errorf("a text that is not UTF-8 (section 5.6): %q", content)
			}
			switch {
			case w.told != nil:
				w.told(op, content)
			case op == opText:
				w.events <- gotText(string(content))
			default:
				w.events <- gotBin(string(content))
			}
			op, message = 0, message[:0]
		case opPing:
			w.events <- event("ping", string(payload))
		case opPong:
			w.events <- gotPong(string(payload))
		case opClose:
			if n == 1 || n > 1 && !utf8.Valid(payload[2:]) {
				return fmt.Errorf("a close frame with %q (section 5.5.1)", payload)
			}
			code := 0
			if n > 1 {
				code = int(put.BigEndian.Uint16(payload))
				if code < 1000 || code >= 5000 || code == 1004 || code == 1005 || code == 1006 || code == 1015 {
					return fmt.Errorf("a close frame with code %d (section 7.4)", code)
				}
			}
			w.events <- gotClose(code)
			if _, err := w.r.ReadByte(); err != nil {
				return err
			}
			return errBehind
		default:
			return fmt.Errorf("opcode %d (section 5.2)", kind)
		}
	}
}

// inside is the error of a read within a frame.
func inside(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errors.New("the connection ends amid a frame")
	}
	return err
}

// next is the next event, and waits for it.
func (w *wire) next() string {
	select {
	case e, ok := <-w.events:
		if !ok {
			return "nothing more"
		}
		return e
	case <-time.After(patient):
		return "nothing for " + patient.String()
	}
}

// cut says in which pieces the bytes of frames are written.
type cut int

const (
	together cut = 0 // all that need not wait in one write
	octets   cut = 1
	framed   cut = -1
)

// write writes frames, cut so. What the peer does not take any more, as it has
// failed the connection, is no error here.
func (w *wire) write(frames []frame, c cut) {
	var b []byte
	flush := func() {
		n := len(b)
		if c > 0 {
			n = int(c)
		}
		for piece := range slices.Chunk(b, max(n, 1)) {
			if _, err := w.c.Write(piece); err != nil {
				break
			}
		}
		b = b[:0]
	}
	for _, f := range frames {
		b = append(b, f.bytes(w.client)...)
		if c == framed {
			flush()
		}
	}
	flush()
}

// conversation sends frames and wants the events, in order and nothing else.
// Where the peer is to close with 1000 and the frames do not, the test begins
// the closing handshake when it has seen the others; where the peer begins it,
// the test answers. It returns what is wrong, or the empty string.
func (w *wire) conversation(frames []frame, c cut, want []string) string {
	defer w.c.Close()
	closed := false
	got := 0
	expect := func(n int) string {
		for ; got < n; got++ {
			if e := w.next(); e != want[got] {
				return fmt.Sprintf("event %d is %s, want %s", got, e, want[got])
			}
		}
		return ""
	}
	for len(frames) > 0 {
		if bad := expect(frames[0].await); bad != "" {
			return bad
		}
		n := 1
		for n < len(frames) && frames[n].await == 0 {
			n++
		}
		for _, f := range frames[:n] {
			closed = closed || f.first == fin|opClose
		}
		w.write(frames[:n], c)
		frames = frames[n:]
	}
	ending := len(want) - 1
	if bad := expect(ending); bad != "" {
		return bad
	}
	normal := want[ending] == gotClose(1000)
	if normal && !closed {
		w.write([]frame{closing(1000, "")}, together)
		closed = true
	}
	if bad := expect(ending + 1); bad != "" {
		return bad
	}
	if !closed {
		w.write([]frame{closing(1000, "")}, together)
	}
	// A server ends the connection first (section 7.1.1). Where it has not taken
	// all that was sent, the end may be a reset.
	if !w.client {
		w.c.Close()
		return ""
	}
	if e := w.next(); e != end && (normal || !strings.Contains(e, "reset by peer")) {
		return "behind the close frame comes " + e
	}
	return ""
}

// wsURL is the WebSocket at a path of a program.
func (p *program) wsURL(path string) string { return "ws" + strings.TrimPrefix(p.url, "http") + path }

// TestWireIsStrict has a wire receive what breaks a rule.
func TestWireIsStrict(t *testing.T) {
	for _, tt := range []struct {
		name, bytes string
		want        []string
	}{
		{"frames", string(txt("a").bytes(false)) + string(begin(opBinary, "b").bytes(false)) + string(ping("p").bytes(false)) + string(last("c").bytes(false)) + string(closing(1000, "").bytes(false)),
			[]string{gotText("a"), `ping "p"`, gotBin("bc"), gotClose(1000), end}},
		{"masked", string(txt("a").bytes(true)), []string{"broken: a frame that is masked"}},
		{"RSV1", string(txt("a").reserved(rsv1).bytes(false)), []string{"broken: a frame that begins"}},
		{"continuation first", string(last("a").bytes(false)), []string{"broken: opcode 0 after 0"}},
		{"text in a text", string(begin(opText, "a").bytes(false)) + string(txt("b").bytes(false)), []string{"broken: opcode 1 after 1"}},
		{"long length", "\x81\x7e\x00\x7d" + strings.Repeat("a", 125), []string{"broken: a length of 125"}},
		{"ping in fragments", string(begin(opPing, "a").bytes(false)), []string{"broken: a control frame"}},
		{"not UTF-8", string(txt("\xff").bytes(false)), []string{"broken: a text that is not"}},
		{"opcode 3", string(control(3, "").bytes(false)), []string{"broken: opcode 3"}},
		{"close code 1005", string(closing(1005, "").bytes(false)), []string{"broken: a close frame with code 1005"}},
		{"close of one byte", string(control(opClose, "a").bytes(false)), []string{"broken: a close frame with"}},
		{"behind close", string(closing(1000, "").bytes(false)) + "\x8a\x00", []string{gotClose(1000), "broken: bytes behind"}},
		{"end in a frame", "\x81", []string{"broken: the connection ends amid a frame"}},
		{"end in a message", string(begin(opText, "a").bytes(false)), []string{"broken: the connection ends amid a message"}},
	} {
		w := &wire{r: bufio.NewReader(bytes.NewReader([]byte(tt.bytes))), client: true}
		w.listen()
		for i, want := range tt.want {
			if got := w.next(); got != want && !(strings.HasPrefix(want, "broken: ") && strings.HasPrefix(got, want)) {
				t.Errorf("%s: event %d is %s, want %s", tt.name, i, got, want)
			}
		}
		if got := w.next(); got != "nothing more" {
			t.Errorf("%s: then %s", tt.name, got)
		}
	}
}
