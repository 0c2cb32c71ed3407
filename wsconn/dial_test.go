package wsconn_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/internal/splittest"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// theKey and theAccept are those of RFC 6455 section 1.3.
const (
	theNonce  = "the sample nonce"
	theKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	theAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// sampled is the nonce of the RFC, and then bytes of a counter.
func sampled(c *wsconn.Config) {
	c.Rand = io.MultiReader(strings.NewReader(theNonce), new(counter))
}

const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + theAccept + "\r\n"

var chat = ws.ClientRequest{Host: "server.example.com", Target: "/chat", Origin: "http://example.com", Protocols: []string{"chat", "superchat"}}

const chatRequest = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
	"Sec-WebSocket-Key: " + theKey + "\r\nOrigin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n\r\n"

// TestDial is the handshake of RFC 6455 section 1.2, with frames behind it.
func TestDial(t *testing.T) {
	in := "HTTP/1.1 103 Early Hints\r\n\r\n" + switching + "Sec-WebSocket-Protocol: chat\r\nX-Server: here\r\n\r\n" + frames(ws.RoleServer, "t=hello p x=1000")
	for _, way := range splittest.Ways(len(in)) {
		c := newConn(t, ws.RoleClient, 512, 512, sampled)
		w := &wire{in: in, ends: way.Ends}
		r := chat
		r.Key, r.Extensions = []byte("ignored"), []byte("ignored")
		a, protocol, err := c.Dial(w, &r)
		if err != nil || protocol != 0 || a.Status != 101 || string(a.Get("x-server")) != "here" {
			t.Fatalf("%s: %d, %v, %d %q", way.Name, protocol, err, a.Status, a.Get("x-server"))
		}
		if string(r.Key) != "ignored" || string(r.Extensions) != "ignored" {
			t.Error("the request was changed")
		}
		if got := w.out.String(); got != chatRequest {
			t.Fatalf("sent\n%s", got)
		}
		w.out.Reset()
		got, err := readers[0].do(c)
		if strings.Join(got, " ") != "t=hello" || outcome(err) != "closed 1000" || script(ws.RoleClient, w.out.Bytes()) != "o x=1000" {
			t.Fatalf("%s: %q, %v, %s", way.Name, got, err, script(ws.RoleClient, w.out.Bytes()))
		}
	}
}

// TestDialRefused tells what the server has said instead.
func TestDialRefused(t *testing.T) {
	for _, v := range []struct {
		name, in string
		err      ws.Error
		text     string
		location string
		retry    string
	}{
		{"redirection", "HTTP/1.1 307 Temporary Redirect\r\nLocation: /there\r\n\r\nThere", ws.ErrRedirect, "ws: server redirects, status 307", "/there", ""},
		{"refusal", "HTTP/1.1 503 Busy\r\nRetry-After: 120\r\n\r\nThere", ws.ErrRefused, "ws: server refuses, status 503", "", "120"},
		{"success of another kind", "HTTP/1.1 200 OK\r\n\r\nThere", ws.ErrRefused, "ws: server refuses, status 200", "", ""},
	} {
		c := newConn(t, ws.RoleClient, 512, 512, sampled)
		_, _, err := c.Dial(&wire{in: v.in}, &chat)
		var refused *wsconn.RefusedError
		if !errors.As(err, &refused) || !errors.Is(err, v.err) || err.Error() != v.text {
			t.Errorf("%s: %v", v.name, err)
			continue
		}
		if string(refused.Answer.Location()) != v.location || string(refused.Answer.RetryAfter()) != v.retry || string(refused.Rest) != "There" {
			t.Errorf("%s: %+v", v.name, refused)
		}
		if err := c.WriteText("x"); err != wsconn.ErrOrder {
			t.Errorf("%s: writing: %v", v.name, err)
		}
	}
}

// TestDialFails leaves a Conn that can do nothing but begin anew.
func TestDialFails(t *testing.T) {
	for _, v := range []struct {
		name  string
		w     *wire
		r     ws.ClientRequest
		c     func(*wsconn.Config)
		err   error
		sends bool
	}{
		{"answer to another key", &wire{in: strings.Replace(switching, "s3p", "s3q", 1) + "\r\n"}, chat, sampled, ws.ErrAccept, true},
		{"extension that was not offered", &wire{in: switching + "Sec-WebSocket-Extensions: x\r\n\r\n"}, chat, sampled, ws.ErrAnswerExtension, true},
		{"subprotocol that was not offered", &wire{in: switching + "Sec-WebSocket-Protocol: x\r\n\r\n"}, chat, sampled, ws.ErrAnswerProtocol, true},
		{"no HTTP", &wire{in: "SSH-2.0\r\n"}, chat, sampled, ws.ErrAnswerLine, true},
		{"end", &wire{in: switching}, chat, sampled, wsconn.ErrTruncated, true},
		{"error", &wire{in: switching, end: errRead}, chat, sampled, errRead, true},
		{"long answer", &wire{in: switching + "X: " + long + long + "\r\n\r\n"}, chat, sampled, wsconn.ErrAnswer, true},
		{"long request", &wire{}, ws.ClientRequest{Host: "a", Target: "/" + long + long}, sampled, wsconn.ErrRequest, false},
		{"long offer", &wire{}, chat, func(c *wsconn.Config) { sampled(c); c.Extension = &extension{offer: long + long} }, wsconn.ErrRequest, false},
		{"malformed request", &wire{}, ws.ClientRequest{Host: "a b"}, sampled, ws.ErrRequestHost, false},
		{"no entropy", &wire{}, chat, func(c *wsconn.Config) { c.Rand = strings.NewReader("x") }, wsconn.ErrRand, false},
		{"stream that fails", &wire{fails: true, takes: 10}, chat, sampled, errWrite, true},
		{"extension that cannot agree", &wire{in: switching + "Sec-WebSocket-Extensions: runs\r\n\r\n"}, chat,
			func(c *wsconn.Config) { sampled(c); c.Extension = &extension{offer: "runs", err: errRead} }, errRead, true},
		{"long answer to an extension", &wire{in: switching + "Sec-WebSocket-Extensions: runs\r\nSec-WebSocket-Extensions: runs\r\n\r\n"}, chat,
			func(c *wsconn.Config) { sampled(c); c.Extension = &extension{offer: "runs"} }, ws.ErrAnswerExtension, true},
	} {
		c := newConn(t, ws.RoleClient, 512, 450, v.c)
		_, protocol, err := c.Dial(v.w, &v.r)
		if err != v.err || protocol != -1 || (v.w.out.Len() > 0) != v.sends {
			t.Errorf("%s: %v, %d, %d bytes sent", v.name, err, protocol, v.w.out.Len())
		}
		if _, err := c.Next(); err != wsconn.ErrOrder || c.IsOpen() || c.State() != ws.StateConnecting {
			t.Errorf("%s: then %v in %v", v.name, err, c.State())
		}
	}
	c := newConn(t, ws.RoleClient, 1024, len(chatRequest)+100, sampled, func(c *wsconn.Config) { c.Extension = &extension{offer: "runs"} })
	lines := "Sec-WebSocket-Extensions: runs; x=" + long + "\r\n"
	if _, _, err := c.Dial(&wire{in: switching + lines + lines + "\r\n"}, &chat); err != wsconn.ErrAnswer {
		t.Errorf("an extension's answer that does not fit: %v", err)
	}
	c = newConn(t, ws.RoleClient, 512, 512)
	if _, _, err := c.Dial(nothing{}, &chat); err != io.ErrShortWrite {
		t.Errorf("a stream that takes nothing: %v", err)
	}
	if _, _, err := c.Dial(silent{}, &chat); err != io.ErrNoProgress {
		t.Errorf("a stream that gives nothing: %v", err)
	}
	c = newConn(t, ws.RoleServer, 512, 512)
	if _, _, err := c.Dial(&wire{}, &chat); err != wsconn.ErrConfig {
		t.Errorf("as a server: %v", err)
	}
}

// silent takes everything and gives nothing.
type silent struct{ nothing }

func (silent) Write(p []byte) (int, error) { return len(p), nil }

// TestDialExactly has buffers into which the handshake just fits, and that are
// a byte smaller.
func TestDialExactly(t *testing.T) {
	answer := switching + "X-More: than the least buffer\r\n\r\n"
	for less := range 2 {
		c := newConn(t, ws.RoleClient, len(answer)-less, 512, sampled)
		if _, _, err := c.Dial(&wire{in: answer}, &chat); (err == nil) != (less == 0) || less == 1 && err != wsconn.ErrAnswer {
			t.Errorf("an answer %d bytes too long: %v", less, err)
		}
		c = newConn(t, ws.RoleClient, 512, len(chatRequest)+24-less, sampled)
		w := &wire{in: answer}
		if _, _, err := c.Dial(w, &chat); (err == nil) != (less == 0) || less == 1 && err != wsconn.ErrRequest {
			t.Errorf("a request %d bytes too long: %v", less, err)
		} else if less == 0 && w.out.String() != chatRequest {
			t.Errorf("sent %s", w.out.String())
		}
	}
}

// TestDialExtension agrees on compression, or does not, and gives back what it
// took.
func TestDialExtension(t *testing.T) {
	x := &extension{offer: "runs; x"}
	answer := switching + "Sec-WebSocket-Extensions: runs; x\r\n\r\n"
	own := new(runs)
	for _, v := range []struct {
		name        string
		answer      string
		agree       wsconn.Params
		codec       wsconn.Codec
		taken, made int
	}{
		{"none", switching + "\r\n", 1, nil, 0, 0},
		{"none after all", answer, 0, nil, 0, 0},
		{"without state", answer, 1, nil, 0, 1},
		{"without state, with a Codec of our own", answer, 1, own, 0, 0},
		{"with state", answer, 2, own, 1, 2},
	} {
		*x = extension{offer: x.offer, agree: v.agree}
		c := newConn(t, ws.RoleClient, 512, 512, sampled, func(c *wsconn.Config) { c.Extension, c.Codec, c.Threshold = x, v.codec, 1 })
		for range 2 {
			out := frames(ws.RoleServer, `tz=\x03a\x00 x=1000`)
			want := "t=aaa"
			if v.agree == 0 || v.name == "none" {
				out, want = frames(ws.RoleServer, "t=aaa x=1000"), "t=aaa"
			}
			w := &wire{in: v.answer + out}
			// The same nonce again.
			if _, _, err := c.Dial(w, &chat); err != nil {
				t.Fatalf("%s: %v", v.name, err)
			}
			if !strings.Contains(w.out.String(), "\r\nSec-WebSocket-Extensions: runs; x\r\n") {
				t.Errorf("%s: no offer in %s", v.name, w.out.String())
			}
			w.out.Reset()
			must(t, c.WriteText("aaa"))
			if compressed := strings.HasPrefix(script(ws.RoleClient, w.out.Bytes()), "tz="); compressed != (c.Params() != 0) {
				t.Errorf("%s: compressed %v", v.name, compressed)
			}
			if got, err := readers[0].do(c); strings.Join(got, " ") != want || outcome(err) != "closed 1000" {
				t.Errorf("%s: %q, %v", v.name, got, err)
			}
			if x.taken != v.taken || (x.held == 1) != (c.Params() != 0) || c.Params() == 0 && v.made > 0 {
				t.Errorf("%s: %+v", v.name, x)
			}
			break
		}
		c.Release()
		if x.taken != 0 || x.held != 0 || c.Params() != 0 {
			t.Errorf("%s: after Release %+v", v.name, x)
		}
		c.Release()
		if x.held != 0 {
			t.Errorf("%s: released twice", v.name)
		}
	}
}

// particular is an extension that has a threshold.
type particular struct{ extension }

func (*particular) Threshold() int { return 5 }

// TestExtensionThreshold compresses from where the extension says, if nobody
// says otherwise.
func TestExtensionThreshold(t *testing.T) {
	for threshold, want := range map[int]string{0: "tz=", 6: "t=a", -1: "t=a"} {
		x := &particular{extension{offer: "runs", agree: 1}}
		c := newConn(t, ws.RoleClient, 512, 512, sampled, func(c *wsconn.Config) { c.Extension, c.Threshold = x, threshold })
		w := &wire{in: switching + "Sec-WebSocket-Extensions: runs\r\n\r\n"}
		_, _, err := c.Dial(w, &chat)
		must(t, err)
		w.out.Reset()
		must(t, c.WriteText("aaaaa"))
		if got := script(ws.RoleClient, w.out.Bytes()); !strings.HasPrefix(got, want) {
			t.Errorf("threshold %d: sent %s", threshold, got)
		}
	}
}

// answering is a server for handshakes: it answers each request as it should
// be.
type answering struct {
	asked bytes.Buffer
	left  string
	rest  string
}

func (a *answering) Write(p []byte) (int, error) {
	a.asked.Write(p)
	if b, whole := bytes.CutSuffix(a.asked.Bytes(), []byte("\r\n\r\n")); whole && bytes.HasPrefix(b, []byte("GET ")) {
		_, key, _ := bytes.Cut(b, []byte("Sec-WebSocket-Key: "))
		key, _, _ = bytes.Cut(key, []byte("\r\n"))
		sum := sha1.Sum(append(bytes.Clone(key), "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"...))
		a.left = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n" + a.rest
		a.asked.Reset()
	}
	return len(p), nil
}

func (a *answering) Read(p []byte) (int, error) {
	if a.left == "" {
		return 0, io.EOF
	}
	n := copy(p, a.left)
	a.left = a.left[n:]
	return n, nil
}

// TestNonceIsNoKey masks with nothing that was sent as the key of a handshake,
// which all can see.
func TestNonceIsNoKey(t *testing.T) {
	c := newConn(t, ws.RoleClient, 512, 512)
	for i := range 20 {
		s := &answering{rest: "\r\n"}
		w := &wire{}
		_, _, err := c.Dial(struct {
			io.Reader
			io.Writer
		}{s, io.MultiWriter(s, w)}, &chat)
		must(t, err)
		_, key, _ := strings.Cut(w.out.String(), "Sec-WebSocket-Key: ")
		nonce, err := base64.StdEncoding.DecodeString(key[:24])
		must(t, err)
		w.out.Reset()
		for range i {
			must(t, c.WriteText(""))
		}
		for b := w.out.Bytes(); len(b) > 0; b = b[6:] {
			if bytes.Contains(nonce, b[2:6]) {
				t.Fatalf("connection %d: the key %x is of the nonce %x", i, b[2:6], nonce)
			}
		}
	}
}

// TestDialAgain uses a Conn for one connection after the other, with the same
// Codec.
func TestDialAgain(t *testing.T) {
	for _, p := range []wsconn.Params{1, 2} {
		x := &extension{offer: "runs", agree: p}
		c := newConn(t, ws.RoleClient, 512, 512, func(c *wsconn.Config) { c.Extension, c.Threshold = x, 1 })
		for i := range 3 {
			s := &answering{rest: "Sec-WebSocket-Extensions: runs\r\n\r\n" + frames(ws.RoleServer, `tz=\x03a\x00 x=1000`)}
			_, _, err := c.Dial(s, &chat)
			must(t, err)
			must(t, c.WriteText("aaa"))
			if got, err := readers[0].do(c); strings.Join(got, " ") != "t=aaa" || outcome(err) != "closed 1000" {
				t.Errorf("%d: %q, %v", i, got, err)
			}
			if x.held != 1 || x.taken != int(p)-1 || p == 1 && x.made != 1 {
				t.Errorf("%d: %+v", i, x)
			}
		}
		must(t, c.Reset(&wire{}, nil))
		if x.held != 0 || x.taken != 0 {
			t.Errorf("after Reset %+v", x)
		}
	}
}
