package coapconn_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coapconn"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/pipetest"
	"github.com/bobtail-go/bobtail/internal/splittest"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport"
)

// site is what the tests serve.
type site struct {
	router resource.Router
	topic  *resource.Topic
	state  []byte
	ticket resource.Ticket
	served int
}

// blob is content of any size.
type blob struct{ size int64 }

func (b blob) Size() int64 { return b.size }
func (b blob) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		p[i] = blobAt(off + int64(i))
	}
	return len(p), nil
}

func blobAt(i int64) byte { return byte(i*7 + i>>10) }

// blobOf is n bytes of it.
func blobOf(n int) []byte {
	p := make([]byte, n)
	blob{}.ReadAt(p, 0)
	return p
}

var newer = []byte("newer")

func newSite(t testing.TB) *site {
	s := &site{state: []byte("first")}
	s.topic = s.router.NewTopic(resource.TopicOptions{})
	for _, r := range []struct {
		pattern string
		h       resource.Handler
	}{
		{"GET /hello/{name}", func(w resource.Response, r *resource.Request) error {
			s.served++
			return w.Text("hello ", string(r.PathValue("name")))
		}},
		{"GET /large", func(w resource.Response, r *resource.Request) error {
			s.served++
			return w.Source(coap.FormatOctets, blob{1 << 20})
		}},
		{"GET /state", func(w resource.Response, r *resource.Request) error {
			r.Observe(s.topic)
			return w.Bytes(coap.FormatText, s.state)
		}},
		{"GET /racing", func(w resource.Response, r *resource.Request) error {
			r.Observe(s.topic)
			s.topic.Publish(resource.Notification{Payload: newer})
			return w.Text("older")
		}},
		{"GET /later", func(w resource.Response, r *resource.Request) (err error) {
			s.ticket, err = r.Later(1e9)
			return err
		}},
		{"POST /echo", func(w resource.Response, r *resource.Request) error {
			s.served++
			return w.Code(coap.CodeChanged).Bytes(r.Payload())
		}},
	} {
		must(t, s.router.Handle(r.pattern, r.h))
	}
	must(t, s.router.Add(resource.Route{Pattern: "PUT /upload", Data: func(w resource.Response, r *resource.Request, p resource.Part) error {
		s.served++
		for i, b := range p.P {
			if b != blobAt(int64(p.Offset)+int64(i)) {
				return resource.ErrBadRequest
			}
		}
		if p.Last {
			return w.Code(coap.CodeChanged).Empty()
		}
		return nil
	}}))
	return s
}

// polled is a stream that never waits: what was sent to it comes in pieces, and
// it takes only so much.
type polled struct {
	in    []byte
	piece int // most bytes of a Read, 0 for all
	takes int // how many bytes Write takes now
	out   bytes.Buffer
	over  bool // behind in
}

func (p *polled) Read(b []byte) (int, error) {
	if len(p.in) == 0 {
		if p.over {
			return 0, io.EOF
		}
		return 0, transport.ErrWouldBlock
	}
	n := len(p.in)
	if p.piece != 0 {
		n = min(n, p.piece)
	}
	n = copy(b, p.in[:n])
	p.in = p.in[n:]
	return n, nil
}

func (p *polled) Write(b []byte) (int, error) {
	n := min(len(b), p.takes)
	p.takes -= n
	p.out.Write(b[:n])
	if n < len(b) {
		return n, transport.ErrWouldBlock
	}
	return n, nil
}

// shown is a polled that can be peeked, and tells of its room.
type shown struct {
	polled
	seen int // bytes that have come
}

func (s *shown) Read([]byte) (int, error) { panic("read though it could be peeked") }
func (s *shown) Peek(b []byte) (int, error) {
	n := copy(b, s.in[:s.seen])
	if s.seen == len(s.in) && s.over {
		return n, io.EOF
	}
	if n == 0 {
		return 0, transport.ErrWouldBlock
	}
	return n, nil
}
func (s *shown) Discard(n int) { s.in, s.seen = s.in[n:], s.seen-n }
func (s *shown) Room() int     { return s.takes }

// newServed is a Served with memory for messages of the size, if it needs any.
func newServed(t testing.TB, s *site, size int, keep bool) (*coapconn.Served, []byte) {
	config := coapconn.ServedConfig{Resources: &s.router, Exchange: resource.NewExchange(&s.router, 0, make([]byte, 1024)), MaxMessage: size, MaxAnswer: size}
	if keep {
		config.Keep = splittest.Memory(t, 2*size)
	}
	v := new(coapconn.Served)
	must(t, v.Reset(config))
	return v, splittest.Memory(t, 2*size)
}

// request is a whole request.
func request(code coap.Code, token string, payload string, opts ...string) []byte {
	return coap.AppendTCP(nil, coap.Message{Code: code, Token: []byte(token), Options: options(opts...), Payload: []byte(payload)})
}

// words are messages in short.
func words(t testing.TB, b []byte) (list []string) {
	t.Helper()
	for len(b) != 0 {
		m, n, err := coap.ParseTCP(b)
		if err != nil || n == 0 {
			t.Fatalf("%x: %v", b, err)
		}
		b = b[n:]
		w := m.Code.String() + " " + string(m.Token)
		if len(m.Payload) != 0 {
			w += " " + string(m.Payload)
		}
		list = append(list, w)
	}
	return list
}

func TestServedEveryWay(t *testing.T) {
	hello := append(coap.AppendCSM(nil, coap.Settings{MaxMessage: 5000}), request(coap.CodeGET, "a", "", "Uri-Path=hello", "Uri-Path=you")...)
	hello = append(hello, request(coap.CodeEmpty, "", "")...)
	hello = append(hello, coap.AppendPing(nil, []byte("p"), true)...)
	hello = append(hello, request(coap.CodePOST, "b", "abc", "Uri-Path=echo")...)
	hello = append(hello, request(coap.CodeGET, "c", "", "Uri-Path=nowhere")...)
	hello = append(hello, request(coap.CodeContent, "d", "answer to nobody")...)
	for _, keep := range []bool{true, false} {
		for cut := 0; cut <= len(hello); cut++ {
			for _, piece := range []int{0, 1, 7} {
				s := newSite(t)
				v, buf := newServed(t, s, 200, keep)
				var rw io.ReadWriter
				p := &polled{piece: piece, takes: 1 << 20}
				rw = p
				come := func(b []byte) { p.in = append(p.in, b...) }
				if !keep {
					sh := &shown{polled: polled{takes: 1 << 20}}
					rw, p = sh, &sh.polled
					come = func(b []byte) { p.in = append(p.in, b...); sh.seen = len(p.in) }
				}
				for _, part := range [][]byte{hello[:cut], hello[cut:]} {
					come(part)
					must(t, v.Poll(rw, buf, 0))
					if v.Waits() || v.More() {
						t.Fatal("there is more")
					}
				}
				p.over = true
				if err := v.Poll(rw, buf, 0); err != coapconn.ErrEnded {
					t.Fatalf("cut at %d: %v", cut, err)
				}
				got := words(t, p.out.Bytes())
				want := []string{"7.01 ", "2.05 a hello you", "7.03 p", "2.04 b abc", "4.04 c"}
				if len(got) != len(want) {
					t.Fatalf("cut at %d, pieces of %d: %q", cut, piece, got)
				}
				for i := range got {
					if got[i] != want[i] {
						t.Fatalf("cut at %d, pieces of %d: %q", cut, piece, got)
					}
				}
			}
		}
	}
}

// TestServedRoomFirst has a peer who asks much and takes little: every request
// is answered, in order, none twice, and nothing is read while there is no room.
func TestServedRoomFirst(t *testing.T) {
	const many = 200
	for _, keep := range []bool{true, false} {
		s := newSite(t)
		v, buf := newServed(t, s, 128, keep)
		var in []byte
		for i := range many {
			in = append(in, request(coap.CodePOST, string(rune('A'+i%26)), string(rune('a'+i%26)), "Uri-Path=echo")...)
		}
		var rw io.ReadWriter
		var p *polled
		sh := &shown{polled: polled{in: in}, seen: len(in)}
		rw, p = sh, &sh.polled
		if keep {
			p = &polled{in: in}
			rw = p
		}
		must(t, v.Poll(rw, buf, 0))
		if s.served != 0 || !v.Waits() {
			t.Fatal("a request was served before there was room")
		}
		for step := 0; len(p.in) != 0 || v.Waits() || v.More(); step++ {
			if step > 1e6 {
				t.Fatalf("it does not go on: %d of %d", s.served, many)
			}
			before, had := len(p.in), p.takes
			must(t, v.Poll(rw, buf, 0))
			if before != len(p.in) && had == 0 && !keep {
				t.Fatal("a request was taken though there is no room for its answer")
			}
			p.takes++
		}
		got := words(t, p.out.Bytes())
		if len(got) != many+1 || s.served != many {
			t.Fatalf("%d answers to %d requests, of which %d were served", len(got)-1, many, s.served)
		}
		for i, w := range got[1:] {
			if w != "2.04 "+string(rune('A'+i%26))+" "+string(rune('a'+i%26)) {
				t.Fatalf("answer %d is %q", i, w)
			}
		}
	}
}

// TestServedEnds is each way in which a connection ends, and what the peer is
// told.
func TestServedEnds(t *testing.T) {
	get := request(coap.CodeGET, "a", "", "Uri-Path=hello", "Uri-Path=you")
	csm := coap.AppendCSM(nil, coap.Settings{})
	for _, v := range []struct {
		name string
		in   []byte
		over bool
		err  error
		text string // of the Abort
	}{
		{"the end between messages", csm, true, coapconn.ErrEnded, ""},
		{"the end within a message", get[:3], true, coapconn.ErrTruncated, ""},
		{"a reserved token length", []byte{0x0F, 0x01}, false, coap.ErrTokenLength, "token"},
		{"a message that is too long", []byte{0xE0, 0xFF, 0xFF, 0x01}, false, coap.ErrMessageTooBig, "big"},
		{"a token that is too long", []byte{0x0D, 0x01, 0x10}, false, coap.ErrTokenLong, "token"},
		{"an option that goes on behind the end", []byte{0x10, 0x01, 0xB5}, false, coap.ErrOptionEnd, "option"},
		{"an unknown critical signaling option", []byte{0x10, 0xE2, 0x10}, false, coap.ErrSignalOption, "option"},
		{"a malformed CSM", []byte{0x60, 0xE1, 0x25, 1, 2, 3, 4, 5}, false, coap.ErrSettings, "CSM"},
		{"an Abort", coap.AppendAbort(nil, 0, "enough\n"), false, nil, "coapconn: peer has aborted the connection: enough?"},
		{"a Release", coap.AppendRelease(nil, "other:1", 7), false, nil, "coapconn: peer has released the connection: other:1"},
	} {
		for _, keep := range []bool{true, false} {
			s := newSite(t)
			served, buf := newServed(t, s, 128, keep)
			p := &polled{in: bytes.Clone(v.in), takes: 1000, over: v.over}
			var rw io.ReadWriter = p
			if !keep {
				sh := &shown{polled: *p, seen: len(v.in)}
				rw, p = sh, &sh.polled
			}
			err := served.Poll(rw, buf, 0)
			if e, ok := err.(*coapconn.EndError); ok && v.err == nil {
				if e.Error() != v.text || e.Code == coap.CodeRelease && e.HoldOff != 7 {
					t.Errorf("%s: %v", v.name, err)
				}
			} else if err != v.err {
				t.Errorf("%s: %v", v.name, err)
			}
			list := words(t, p.out.Bytes())
			if v.text != "" && v.err != nil {
				if len(list) != 2 || !bytes.HasPrefix([]byte(list[1]), []byte("7.05  coap: ")) {
					t.Errorf("%s: %q", v.name, list)
				}
			} else if len(list) != 1 {
				t.Errorf("%s: %q", v.name, list)
			}
			if again := served.Poll(rw, buf, 0); again != err {
				t.Errorf("%s: first %v, then %v", v.name, err, again)
			}
		}
	}
}

// TestServedStrict wants a CSM first.
func TestServedStrict(t *testing.T) {
	s := newSite(t)
	v, buf := newServed(t, s, 128, true)
	config := coapconn.ServedConfig{Resources: &s.router, Exchange: resource.NewExchange(&s.router, 0, nil), Keep: make([]byte, 3000), Strict: true}
	must(t, v.Reset(config))
	p := &polled{in: request(coap.CodeGET, "a", "", "Uri-Path=hello"), takes: 1000}
	if err := v.Poll(p, make([]byte, 1152), 0); err != coap.ErrNoCSM {
		t.Error(err)
	}
	if err := v.Reset(coapconn.ServedConfig{}); err != coapconn.ErrConfig {
		t.Error(err)
	}
	config.Keep = config.Keep[:1000]
	must(t, v.Reset(config))
	if err := v.Poll(p, make([]byte, 1152), 0); err != coapconn.ErrBuffer {
		t.Error("Keep: ", err)
	}
	config.Keep = make([]byte, 3000)
	must(t, v.Reset(config))
	if err := v.Poll(p, buf[:100], 0); err != coapconn.ErrBuffer {
		t.Error("buf: ", err)
	}
}

// TestServedPushes is notifications, and answers that come later.
func TestServedPushes(t *testing.T) {
	s := newSite(t)
	v := new(coapconn.Served)
	must(t, v.Reset(coapconn.ServedConfig{
		Resources: &s.router, Exchange: resource.NewExchange(&s.router, 0, nil), MaxMessage: 128, MaxAnswer: 128, Keep: splittest.Memory(t, 400),
	}))
	buf := make([]byte, 256)
	p := &polled{takes: 1 << 20}
	step := func(want ...string) {
		t.Helper()
		must(t, v.Poll(p, buf, 0))
		got := words(t, p.out.Bytes())
		p.out.Reset()
		if len(got) != len(want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
	}
	step("7.01 ")
	p.in = request(coap.CodeGET, "o", "", "Observe=", "Uri-Path=state")
	step("2.05 o first")
	publish := func(text string) {
		t.Helper()
		if n, err := s.topic.Publish(resource.Notification{Payload: []byte(text)}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	publish("second")
	if !v.Waits() {
		t.Error("a notification does not wait")
	}
	publish("third")
	step("2.05 o second", "2.05 o third")

	// The peer takes nothing: the newest states are kept.
	p.takes = 5
	for i := range 50 {
		publish("state " + string(rune('0'+i%10)) + string(make([]byte, 20+i%7)))
		if i == 3 {
			must(t, v.Poll(p, buf, 0)) // half of one is sent
		}
	}
	p.takes = 1 << 20
	must(t, v.Poll(p, buf, 0))
	got := words(t, p.out.Bytes())
	p.out.Reset()
	if last := got[len(got)-1]; last[:15] != "2.05 o state 9\x00" || len(got) > 10 {
		t.Errorf("%q", got)
	}

	// What is published while the state is answered is sent behind the answer.
	p.in = request(coap.CodeGET, "r", "", "Observe=", "Uri-Path=racing")
	step("2.05 r older", "2.05 r newer", "2.05 o newer")
	p.in = request(coap.CodeGET, "r", "", "Observe=", "Uri-Path=racing")
	p.takes = 3
	must(t, v.Poll(p, buf, 0))
	p.takes = 1 << 20
	step("2.05 r older", "2.05 r newer", "2.05 o newer")

	p.in = request(coap.CodeGET, "l", "", "Uri-Path=later")
	step()
	if v.Next() != 1e9 {
		t.Errorf("the answer is due at %d", v.Next())
	}
	must(t, s.ticket.Answer(coap.CodeContent, nil, []byte("at last")))
	step("2.05 l at last")
	p.in = request(coap.CodeGET, "l", "", "Uri-Path=later")
	step()
	must(t, v.Poll(p, buf, 2e9))
	if got := words(t, p.out.Bytes()); len(got) != 1 || got[0][:6] != "5.03 l" {
		t.Errorf("%q", got)
	}

	v.End(nil)
	if s.topic.Len() != 0 {
		t.Error("who has gone is still observing")
	}
	if err := v.Poll(p, buf, 0); err != coapconn.ErrClosed {
		t.Error(err)
	}
}

// TestPush is what can be pushed, and to whom. The first peer is 1.
func TestPush(t *testing.T) {
	s := newSite(t)
	v, buf := newServed(t, s, 200, true)
	p := &polled{takes: 1000, in: coap.AppendCSM(nil, coap.Settings{MaxMessage: 100})}
	must(t, v.Poll(p, buf, 0))
	a, b := pipetest.Wide()
	c := newConn(t, background, func(c *coapconn.Config) {
		c.Resources, c.Answers, c.Pushes = &s.router, splittest.Memory(t, coapconn.MinAnswers), splittest.Memory(t, coapconn.MinPushes)
	})
	must(t, c.Reset(a))
	over := run(c)
	q := newPeer(t, b)
	q.next()
	q.csm(100)
	pong(t, c, q)
	for _, pusher := range []resource.Pusher{v, c} {
		for _, x := range []struct {
			name string
			peer uint64
			size int
			err  error
		}{
			{"a message", 1, 50, nil},
			{"more than the peer takes", 1, 101, pool.ErrFull},
			{"more than there is room for", 1, 3000, pool.ErrFull},
			{"another peer", 2, 50, pool.ErrStale},
		} {
			m := coap.Message{Code: coap.CodeContent, Token: []byte("t"), Payload: make([]byte, x.size)}
			if err := pusher.Push(x.peer, m, 0, engine.DropNewest); err != x.err {
				t.Errorf("%T: %s: %v", pusher, x.name, err)
			}
		}
	}
	// Who is slow, and is to be given up.
	m := coap.Message{Code: coap.CodeContent, Token: []byte("t"), Payload: make([]byte, 80)}
	p.takes = 0
	for i := range 4 {
		if err := v.Push(1, m, 0, engine.CloseSlow); err != nil && err != pool.ErrBacklog || i == 3 && err == nil {
			t.Error(err)
		}
	}
	if err := v.Poll(p, buf, 0); err != coapconn.ErrSlow {
		t.Error(err)
	}
	if err := v.Push(1, m, 0, engine.DropOldest); err != pool.ErrStale {
		t.Error(err)
	}
	b.Close()
	over.wait(t)
	a.Close()
}

// TestServedKeepsRoom has something pushed while an answer is made: the room of
// the answer is not taken for it.
func TestServedKeepsRoom(t *testing.T) {
	s := newSite(t)
	v, buf := newServed(t, s, 64, true)
	p := &polled{takes: 1000}
	must(t, v.Poll(p, buf, 0))
	p.out.Reset()
	p.takes = 0
	p.in = request(coap.CodeGET, "r", "", "Observe=", "Uri-Path=racing")
	must(t, v.Poll(p, buf, 0))
	p.takes = 1000
	must(t, v.Poll(p, buf, 0))
	if got := words(t, p.out.Bytes()); len(got) != 1 || got[0] != "2.05 r older" {
		t.Errorf("%q", got)
	}
}

// pushing is a stream during whose writes others push as much as they can.
type pushing struct {
	polled
	push func()
}

func (p *pushing) Write(b []byte) (int, error) {
	p.push()
	return p.polled.Write(b)
}

// TestServedKeepsRoomFromOthers has something pushed while an answer is being
// sent of which the stream takes a part: it ends nothing.
func TestServedKeepsRoomFromOthers(t *testing.T) {
	s := newSite(t)
	v, buf := newServed(t, s, 128, true)
	p := &pushing{polled: polled{takes: 1000}, push: func() {}}
	must(t, v.Poll(p, buf, 0))
	p.out.Reset()
	p.takes = 5
	text := strings.Repeat("x", 90)
	p.in = request(coap.CodePOST, "r", text, "Uri-Path=echo")
	p.push = func() {
		p.push = func() {} // what waits is sent under the lock
		m := coap.Message{Code: coap.CodeContent, Token: []byte("t"), Payload: make([]byte, 20)}
		for v.Push(1, m, 0, engine.DropNewest) == nil {
		}
	}
	must(t, v.Poll(p, buf, 0))
	p.takes = 1000
	must(t, v.Poll(p, buf, 0))
	if got := words(t, p.out.Bytes()); len(got) == 0 || got[0] != "2.04 r "+text {
		t.Errorf("%q", got)
	}
}

// TestServedMore has a peer ask more than is served in one turn.
func TestServedMore(t *testing.T) {
	s := newSite(t)
	v, buf := newServed(t, s, 128, true)
	p := &polled{takes: 1 << 20, in: bytes.Repeat(request(coap.CodePOST, "e", "x", "Uri-Path=echo"), 20)}
	must(t, v.Poll(p, buf, 0))
	if !v.More() || s.served == 0 || s.served == 20 {
		t.Errorf("%d were served, more: %v", s.served, v.More())
	}
	must(t, v.Poll(p, buf, 0))
	if v.More() || s.served != 20 {
		t.Errorf("%d were served, more: %v", s.served, v.More())
	}
}

// TestServedRelease has the server end the connection in order.
func TestServedRelease(t *testing.T) {
	s := newSite(t)
	v, buf := newServed(t, s, 128, true)
	p := &polled{takes: 1000}
	must(t, v.Poll(p, buf, 0))
	v.Release(30)
	if !v.More() {
		t.Error("nothing is to be done")
	}
	must(t, v.Poll(p, buf, 0))
	p.in = request(coap.CodeGET, "a", "", "Uri-Path=hello", "Uri-Path=you") // sent before he saw it
	must(t, v.Poll(p, buf, 0))
	p.over = true
	if err := v.Poll(p, buf, 0); err != coapconn.ErrReleased {
		t.Error(err)
	}
	got := words(t, p.out.Bytes())
	if len(got) != 3 || got[1] != "7.04 " || got[2] != "2.05 a hello you" {
		t.Errorf("%q", got)
	}
}
