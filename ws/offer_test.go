package ws_test

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
)

// request is the handshake of a client with other lines, of which an empty one
// takes the field away.
func request(change ...string) string {
	lines := []string{
		"GET /chat HTTP/1.1", "Host: server.example.com", "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Key: " + rfcKey, "Sec-WebSocket-Version: 13",
	}
	for _, c := range change {
		name, value, _ := strings.Cut(c, ":")
		replaced := false
		for i, line := range lines {
			if strings.HasPrefix(line, name) && !strings.HasPrefix(c, "+") {
				lines[i], replaced = c, true
				if value == "" && strings.HasSuffix(c, ":") {
					lines = append(lines[:i], lines[i+1:]...)
				}
				break
			}
		}
		if !replaced {
			lines = append(lines, strings.TrimPrefix(c, "+"))
		}
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

func TestOffer(t *testing.T) {
	for _, line := range []struct {
		line string
		err  error
	}{{"POST /chat HTTP/1.1", ws.ErrMethod}, {"get /chat HTTP/1.1", ws.ErrMethod}, {"GET /chat HTTP/1.0", ws.ErrHTTPVersion}} {
		in := strings.Replace(request(), "GET /chat HTTP/1.1", line.line, 1)
		if err := offerOf(in).Check(); err != line.err {
			t.Errorf("%s (item 1) is %v, want %v", line.line, err, line.err)
		}
	}
	for _, c := range []struct {
		name   string
		change []string
		err    error
	}{
		{"well-formed", nil, nil},
		{"Firefox (Connection: keep-alive, Upgrade)", []string{"Connection: keep-alive, Upgrade"}, nil},
		{"other cases", []string{"Upgrade: WebSocket", "Connection: UPGRADE"}, nil},
		{"names in other cases", []string{"Upgrade:", "uPGRADE: websocket", "Sec-WebSocket-Key:", "sec-websocket-key: " + rfcKey}, nil},
		{"Upgrade of several", []string{"Upgrade: h2c, websocket"}, nil},
		{"lists in several lines", []string{"Connection: keep-alive", "+Connection: upgrade", "Upgrade: h2c", "+Upgrade: websocket"}, nil},
		{"empty elements of lists", []string{"Connection: , Upgrade,", "Upgrade: ,websocket"}, nil},
		{"key with bits behind its end", []string{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR=="}, nil},
		{"subprotocols in two lines", []string{"+Sec-WebSocket-Protocol: a", "+Sec-WebSocket-Protocol: b, c"}, nil},
		{"extensions", []string{"+Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"}, nil},
		{"fields of no concern", []string{"+Cookie: a=b", "+X-Key: 1", "+Sec-WebSocket-Kez: 1", "+Orig1n: x"}, nil},
		{"no Host (item 2)", []string{"Host:"}, ws.ErrHostMissing},
		{"two Hosts (RFC 9112 section 3.2)", []string{"+Host: b"}, ws.ErrHostTwice},
		{"no Upgrade (item 3)", []string{"Upgrade:"}, ws.ErrUpgrade},
		{"another Upgrade (item 3)", []string{"Upgrade: websockets"}, ws.ErrUpgrade},
		{"no Connection (item 4)", []string{"Connection:"}, ws.ErrConnection},
		{"another Connection (item 4)", []string{"Connection: keep-alive"}, ws.ErrConnection},
		{"no key (item 5)", []string{"Sec-WebSocket-Key:"}, ws.ErrKeyMissing},
		{"empty key (item 5)", []string{"Sec-WebSocket-Key: "}, ws.ErrKey},
		{"short key (item 5)", []string{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ="}, ws.ErrKey},
		{"long key (item 5)", []string{"Sec-WebSocket-Key: " + rfcKey + "="}, ws.ErrKey},
		{"key of 17 bytes (item 5)", []string{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE="}, ws.ErrKey},
		{"key that is not base64 (item 5)", []string{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j_Q=="}, ws.ErrKey},
		{"key that is longer than any (item 5)", []string{"Sec-WebSocket-Key: " + strings.Repeat("A", 5000)}, ws.ErrKey},
		{"two keys (section 11.3.1)", []string{"+Sec-WebSocket-Key: " + rfcKey}, ws.ErrKeyTwice},
		{"two keys, one of them empty (section 11.3.1)", []string{"Sec-WebSocket-Key: ", "+Sec-WebSocket-Key: " + rfcKey}, ws.ErrKeyTwice},
		{"no version (item 6)", []string{"Sec-WebSocket-Version:"}, ws.ErrVersion},
		{"version 8 (item 6)", []string{"Sec-WebSocket-Version: 8"}, ws.ErrVersion},
		{"version 013 (item 6)", []string{"Sec-WebSocket-Version: 013"}, ws.ErrVersion},
		{"list of versions (item 6)", []string{"Sec-WebSocket-Version: 13, 8"}, ws.ErrVersion},
		{"two versions (section 11.3.5)", []string{"+Sec-WebSocket-Version: 13"}, ws.ErrVersionTwice},
		{"two Origins", []string{"+Origin: http://a", "+Origin: http://b"}, ws.ErrOriginTwice},
		{"subprotocol that is no token (item 8)", []string{"+Sec-WebSocket-Protocol: a, b c"}, ws.ErrProtocolSyntax},
		{"no subprotocol in the field (item 8)", []string{"+Sec-WebSocket-Protocol: ,"}, ws.ErrProtocolSyntax},
		{"subprotocol in quotes (item 8)", []string{"+Sec-WebSocket-Protocol: a", "+Sec-WebSocket-Protocol: \"b\""}, ws.ErrProtocolSyntax},
		{"malformed extension (item 9)", []string{"+Sec-WebSocket-Extensions: a;"}, ws.ErrExtension},
		{"no extension in the field (item 9)", []string{"+Sec-WebSocket-Extensions: ,"}, ws.ErrExtension},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := request(c.change...)
			if err := offerOf(in).Check(); err != c.err {
				t.Errorf("%v, want %v:\n%s", err, c.err, in)
			}
		})
	}
}

// An empty field is there, also if whoever has it knows no difference.
func TestEmptyOrigin(t *testing.T) {
	for _, value := range [][]byte{nil, {}} {
		o := offerOf(request())
		o.Field([]byte("Origin"), value)
		if o.Origin == nil || ws.SameOrigin(o.Origin, o.Host) {
			t.Errorf("an empty Origin is %v, and fine", o.Origin)
		}
	}
}

func TestChooseProtocol(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []string
		ours  []string
		want  int
	}{
		{"none offered", nil, []string{"a"}, -1},
		{"none of ours", []string{"a"}, nil, -1},
		{"none in common", []string{"a, b"}, []string{"c"}, -1},
		{"the only one", []string{"a"}, []string{"a"}, 0},
		{"our order decides", []string{"a, b, c"}, []string{"c", "b", "a"}, 0},
		{"our order decides among lines", []string{"a", "b"}, []string{"b", "a"}, 0},
		{"the second of ours", []string{"x, b"}, []string{"a", "b", "c"}, 1},
		{"a better one comes later", []string{"c", "b, c, a2"}, []string{"a", "b", "c"}, 1},
		{"another case (section 11.5)", []string{"A"}, []string{"a"}, -1},
		{"part of a name", []string{"soap12"}, []string{"soap"}, -1},
		{"white space", []string{" \ta\t "}, []string{"a"}, 0},
		{"empty elements", []string{",,a"}, []string{"a"}, 0},
	} {
		var o ws.Offer
		for _, line := range c.lines {
			o.Field([]byte("Sec-WebSocket-Protocol"), []byte(line))
		}
		if got := o.Protocol(c.ours); got != c.want {
			t.Errorf("%s: %q of %q is %d, want %d", c.name, c.lines, c.ours, got, c.want)
		}
		if got := ws.ChooseProtocol([]byte(strings.Join(c.lines, ",")), c.ours); got != c.want {
			t.Errorf("%s: %q of %q in one line is %d, want %d", c.name, c.lines, c.ours, got, c.want)
		}
	}
}

func TestSameOrigin(t *testing.T) {
	for _, c := range []struct {
		origin, host string
		want         bool
	}{
		{"http://example.com", "example.com", true},
		{"https://example.com", "example.com", true},
		{"HTTP://Example.com", "eXample.COM", true},
		{"http://example.com:8080", "example.com:8080", true},
		{"http://example.com", "example.com:80", true},
		{"https://example.com", "example.com:443", true},
		{"http://example.com:80", "example.com", true},
		{"https://example.com:443", "example.com", true},
		{"http://[::1]:8080", "[::1]:8080", true},
		{"http://[::1]", "[::1]", true},
		{"http://[::1]", "[::1]:80", true},
		{"http://example.com", "example.com:443", false},
		{"https://example.com", "example.com:80", false},
		{"http://example.com:8080", "example.com", false},
		{"http://example.com", "example.com:8080", false},
		{"http://example.com:8080", "example.com:8081", false},
		{"http://evil.com", "example.com", false},
		{"http://example.com.evil.com", "example.com", false},
		{"http://evilexample.com", "example.com", false},
		{"http://sub.example.com", "example.com", false},
		{"http://example.com@evil.com", "example.com", false},
		{"http://[::1]", "[::2]", false},
		{"null", "null", false},
		{"null", "example.com", false},
		{"", "example.com", false},
		{"", "", false},
		{"http://", "", false},
		{"http://:80", ":80", false},
		{"example.com", "example.com", false},
		{"file://example.com", "example.com", false},
		{"http:/example.com", "example.com", false},
		{"http://example.com/", "example.com", false},
		{"http://example.com http://evil.com", "example.com", false},
	} {
		if got := ws.SameOrigin([]byte(c.origin), []byte(c.host)); got != c.want {
			t.Errorf("SameOrigin(%q, %q) = %v", c.origin, c.host, got)
		}
	}
	if !ws.SameOrigin(nil, []byte("example.com")) {
		t.Error("who is no browser is refused")
	}
}

// FuzzOffer asks for no panic, and for an offer that is taken to be one that was
// made as it should be.
func FuzzOffer(f *testing.F) {
	f.Add(rfcRequest)
	f.Add(request("Connection: keep-alive, Upgrade", "+Sec-WebSocket-Protocol: a,b", "+Sec-WebSocket-Extensions: x;y=z", "+Origin: http://server.example.com"))
	f.Fuzz(func(t *testing.T, in string) {
		o := offerOf(in)
		o.Protocol([]string{"chat", "superchat"})
		ws.SameOrigin(o.Origin, o.Host)
		if o.Check() != nil {
			return
		}
		low := strings.ToLower(in)
		for _, s := range []string{"upgrade", "websocket", "13", "sec-websocket-key"} {
			if !strings.Contains(low, s) {
				t.Fatalf("%q is taken without %s", in, s)
			}
		}
		if got := ws.AppendAccept(nil, o.Key); len(got) != ws.AcceptSize {
			t.Fatalf("the accept key is %q", got)
		}
	})
}
