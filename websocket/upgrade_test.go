package websocket_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

// TestHandshake asks for connections in all ways, proper and not (RFC 6455
// section 4.2).
func TestHandshake(t *testing.T) {
	without := func(field string) string {
		i := strings.Index(upgrade, field)
		j := i + strings.Index(upgrade[i:], "\r\n") + 2
		return upgrade[:i] + upgrade[j:]
	}
	const get = "GET /ws HTTP/1.1\r\n"
	tests := []struct {
		name, in string
		status   int
		fields   string // of the answer, names and values
	}{
		{"plain", get + upgrade, 101, "Upgrade: websocket, Connection: Upgrade, Sec-WebSocket-Accept: " + accepted + ", Sec-WebSocket-Protocol: "},
		{"as Firefox does", get + strings.Replace(upgrade, "Connection: Upgrade", "Connection: keep-alive, Upgrade", 1), 101, ""},
		{"in lower case", get + strings.ToLower(without("Sec-WebSocket-Key")) + "sec-websocket-key: " + key + "\r\n", 101, ""},
		{"absolute target", "GET http://b/ws HTTP/1.1\r\n" + upgrade + "Origin: http://b\r\n", 101, ""},
		{"our protocol", get + upgrade + "Sec-WebSocket-Protocol: three, two\r\n", 101, "Sec-WebSocket-Protocol: two"},
		{"the one that we like best, in another line", get + upgrade + "Sec-WebSocket-Protocol: two\r\nSec-WebSocket-Protocol: one\r\n", 101, "Sec-WebSocket-Protocol: one"},
		{"no protocol of ours", get + upgrade + "Sec-WebSocket-Protocol: three\r\n", 101, "Sec-WebSocket-Protocol: "},
		{"extension, and we have none", get + upgrade + "Sec-WebSocket-Extensions: permessage-deflate\r\n", 101, "Sec-WebSocket-Extensions: "},
		{"same origin", get + upgrade + "Origin: http://a\r\n", 101, ""},
		{"another origin", get + upgrade + "Origin: http://b\r\n", 403, ""},
		{"no origin of a page", get + upgrade + "Origin: null\r\n", 403, ""},
		{"origin twice", get + upgrade + "Origin: http://a\r\nOrigin: http://a\r\n", 400, ""},
		{"no upgrade", get + "Host: a\r\n", 426, "Upgrade: websocket, Sec-WebSocket-Version: 13, Connection: Upgrade"},
		{"upgrade to another", get + strings.Replace(upgrade, "Upgrade: websocket", "Upgrade: h2c", 1), 426, "Upgrade: websocket"},
		{"Connection without upgrade", get + strings.Replace(upgrade, "Connection: Upgrade", "Connection: keep-alive", 1), 426, ""},
		{"no version", get + without("Sec-WebSocket-Version"), 426, "Sec-WebSocket-Version: 13"},
		{"version 8", get + strings.Replace(upgrade, "Version: 13", "Version: 8", 1), 426, "Sec-WebSocket-Version: 13"},
		{"no key", get + without("Sec-WebSocket-Key"), 400, ""},
		{"short key", get + strings.Replace(upgrade, key, "c2hvcnQ=", 1), 400, ""},
		{"long key", get + strings.Replace(upgrade, key, key+key, 1), 400, ""},
		{"key twice", get + upgrade + "Sec-WebSocket-Key: " + key + "\r\n", 400, ""},
		{"HTTP/1.0", "GET /ws HTTP/1.0\r\n" + upgrade, 426, ""},
		{"HEAD", "HEAD /ws HTTP/1.1\r\n" + upgrade, 405, "Allow: GET"},
		{"POST", "POST /ws HTTP/1.1\r\n" + upgrade, 405, ""},
		{"no such path", "GET /nowhere HTTP/1.1\r\n" + upgrade, 404, ""},
		{"any origin", "GET /any HTTP/1.1\r\n" + upgrade + "Origin: https://elsewhere\r\n", 101, ""},
		{"listed origin", "GET /listed HTTP/1.1\r\n" + upgrade + "Origin: https://Friend.example\r\n", 101, ""},
		{"origin that is not listed", "GET /listed HTTP/1.1\r\n" + upgrade + "Origin: http://a\r\n", 403, ""},
		{"straight, another origin", "GET /straight HTTP/1.1\r\n" + upgrade + "Origin: http://b\r\n", 403, ""},
		{"straight, our protocol", "GET /straight HTTP/1.1\r\n" + upgrade + "Sec-WebSocket-Protocol: two\r\n", 101, "Sec-WebSocket-Protocol: two"},
		{"a handler around refuses", "GET /guarded HTTP/1.1\r\n" + upgrade, 401, ""},
		{"a handler around lets in", "GET /guarded?secret HTTP/1.1\r\n" + upgrade, 101, ""},
	}
	run(t, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		o := websocket.Options{Protocols: []string{"one", "two"}}
		said := make(chan string, 1)
		h := websocket.Handler{Open: func(c *websocket.Conn) error {
			v, _ := c.Value().(string)
			select {
			case said <- c.Protocol() + v:
			default:
			}
			return c.SendText("hello")
		}}
		f.evented(o, h)
		f.Handle("GET /any", f.ws.Upgrade(websocket.Options{Origins: []string{"*"}}, h))
		f.Handle("GET /listed", f.ws.Upgrade(websocket.Options{Origins: []string{"http://b", "https://friend.example"}}, h))
		f.Handle("GET /straight", f.ws.Straight(o, func(c *websocket.Straight) error {
			said <- c.Protocol()
			return c.WriteText("hello")
		}))
		inner := f.ws.Upgrade(o, h)
		f.Handle("GET /guarded", func(w bobtail.Response, r *bobtail.Request) error {
			if string(r.Query()) != "secret" {
				return w.Status(401).Text("who are you")
			}
			r.SetValue("known")
			return inner(w, r)
		})
		for _, x := range tests {
			select {
			case <-said:
			default:
			}
			c := f.connect()
			c.Send(x.in + "\r\n")
			method, _, _ := strings.Cut(x.in, " ")
			r, err := http.ReadResponse(c.In, &http.Request{Method: method})
			if err != nil {
				t.Fatalf("%s: %v", x.name, err)
			}
			if r.StatusCode != x.status {
				t.Errorf("%s: status %d, want %d", x.name, r.StatusCode, x.status)
			}
			for _, field := range strings.Split(x.fields, ", ") {
				if name, value, _ := strings.Cut(field, ": "); name != "" && r.Header.Get(name) != value {
					t.Errorf("%s: %s is %q, want %q", x.name, name, r.Header.Get(name), value)
				}
			}
			if r.StatusCode == 101 {
				c.Want(plain(text, "hello"))
				want := r.Header.Get("Sec-WebSocket-Protocol")
				if strings.HasPrefix(x.in, "GET /guarded") {
					want += "known"
				}
				if got := <-said; got != want {
					t.Errorf("%s: the handler sees %q, want %q", x.name, got, want)
				}
			}
			c.Conn.Close()
			f.Settle()
		}
	})
}

// TestPipelined has a handshake follow requests, and frames follow it, all in one
// read.
func TestPipelined(t *testing.T) {
	run(t, bobtail.Config{}, websocket.Config{}, func(t *testing.T, f *fixture) {
		f.evented(websocket.Options{}, echoes[0].h)
		f.Handle("GET /page", func(w bobtail.Response, r *bobtail.Request) error { return w.Text("page") })
		c := f.connect()
		c.Send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n" + hello("/ws") + frame(text, "a") + frame(text, "b")[:3])
		r, err := http.ReadResponse(c.In, nil)
		if err != nil || r.StatusCode != 200 {
			t.Fatal(r, err)
		}
		var b [4]byte
		if _, err := r.Body.Read(b[:]); string(b[:]) != "page" {
			t.Fatal(err)
		}
		r.Body.Close()
		c.wantSwitch()
		c.Want(plain(text, "a"))
		c.Send(frame(text, "b")[3:])
		c.Want(plain(text, "b"))
	})
}

// TestTopicChurn has connections subscribe and unsubscribe while much is
// published: who stays gets each message once, in order.
func TestTopicChurn(t *testing.T) {
	const stay, churn, messages = 5, 60, 200
	runMemory(t, memory.Config{Pipe: 1 << 16, Streams: 128}, bobtail.Config{Sockets: 128}, websocket.Config{}, func(t *testing.T, f *fixture) {
		topic := f.ws.NewTopic(websocket.TopicOptions{Mark: 255})
		var s sockets
		f.evented(websocket.Options{}, websocket.Handler{Open: s.open})
		var clients []*client
		for range stay + churn {
			clients = append(clients, f.dial())
		}
		// Those who stay are first, last, and in between, in the list.
		for i := range stay + churn {
			if err := topic.Subscribe(s.at(i)); err != nil {
				t.Fatal(err)
			}
		}
		stays := func(i int) bool { return i%((stay+churn)/stay) == 0 }
		var wg sync.WaitGroup
		for g := range 3 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for n := range 3000 {
					i := (n*7 + g*11) % (stay + churn)
					if stays(i) {
						continue
					}
					topic.Unsubscribe(s.at(i))
					topic.Subscribe(s.at(i))
				}
			}()
		}
		for n := range messages {
			if _, err := topic.Publish(ws.OpBinary, []byte{byte(n)}); err != nil {
				t.Fatal(err)
			}
		}
		wg.Wait()
		for i, c := range clients {
			last := -1
			for !c.Silent() {
				_, p := c.next()
				if int(p[0]) <= last || stays(i) && int(p[0]) != last+1 {
					t.Fatalf("client %d: message %d after %d", i, p[0], last)
				}
				last = int(p[0])
			}
			if stays(i) && last != messages-1 {
				t.Errorf("client %d: the last message is %d", i, last)
			}
		}
		if n := topic.Len(); n != stay+churn {
			t.Errorf("%d subscribers", n)
		}
	})
}
