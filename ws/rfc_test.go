package ws_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
)

// The examples of RFC 6455 section 5.7, verbatim.
func TestRFC6455Section57(t *testing.T) {
	b256, b64k := strings.Repeat("\xAA", 256), strings.Repeat("\x55", 65536)
	for _, c := range []struct {
		name string
		to   ws.Role
		in   string
		want string
	}{
		{"a single-frame unmasked text message", ws.RoleClient, "\x81\x05\x48\x65\x6c\x6c\x6f", "text first last Hello|"},
		{"a single-frame masked text message", ws.RoleServer, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "text first last Hello|"},
		{"a fragmented unmasked text message", ws.RoleClient, "\x01\x03\x48\x65\x6c" + "\x80\x02\x6c\x6f", "text first last Hello|"},
		{"unmasked Ping request", ws.RoleClient, "\x89\x05\x48\x65\x6c\x6c\x6f", "ping Hello|"},
		{"masked Ping response", ws.RoleServer, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "pong Hello|"},
		{"256 bytes binary message in a single unmasked frame", ws.RoleClient, "\x82\x7E\x01\x00" + b256, "binary first last " + b256 + "|"},
		{"64KiB binary message in a single unmasked frame", ws.RoleClient, "\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00" + b64k, "binary first last " + b64k + "|"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d ws.Decoder
			got, left, err := run(t, &d, &ws.Rules{Role: c.to}, []byte(c.in), []int{len(c.in)})
			if got != c.want || len(left) != 0 || err != nil {
				t.Errorf("%.40q is %.40q, leaving %q, %v", c.in, got, left, err)
			}
			// And written as they stand there.
			var b []byte
			for in := []byte(c.in); len(in) != 0; {
				h, n, err := ws.ParseHeader(in)
				if err != nil || n == 0 {
					t.Fatal(h, n, err)
				}
				payload := bytes.Clone(in[n : n+int(h.Length)])
				if h.Masked {
					ws.Mask(payload, h.Key)
				}
				b = ws.AppendFrame(b, h, payload)
				in = in[n+int(h.Length):]
			}
			if string(b) != c.in {
				t.Errorf("written it is %.40q, want %.40q", b, c.in)
			}
		})
	}
}

// The examples of the handshake, sections 1.2 and 1.3.
const (
	rfcKey     = "dGhlIHNhbXBsZSBub25jZQ=="
	rfcAccept  = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
	rfcRequest = "GET /chat HTTP/1.1\r\n" +
		"Host: server.example.com\r\n" +
		"Upgrade: websocket\r\n" +
		"Connection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
		"Origin: http://example.com\r\n" +
		"Sec-WebSocket-Protocol: chat, superchat\r\n" +
		"Sec-WebSocket-Version: 13\r\n\r\n"
	rfcAnswer = "HTTP/1.1 101 Switching Protocols\r\n" +
		"Upgrade: websocket\r\n" +
		"Connection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" +
		"Sec-WebSocket-Protocol: chat\r\n\r\n"
)

func TestRFC6455Section13(t *testing.T) {
	if got := ws.AppendKey(nil, [16]byte([]byte("the sample nonce"))); string(got) != rfcKey {
		t.Errorf("the key is %q", got)
	}
	if got := ws.SHA1([]byte(rfcKey + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")); got != [20]byte{
		0xb3, 0x7a, 0x4f, 0x2c, 0xc0, 0x62, 0x4f, 0x16, 0x90, 0xf6, 0x46, 0x06, 0xcf, 0x38, 0x59, 0x45, 0xb2, 0xbe, 0xc4, 0xea} {
		t.Errorf("its hash is %x", got)
	}
	if got := ws.AppendAccept([]byte("x"), []byte(rfcKey)); string(got) != "x"+rfcAccept {
		t.Errorf("the accept key is %q", got)
	}
	o := offerOf(rfcRequest)
	if err := o.Check(); err != nil {
		t.Errorf("the request of section 1.2 is refused: %v", err)
	}
	if i := o.Protocol([]string{"superchat", "chat"}); i != 0 {
		t.Errorf("the subprotocol is %d", i)
	}
	r := ws.ClientRequest{Host: "server.example.com", Target: "/chat", Origin: "http://example.com", Key: []byte(rfcKey), Protocols: []string{"chat", "superchat"}}
	a, n, err := ws.ParseAnswer([]byte(rfcAnswer))
	if err != nil || n != len(rfcAnswer) {
		t.Fatal(n, err)
	}
	if i, err := a.Check(&r); i != 0 || err != nil {
		t.Errorf("the answer of section 1.2 chooses %d, %v", i, err)
	}
	// The same request is made, but for the order of fields.
	b, err := ws.AppendRequest(nil, &r)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(rfcRequest, "\r\n") {
		if !strings.Contains(string(b), line+"\r\n") {
			t.Errorf("the request has no %q:\n%s", line, b)
		}
	}
	if len(b) != len(rfcRequest) {
		t.Errorf("the request is\n%s", b)
	}
}

// offerOf is the offer in a well-formed request, as a server that keeps all
// fields fills it in.
func offerOf(request string) *ws.Offer {
	lines := strings.Split(request, "\r\n")
	o := &ws.Offer{Get: strings.HasPrefix(lines[0], "GET "), HTTP11: strings.HasSuffix(lines[0], " HTTP/1.1")}
	for _, line := range lines[1:] {
		if name, value, ok := strings.Cut(line, ":"); ok {
			o.Field([]byte(name), []byte(strings.Trim(value, " \t")))
		}
	}
	return o
}
