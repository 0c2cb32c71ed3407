package conformance

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestHandshakes sends requests for an upgrade that are wrong, each in one
// thing, and others that are right though few send them so (RFC 6455 section
// 4.2.1).
func TestHandshakes(t *testing.T) {
	const good = "GET /PATH HTTP/1.1\r\nHost: HOST\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
	cases := []struct {
		name, old, new string // what is other in the request
		status         int
		field, value   string // what the answer has then
	}{
		{"nothing", "", "", 101, "Sec-Websocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
		{"tokens in capitals", "websocket", "WebSocket", 101, "", ""},
		{"names in capitals", "Sec-WebSocket-Key", "SEC-WEBSOCKET-KEY", 101, "", ""},
		{"the Connection of Firefox", "Connection: Upgrade", "Connection: keep-alive, Upgrade", 101, "", ""},
		{"two lines of Connection", "Connection: Upgrade", "Connection: keep-alive\r\nConnection: upgrade", 101, "", ""},
		{"several Upgrades", "Upgrade: websocket", "Upgrade: h2c, websocket", 101, "", ""},
		{"blanks around the key", "Key: dGhlIHNhbXBsZSBub25jZQ==", "Key: \t dGhlIHNhbXBsZSBub25jZQ== \t", 101, "", ""},
		{"a query", "/PATH", "/PATH?x=1", 101, "", ""},
		{"the page's own origin", "Host:", "Origin: http://HOST\r\nHost:", 101, "", ""},
		{"an extension that nobody knows", "Host:", "Sec-WebSocket-Extensions: x-squid; arms=8\r\nHost:", 101, "Sec-Websocket-Extensions", ""},
		{"a subprotocol that nobody speaks", "Host:", "Sec-WebSocket-Protocol: squid\r\nHost:", 101, "Sec-Websocket-Protocol", ""},

		{"another origin", "Host:", "Origin: http://evil.example\r\nHost:", 403, "", ""},
		{"the origin null", "Host:", "Origin: null\r\nHost:", 403, "", ""},
		{"version 8", "Version: 13", "Version: 8", 426, "Sec-Websocket-Version", "13"},
		{"version 12", "Version: 13", "Version: 12", 426, "Sec-Websocket-Version", "13"},
		{"no version", "Sec-WebSocket-Version: 13\r\n", "", 426, "Sec-Websocket-Version", "13"},
		{"no key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400, "", ""},
		{"two keys", "Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key", 400, "", ""},
		{"a short key", "dGhlIHNhbXBsZSBub25jZQ==", "c3F1aWQ=", 400, "", ""},
		{"a key that is not base64", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j!Q==", 400, "", ""},
		{"no Upgrade", "Upgrade: websocket\r\n", "", 426, "Upgrade", "websocket"},
		{"another Upgrade", "Upgrade: websocket", "Upgrade: h2c", 426, "Upgrade", "websocket"},
		{"no Connection", "Connection: Upgrade\r\n", "", 426, "Upgrade", "websocket"},
		{"POST", "GET ", "POST ", 405, "", ""},
		{"HTTP/1.0", "HTTP/1.1", "HTTP/1.0", 426, "", ""},
		{"no Host", "Host: HOST\r\n", "", 400, "", ""},
		{"elsewhere", "/PATH", "/nothing", 404, "", ""},
	}
	onBackends(t, func(t *testing.T, p *program) {
		for _, path := range wsPaths {
			for _, c := range cases {
				request := strings.Replace(good, c.old, c.new, 1)
				if c.old == "" {
					request = good
				}
				request = strings.NewReplacer("PATH", path, "HOST", p.addr).Replace(request)
				conn, err := net.Dial("tcp", p.addr)
				if err != nil {
					t.Fatal(err)
				}
				conn.SetDeadline(time.Now().Add(patient))
				io.WriteString(conn, request)
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				if resp.StatusCode != c.status || resp.Header.Get(c.field) != c.value {
					t.Errorf("%s at /%s: %s %v, want %d with %s: %q", c.name, path, resp.Status, resp.Header, c.status, c.field, c.value)
				}
				conn.Close()
			}
		}
	})
}
