package ws_test

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/internal/splittest"
	"github.com/bobtail-go/bobtail/ws"
)

func TestAppendRequest(t *testing.T) {
	for _, c := range []struct {
		name string
		r    ws.ClientRequest
		want string // behind the fields that are always there
		err  error
	}{
		{"least", ws.ClientRequest{Host: "a"}, "", nil},
		{"all", ws.ClientRequest{Host: "a:8080", Target: "/b?c", Origin: "http://d", Protocols: []string{"e", "f"}, Extensions: []byte("g;h=1, i"), Fields: []ws.Field{{"Cookie", "j=k; l=\xFF"}, {"M", ""}}},
			"Origin: http://d\r\nSec-WebSocket-Protocol: e, f\r\nSec-WebSocket-Extensions: g;h=1, i\r\nCookie: j=k; l=\xFF\r\nM: \r\n", nil},
		{"host in brackets", ws.ClientRequest{Host: "[::1]:80"}, "", nil},
		{"no host", ws.ClientRequest{}, "", ws.ErrRequestHost},
		{"host with another line", ws.ClientRequest{Host: "a\r\nX: y"}, "", ws.ErrRequestHost},
		{"host with a path", ws.ClientRequest{Host: "a/b"}, "", ws.ErrRequestHost},
		{"host with a user", ws.ClientRequest{Host: "a@b"}, "", ws.ErrRequestHost},
		{"host that is not ASCII", ws.ClientRequest{Host: "ü"}, "", ws.ErrRequestHost},
		{"target without a slash", ws.ClientRequest{Host: "a", Target: "b"}, "", ws.ErrRequestTarget},
		{"whole URL", ws.ClientRequest{Host: "a", Target: "ws://a/"}, "", ws.ErrRequestTarget},
		{"target with a space", ws.ClientRequest{Host: "a", Target: "/b HTTP/1.1"}, "", ws.ErrRequestTarget},
		{"fragment (section 3)", ws.ClientRequest{Host: "a", Target: "/b#c"}, "", ws.ErrRequestTarget},
		{"origin with another line", ws.ClientRequest{Host: "a", Origin: "b\r\n"}, "", ws.ErrRequestOrigin},
		{"no key", ws.ClientRequest{Host: "a", Key: []byte("x")}, "", ws.ErrRequestKey},
		{"empty subprotocol", ws.ClientRequest{Host: "a", Protocols: []string{""}}, "", ws.ErrRequestProtocol},
		{"subprotocol that is no token", ws.ClientRequest{Host: "a", Protocols: []string{"b, c"}}, "", ws.ErrRequestProtocol},
		{"subprotocol twice (section 4.1)", ws.ClientRequest{Host: "a", Protocols: []string{"b", "c", "b"}}, "", ws.ErrRequestProtocol},
		{"malformed extension", ws.ClientRequest{Host: "a", Extensions: []byte("b\r\n")}, "", ws.ErrExtension},
		{"field that is no token", ws.ClientRequest{Host: "a", Fields: []ws.Field{{"b c", ""}}}, "", ws.ErrRequestField},
		{"field with another line", ws.ClientRequest{Host: "a", Fields: []ws.Field{{"b", "c\r\nd: e"}}}, "", ws.ErrRequestField},
		{"field of ours", ws.ClientRequest{Host: "a", Fields: []ws.Field{{"HOST", "b"}}}, "", ws.ErrRequestField},
		{"field of the handshake", ws.ClientRequest{Host: "a", Fields: []ws.Field{{"sec-websocket-foo", "b"}}}, "", ws.ErrRequestField},
		{"content", ws.ClientRequest{Host: "a", Fields: []ws.Field{{"Content-Length", "1"}}}, "", ws.ErrRequestField},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.r.Key == nil {
				c.r.Key = []byte(rfcKey)
			}
			got, err := ws.AppendRequest([]byte("dst"), &c.r)
			if err != c.err || !strings.HasPrefix(string(got), "dst") {
				t.Fatalf("%q, %v; want %v", got, err, c.err)
			}
			got = got[3:]
			if err != nil {
				if len(got) != 0 {
					t.Errorf("a refused request is %q", got)
				}
				return
			}
			target := c.r.Target
			if target == "" {
				target = "/"
			}
			want := "GET " + target + " HTTP/1.1\r\nHost: " + c.r.Host + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + rfcKey + "\r\n" + c.want + "\r\n"
			if string(got) != want || ws.RequestSize(&c.r) != len(got) {
				t.Errorf("%q of %d bytes, want %q", got, ws.RequestSize(&c.r), want)
			}
			if err := offerOf(string(got)).Check(); err != nil {
				t.Errorf("our server says %v to\n%s", err, got)
			}
		})
	}
}

// FuzzRequest wants a request that a server understands as it was meant, or
// none.
func FuzzRequest(f *testing.F) {
	f.Add("server.example.com:80", "/chat?x=y", "http://example.com", "chat", "x; y=z", "Cookie", "a=b", []byte("the sample nonce"))
	f.Add("a\r\nX: y", "/ HTTP/1.1\r\n", "b", "c,d", ";", "Host", "\n", []byte{})
	f.Fuzz(func(t *testing.T, host, target, origin, protocol, extensions, name, value string, nonce []byte) {
		var n [16]byte
		copy(n[:], nonce)
		r := ws.ClientRequest{
			Host: host, Target: target, Origin: origin, Key: ws.AppendKey(nil, n), Protocols: []string{protocol},
			Extensions: []byte(extensions), Fields: []ws.Field{{name, value}},
		}
		b, err := ws.AppendRequest(nil, &r)
		if err != nil {
			if len(b) != 0 {
				t.Fatalf("%+v: %v and %q", r, err, b)
			}
			return
		}
		if len(b) != ws.RequestSize(&r) {
			t.Fatalf("%q has %d bytes, not %d", b, len(b), ws.RequestSize(&r))
		}
		o := offerOf(string(b))
		if err := o.Check(); err != nil || string(o.Host) != host || string(o.Origin) != origin || o.Protocol(r.Protocols) != 0 {
			t.Fatalf("%q is understood as %+v, %v", b, o, err)
		}
		src := bufio.NewReader(bytes.NewReader(b))
		q, err := http.ReadRequest(src)
		if err != nil {
			if strings.Contains(err.Error(), "URL") || strings.Contains(err.Error(), "URI") || strings.Contains(err.Error(), "malformed Host") {
				return
			}
			t.Fatalf("net/http says %v to %q", err, b)
		}
		if target == "" {
			target = "/"
		}
		if q.Host != host && !strings.HasPrefix(target, "//") || q.RequestURI != target || src.Buffered() != 0 {
			t.Fatalf("net/http reads %q as %q %q and leaves %d", b, q.Host, q.RequestURI, src.Buffered())
		}
	})
}

// answer is the answer of section 1.2 with other lines, as request has it.
func answer(change ...string) string {
	lines := []string{"HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: " + rfcAccept}
	for _, c := range change {
		name, _, _ := strings.Cut(c, ":")
		replaced := false
		for i, line := range lines {
			if strings.HasPrefix(line, name) || i == 0 && strings.HasPrefix(c, "HTTP/") {
				lines[i], replaced = c, true
				if strings.HasSuffix(c, ":") {
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

func TestAnswer(t *testing.T) {
	offered := ws.ClientRequest{Key: []byte(rfcKey), Protocols: []string{"chat", "superchat"}, Extensions: []byte("x-a, permessage-deflate; client_max_window_bits")}
	for _, c := range []struct {
		name string
		in   string
		want int
		err  error
	}{
		{"well-formed", answer(), -1, nil},
		{"subprotocol", answer("+Sec-WebSocket-Protocol: superchat"), 1, nil},
		{"extension", answer("+Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10"), -1, nil},
		{"other cases", answer("Upgrade: WebSocket", "Connection: keep-alive, UPGRADE"), -1, nil},
		{"Connection in two lines", answer("Connection: keep-alive", "+Connection: upgrade"), -1, nil},
		{"fields of no concern", answer("+Content-Length: 0", "+Server: x", "+Date:"), -1, nil},
		{"extensions in as many lines as are looked at", answer("+Sec-WebSocket-Extensions: x-a" + strings.Repeat("\r\nSec-WebSocket-Extensions: x-a", ws.MaxLines-1)), -1, nil},
		{"200 (item 1)", answer("HTTP/1.1 200 OK"), -1, ws.ErrRefused},
		{"401 (item 1)", answer("HTTP/1.1 401 Unauthorized"), -1, ws.ErrRefused},
		{"503 without a phrase (item 1)", answer("HTTP/1.1 503 "), -1, ws.ErrRefused},
		{"404 of HTTP/1.0 (item 1)", answer("HTTP/1.0 404 Not Found"), -1, ws.ErrRefused},
		{"301 (item 1)", answer("HTTP/1.1 301 Moved Permanently", "+Location: ws://b/"), -1, ws.ErrRedirect},
		{"303 (item 1)", answer("HTTP/1.1 303 See Other", "+Location: ws://b/"), -1, ws.ErrRedirect},
		{"307 (item 1)", answer("HTTP/1.1 307 Temporary Redirect", "+Location: ws://b/"), -1, ws.ErrRedirect},
		{"308 (item 1)", answer("HTTP/1.1 308 Permanent Redirect", "+Location: ws://b/"), -1, ws.ErrRedirect},
		{"302 to nowhere (item 1)", answer("HTTP/1.1 302 Found"), -1, ws.ErrRefused},
		{"304 (item 1)", answer("HTTP/1.1 304 Not Modified", "+Location: ws://b/"), -1, ws.ErrRefused},
		{"101 of HTTP/1.0", answer("HTTP/1.0 101 Switching Protocols"), -1, ws.ErrAnswerLine},
		{"no Upgrade (item 2)", answer("Upgrade:"), -1, ws.ErrAnswerUpgrade},
		{"another Upgrade (item 2)", answer("Upgrade: h2c"), -1, ws.ErrAnswerUpgrade},
		{"Upgrade of several (item 2)", answer("Upgrade: websocket, h2c"), -1, ws.ErrAnswerUpgrade},
		{"Upgrade twice (item 2)", answer("+Upgrade: websocket"), -1, nil},
		{"no Connection (item 3)", answer("Connection:"), -1, ws.ErrAnswerConnection},
		{"another Connection (item 3)", answer("Connection: close"), -1, ws.ErrAnswerConnection},
		{"no accept key (item 4)", answer("Sec-WebSocket-Accept:"), -1, ws.ErrAccept},
		{"accept key of another key (item 4)", answer("Sec-WebSocket-Accept: " + string(ws.AppendAccept(nil, []byte("x")))), -1, ws.ErrAccept},
		{"accept key in another case (item 4)", answer("Sec-WebSocket-Accept: " + strings.ToLower(rfcAccept)), -1, ws.ErrAccept},
		{"accept key and more (item 4)", answer("Sec-WebSocket-Accept: " + rfcAccept + "="), -1, ws.ErrAccept},
		{"extension not offered (item 5)", answer("+Sec-WebSocket-Extensions: permessage-deflate, x-b"), -1, ws.ErrAnswerExtension},
		{"no extension (section 9.1)", answer("+Sec-WebSocket-Extensions: "), -1, ws.ErrAnswerExtension},
		{"a comma and no extension (section 9.1)", answer("+Sec-WebSocket-Extensions: ,"), -1, ws.ErrAnswerExtension},
		{"an extension, and a line without one (section 9.1)", answer("+Sec-WebSocket-Extensions: x-a\r\nSec-WebSocket-Extensions: "), -1, ws.ErrAnswerExtension},
		{"extensions in more lines than are looked at", answer("+Sec-WebSocket-Extensions: x-a" + strings.Repeat("\r\nSec-WebSocket-Extensions: x-a", ws.MaxLines)), -1, ws.ErrAnswerExtension},
		{"malformed extension (item 5)", answer("+Sec-WebSocket-Extensions: x-a;"), -1, ws.ErrAnswerExtension},
		{"subprotocol not offered (item 6)", answer("+Sec-WebSocket-Protocol: foo"), -1, ws.ErrAnswerProtocol},
		{"all subprotocols (item 6)", answer("+Sec-WebSocket-Protocol: chat, superchat"), -1, ws.ErrAnswerProtocol},
		{"empty subprotocol (item 6)", answer("+Sec-WebSocket-Protocol: "), -1, ws.ErrAnswerProtocol},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := c.in
			if c.name == "Upgrade twice (item 2)" {
				in = strings.Replace(in, "Upgrade: websocket\r\n", "Upgrade: websocket\r\nupgrade: websocket\r\n", 1)
				c.err = ws.ErrAnswerUpgrade
			}
			a, n, err := ws.ParseAnswer([]byte(in))
			if err != nil || n != len(in) {
				t.Fatalf("%q: %d, %v", in, n, err)
			}
			if i, err := a.Check(&offered); i != c.want || err != c.err {
				t.Errorf("%d, %v; want %d, %v:\n%s", i, err, c.want, c.err, in)
			}
		})
	}
	twice := strings.Replace(answer(), "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat\r\nSec-WebSocket-Accept", 1)
	a, _, _ := ws.ParseAnswer([]byte(twice))
	if _, err := a.Check(&offered); err != ws.ErrAnswerProtocol {
		t.Errorf("two subprotocols (section 11.3.4) are %v", err)
	}
	twice = strings.Replace(answer(), "Sec-WebSocket-Accept", "Sec-WebSocket-Accept: "+rfcAccept+"\r\nSec-WebSocket-Accept", 1)
	a, _, _ = ws.ParseAnswer([]byte(twice))
	if _, err := a.Check(&offered); err != ws.ErrAccept {
		t.Errorf("two accept keys (section 11.3.3) are %v", err)
	}
	a, _, _ = ws.ParseAnswer([]byte(answer("+Sec-WebSocket-Extensions: x-a")))
	if _, err := a.Check(&ws.ClientRequest{Key: []byte(rfcKey)}); err != ws.ErrAnswerExtension {
		t.Errorf("an extension where none is offered is %v", err)
	}
	if _, err := a.Check(&ws.ClientRequest{Key: []byte(rfcKey), Extensions: []byte(";")}); err != ws.ErrAnswerExtension {
		t.Errorf("an extension where the offer is malformed is %v", err)
	}
}

func TestAnswerFields(t *testing.T) {
	in := "HTTP/1.1 302 Found\r\nLocation:  ws://b/c \r\nRetry-After: 120\r\nEmpty:\r\nSec-WebSocket-Extensions: a\r\nsec-websocket-extensions: b\r\n\r\nbody"
	a, n, err := ws.ParseAnswer([]byte(in))
	if err != nil || n != len(in)-4 || a.Status != 302 {
		t.Fatal(a, n, err)
	}
	if string(a.Location()) != "ws://b/c" || string(a.RetryAfter()) != "120" || a.Get("missing") != nil {
		t.Errorf("Location %q, Retry-After %q", a.Location(), a.RetryAfter())
	}
	if v := a.Get("EMPTY"); v == nil || len(v) != 0 {
		t.Errorf("the empty field is %q, nil %v", v, v == nil)
	}
	l := a.Extensions()
	if string(l.Joined(nil)) != "a,b" {
		t.Errorf("extensions are %q", l.Joined(nil))
	}
	var names []string
	for at := 0; ; {
		name, _, next := a.Field(at)
		if next == 0 {
			break
		}
		names, at = append(names, string(name)), next
	}
	if got := strings.Join(names, " "); got != "Location Retry-After Empty Sec-WebSocket-Extensions sec-websocket-extensions" {
		t.Errorf("fields are %s", got)
	}
	var none ws.Answer
	if none.Get("x") != nil {
		t.Error("no answer has a field")
	}
}

func TestParseAnswer(t *testing.T) {
	long := "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", ws.MaxAnswer) + "\r\n\r\n"
	fits := "HTTP/1.1 200 OK\r\nA: "
	fits += strings.Repeat("x", ws.MaxAnswer-len(fits)-4) + "\r\n\r\n"
	for _, c := range []struct {
		name   string
		in     string
		status int
		err    error
	}{
		{"101", rfcAnswer, 101, nil},
		{"no fields", "HTTP/1.1 500 \r\n\r\n", 500, nil},
		{"a higher minor version", "HTTP/1.2 200 x\r\n\r\n", 200, nil},
		{"interim responses", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + rfcAnswer, 101, nil},
		{"as long as it may be", fits, 200, nil},
		{"longer", long, 0, ws.ErrAnswerLong},
		{"interim responses without an end", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", ws.MaxAnswer/25+1), 0, ws.ErrAnswerLong},
		{"another protocol", "SSH-2.0-OpenSSH", 0, ws.ErrAnswerLine},
		{"HTTP/2", "HTTP/2 200 OK\r\n\r\n", 0, ws.ErrAnswerLine},
		{"lower case", "http/1.1 200 OK\r\n\r\n", 0, ws.ErrAnswerLine},
		{"no minor version", "HTTP/1.x 200 OK\r\n\r\n", 0, ws.ErrAnswerLine},
		{"status of two digits", "HTTP/1.1 20 OK\r\n\r\n", 0, ws.ErrAnswerLine},
		{"status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", 0, ws.ErrAnswerLine},
		{"status below 100", "HTTP/1.1 099 OK\r\n\r\n", 0, ws.ErrAnswerLine},
		{"status with a sign", "HTTP/1.1 +20 OK\r\n\r\n", 0, ws.ErrAnswerLine},
		{"two spaces", "HTTP/1.1  200 OK\r\n\r\n", 0, ws.ErrAnswerLine},
		{"no space before the phrase", "HTTP/1.1 200\r\n\r\n", 0, ws.ErrAnswerLine},
		{"control in the phrase", "HTTP/1.1 200 O\x00K\r\n\r\n", 0, ws.ErrAnswerLine},
		{"status line that LF ends", "HTTP/1.1 200 OK\n\r\n", 0, ws.ErrAnswerLine},
		{"CR in the status line", "HTTP/1.1 200 O\rK\r\n\r\n", 0, ws.ErrAnswerLine},
		{"empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n", 0, ws.ErrAnswerLine},
		{"field that LF ends", "HTTP/1.1 200 OK\r\nA: b\n\r\n", 0, ws.ErrAnswerField},
		{"end that is LF", "HTTP/1.1 200 OK\r\nA: b\r\n\n", 0, ws.ErrAnswerField},
		{"CR in a field", "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", 0, ws.ErrAnswerField},
		{"NUL in a field", "HTTP/1.1 200 OK\r\nA: b\x00\r\n\r\n", 0, ws.ErrAnswerField},
		{"no colon", "HTTP/1.1 200 OK\r\nA\r\n\r\n", 0, ws.ErrAnswerField},
		{"no name", "HTTP/1.1 200 OK\r\n: b\r\n\r\n", 0, ws.ErrAnswerField},
		{"space before the colon", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", 0, ws.ErrAnswerField},
		{"folded field (RFC 9112 section 5.2)", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", 0, ws.ErrAnswerField},
	} {
		t.Run(c.name, func(t *testing.T) {
			ways := splittest.Ways(len(c.in))
			if len(c.in) > 1000 {
				ways = ways[:1]
			}
			for _, way := range ways {
				for i, end := range way.Ends {
					g := splittest.Guard(c.in[:end])
					a, n, err := ws.ParseAnswer(g.Bytes)
					if err != nil {
						if err != c.err || n != 0 {
							t.Fatalf("%s: of %d bytes it says %d, %v; want %v", way.Name, end, n, err, c.err)
						}
						break
					}
					last := i == len(way.Ends)-1
					if last != (n != 0) || last && (a.Status != c.status || n != end || c.err != nil) {
						t.Fatalf("%s: of %d bytes it says %d, %d, %v; want %d, %v", way.Name, end, a.Status, n, err, c.status, c.err)
					}
				}
			}
			if c.err == nil && len(c.in) < 1000 {
				for _, behind := range splittest.Trailing {
					if _, n, err := ws.ParseAnswer([]byte(c.in + behind)); n != len(c.in) || err != nil {
						t.Errorf("with %q behind it takes %d, %v", behind, n, err)
					}
				}
			}
		})
	}
}

// FuzzAnswer holds the parser to net/http, where that accepts the answer too,
// and any cut of it to the whole.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(rfcAnswer))
	f.Add([]byte("HTTP/1.1 302 Found\r\nLocation: /x\r\nRetry-After: 1\r\n\r\nbody"))
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 \r\nA: b\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\nA: b\n\n"))
	f.Add([]byte(answer("+Sec-WebSocket-Extensions: a; b=\"c\"", "+Sec-WebSocket-Protocol: chat")))
	f.Fuzz(func(t *testing.T, in []byte) {
		a, n, err := ws.ParseAnswer(in)
		a.Check(&ws.ClientRequest{Key: []byte(rfcKey), Protocols: []string{"chat"}, Extensions: []byte("a")})
		for end := range in {
			b, m, e := ws.ParseAnswer(splittest.Guard(in[:end]).Bytes)
			if e != nil && e != err || m != 0 && (m != n || b.Status != a.Status) {
				t.Fatalf("%q is %d, %d, %v; its first %d bytes are %d, %d, %v", in, a.Status, n, err, end, b.Status, m, e)
			}
		}
		if err != nil || n == 0 {
			return
		}
		src := bufio.NewReader(bytes.NewReader(in[:n]))
		for {
			r, err := http.ReadResponse(src, nil)
			if err != nil {
				return // it knows names and encodings that it does not like
			}
			if r.StatusCode/100 == 1 && r.StatusCode != 101 {
				continue
			}
			if r.StatusCode != a.Status || r.Header.Get("Location") != string(a.Location()) {
				t.Fatalf("%q is %d to %q, net/http says %d to %q", in, a.Status, a.Location(), r.StatusCode, r.Header.Get("Location"))
			}
			return
		}
	})
}
