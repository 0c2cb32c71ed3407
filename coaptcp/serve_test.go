package coaptcp_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/internal/splittest"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// site has what most tests talk to.
func site(f *fixture, r *resource.Router) {
	handle(f.T, r, "GET /hello", func(w resource.Response, _ *resource.Request) error { return w.Text("Hello, world") })
	handle(f.T, r, "GET /name/{name}", func(w resource.Response, r *resource.Request) error {
		return w.Text(string(r.PathValue("name")))
	})
	handle(f.T, r, "POST /echo", func(w resource.Response, r *resource.Request) error {
		return w.Code(coap.CodeContent).Bytes(r.Payload())
	})
	handle(f.T, r, "DELETE /hello", func(resource.Response, *resource.Request) error { return nil })
	handle(f.T, r, "GET /long", func(w resource.Response, _ *resource.Request) error {
		return w.Bytes(coap.FormatOctets, servertest.Pattern(10000))
	})
	handle(f.T, r, "GET /fail", func(resource.Response, *resource.Request) error { return resource.ErrBadRequest })
	handle(f.T, r, "GET /panic", func(resource.Response, *resource.Request) error { panic("as the test wants") })
	handle(f.T, r, "GET /remote", func(w resource.Response, r *resource.Request) error { return w.Text(r.Remote().String()) })
}

var plain = world{site: site}

// exchanges are what a client may send at once, and what it gets for that.
var exchanges = []struct{ name, in, out string }{
	{"a GET", get("t", "hello"), message(coap.CodeContent, "t", "Hello, world")},
	{"a GET without a token", get("", "hello"), message(coap.CodeContent, "", "Hello, world")},
	{"a POST", post("tok", "echo", "payload"), message(coap.CodeContent, "tok", "payload")},
	{"a long POST", post("l", "echo", strings.Repeat("0123456789", 100)), message(coap.CodeContent, "l", strings.Repeat("0123456789", 100))},
	{"a DELETE", message(coap.CodeDELETE, "d", coap.OptURIPath, "hello"), message(coap.CodeDeleted, "d")},
	{"what there is not", get("n", "nothing"), message(coap.CodeNotFound, "n")},
	{"a method that is not allowed", message(coap.CodePUT, "m", coap.OptURIPath, "hello"), message(coap.CodeMethodNotAllowed, "m")},
	{"an error", get("e", "fail"), ""},
	{"a Ping", message(coap.CodePing, "ping"), message(coap.CodePong, "ping")},
	{"a Ping with custody", message(coap.CodePing, "p", coap.OptCustody, ""), message(coap.CodePong, "p", coap.OptCustody, "")},
	{"a Pong that nobody has asked for", message(coap.CodePong, "x"), ""},
	{"a response that nobody has asked for", message(coap.CodeContent, "abcd", "x"), ""},
	{"a GET that wants no answer", message(coap.CodeGET, "no", coap.OptURIPath, "hello", coap.OptNoResponse, 2), ""},
	{"an empty message", "\x00\x00", ""},
	{"an empty message with a token", message(coap.CodeEmpty, "abc"), ""},
	{"a CSM again", csm(coap.Settings{MaxMessage: 5000, BlockWise: true}), ""},
}

// plainAnswer reports whether the answer to an exchange is to be compared whole: a
// diagnostic is for people.
func (c *client) wantAnswer(in, out string) {
	c.f.T.Helper()
	if out == "" {
		// Whatever comes for it comes before the Pong.
		return
	}
	want, _, _ := coap.ParseTCP([]byte(out))
	m := c.next()
	if m.Code != want.Code || !bytes.Equal(m.Token, want.Token) || !m.Code.IsError() && !bytes.Equal(m.Payload, want.Payload) {
		c.f.T.Fatalf("%q: got %s, want %s", in, show(m), show(want))
	}
}

// TestCSMFirst has a client that says nothing get the server's CSM at once: some
// wait for it before they ask.
func TestCSMFirst(t *testing.T) {
	run(t, plain, func(t *testing.T, f *fixture) {
		m := f.connect().next()
		var s coap.Settings
		if _, err := s.Update(m.Options); err != nil || m.Code != coap.CodeCSM || len(m.Token) != 0 || len(m.Payload) != 0 {
			t.Fatalf("the first message is %s, %v", show(m), err)
		}
		if want := (coap.Settings{MaxMessage: uint32(f.coap.MaxWhole()), BlockWise: true}); s != want {
			t.Errorf("it says %+v, want %+v", s, want)
		}
	})
}

// TestExchanges makes each exchange by itself on one connection, each on one of
// its own, and all at once.
func TestExchanges(t *testing.T) {
	run(t, plain, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(csm(coap.Settings{}))
		all := ""
		for _, x := range exchanges {
			if x.name == "an error" {
				c.Send(x.in)
				if m := c.next(); m.Code != coap.CodeBadRequest || string(m.Token) != "e" {
					t.Errorf("%s: %s", x.name, show(m))
				}
				continue
			}
			c.Send(x.in)
			c.wantAnswer(x.in, x.out)
			alone := f.dial()
			alone.Send(x.in)
			alone.wantAnswer(x.in, x.out)
			all += x.in
		}
		c.Send(all)
		for _, x := range exchanges {
			if x.name != "an error" {
				c.wantAnswer(x.in, x.out)
			}
		}
		c.wantSilence()
	})
}

// TestSplits has two requests come in every way in which a network may cut them.
func TestSplits(t *testing.T) {
	in := csm(coap.Settings{BlockWise: true}) + post("one", "echo", strings.Repeat("x", 300)) + get("two", "hello")
	runVirtual(t, plain, func(t *testing.T, f *fixture) {
		for _, way := range splittest.Ways(len(in)) {
			c := f.dial()
			from := 0
			for _, end := range way.Ends {
				c.Send(in[from:end])
				from = end
			}
			c.wantMessage(coap.CodeContent, "one", strings.Repeat("x", 300))
			c.wantMessage(coap.CodeContent, "two", "Hello, world")
			c.Conn.Close()
		}
	})
}

// TestPipelined has 64 requests at once answered in their order, and by few
// sends.
func TestPipelined(t *testing.T) {
	run(t, plain, func(t *testing.T, f *fixture) {
		c := f.dial()
		in := ""
		for i := range 64 {
			in += message(coap.CodeGET, fmt.Sprint("t", i), coap.OptURIPath, "name", coap.OptURIPath, fmt.Sprint(i))
		}
		c.Send(in)
		for i := range 64 {
			c.wantMessage(coap.CodeContent, fmt.Sprint("t", i), fmt.Sprint(i))
		}
	})
}

// sends counts the calls of Send, and sees what is counted then.
type sends struct {
	transport.Backend
	n       int
	driver  *coaptcp.Driver
	counted uint64
}

func (b *sends) Send(s transport.Stream, bufs [][]byte) (int, error) {
	b.n++
	b.counted = b.driver.Stats().Requests.Total()
	return b.Backend.Send(s, bufs)
}

// TestOneSend has what was asked at once answered by one call, and counted before:
// who has an answer finds it in the statistics.
func TestOneSend(t *testing.T) {
	network := memory.New(memory.Config{})
	b := &sends{Backend: network}
	srv, err := bobtail.New(bobtail.Config{Backend: b, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	r := new(resource.Router)
	site(&fixture{Fixture: &servertest.Fixture{T: t}}, r)
	if b.driver, err = coaptcp.New(srv, coaptcp.Config{Resources: r}); err != nil {
		t.Fatal(err)
	}
	a, err := srv.Listen("coap+tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p, err := network.Connect(a)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	poll := func() {
		for range 4 {
			if _, err := srv.Poll(srv.Now()); err != nil {
				t.Fatal(err)
			}
		}
	}
	poll()
	buf := make([]byte, 1<<16)
	if n, err := p.TryRead(buf); err != nil || n < 2 || coap.Code(buf[1]) != coap.CodeCSM {
		t.Fatalf("the server, polled, says %q, %v", buf[:n], err)
	}
	b.n = 0
	p.TryWrite([]byte(strings.Repeat(get("t", "hello"), 64)))
	poll()
	n, err := p.TryRead(buf)
	if want := strings.Repeat("Hello, world", 64); err != nil || strings.Count(string(buf[:n]), "Hello, world") != 64 {
		t.Fatalf("got %d of %d bytes, %v", n, len(want), err)
	}
	if b.n != 1 {
		t.Errorf("64 answers by %d sends", b.n)
	}
	if b.counted != 64 {
		t.Errorf("%d of 64 answers counted when they are sent", b.counted)
	}
}

// TestPanic has a handler's panic answered 5.00, told, and the connection go on.
func TestPanic(t *testing.T) {
	told := make(chan any, 1)
	x := plain
	x.coap.Panic = func(peer pool.Handle, v any) { told <- v }
	run(t, x, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(get("p", "panic") + get("t", "hello"))
		if m := c.next(); m.Code != coap.CodeInternalServerError || string(m.Token) != "p" {
			t.Errorf("got %s", show(m))
		}
		c.wantMessage(coap.CodeContent, "t", "Hello, world")
		if v := <-told; v != "as the test wants" {
			t.Errorf("told %v", v)
		}
		if n := f.Server.Stats().Panics; n != 1 {
			t.Errorf("%d panics counted", n)
		}
	})
}

// TestRemote has a handler learn where its peer is.
func TestRemote(t *testing.T) {
	run(t, plain, func(t *testing.T, f *fixture) {
		c := f.dial()
		c.Send(get("", "remote"))
		m := c.next()
		if _, err := transport.ParseAddr(string(m.Payload)); err != nil {
			t.Errorf("the peer is at %q", m.Payload)
		}
	})
}

// TestStats counts answers by class.
func TestStats(t *testing.T) {
	var codes []coap.Code
	x := plain
	x.coap.Access = func(q coap.Message, _ transport.Addr, _ uint64, code coap.Code, n int, took int64) {
		codes = append(codes, code)
		if q.Code != coap.CodeGET && n != 0 || took < 0 {
			t.Errorf("told of %s, %s, %d bytes, %d ns", show(q), code, n, took)
		}
	}
	runMemory(t, x, func(t *testing.T, f *fixture) {
		c := f.dial()
		for range 3 {
			c.Send(get("", "hello"))
			c.next()
		}
		c.Send(get("", "nothing") + get("", "panic"))
		c.next()
		c.next()
		s := f.coap.Stats()
		if want := (coaptcp.Requests{2: 3, 4: 1, 5: 1}); s.Requests != want || s.Requests.Total() != 5 || s.Open != 1 || s.Opened != 1 {
			t.Errorf("counted %+v", s)
		}
		f.Settle()
		if want := []coap.Code{coap.CodeContent, coap.CodeContent, coap.CodeContent, coap.CodeNotFound, coap.CodeInternalServerError}; !slices.Equal(codes, want) {
			t.Errorf("told of %v", codes)
		}
	})
}
