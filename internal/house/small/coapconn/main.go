// CoAPConn has a client ask a server, both of which are polled, over a stream in
// memory, for TinyGo to compile: see the tests of the folder above.
package main

import (
	"io"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coapconn"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/house/small/heap"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport"
)

// half is one direction of the stream. It has room for all that is sent before
// somebody reads, and gives pieces of a size.
type half struct {
	buf      [4096]byte
	from, to int
	size     int
	end      error // when nothing is there
}

func (h *half) take(p []byte) (int, error) {
	if h.from == h.to {
		return 0, h.end
	}
	n := copy(p, h.buf[h.from:min(h.to, h.from+h.size)])
	if h.from += n; h.from == h.to {
		h.from, h.to = 0, 0
	}
	return n, nil
}

func (h *half) put(p []byte) (int, error) {
	must(len(p) <= len(h.buf)-h.to, "room")
	h.to += copy(h.buf[h.to:], p)
	return len(p), nil
}

// stream is one end.
type stream struct{ in, out *half }

func (s *stream) Read(p []byte) (int, error)  { return s.in.take(p) }
func (s *stream) Write(p []byte) (int, error) { return s.out.put(p) }

var (
	there = half{end: transport.ErrWouldBlock}
	back  = half{end: io.EOF}
	near  = stream{&back, &there}
	far   = stream{&there, &back}

	router = resource.Router{Observations: 2, Tickets: 1, Transfers: 1}
	topic  *resource.Topic
	served coapconn.Served
	config coapconn.ServedConfig

	in, out          [coapconn.MinIn]byte
	homeIn, homeOut  [coapconn.MinIn]byte
	answers          [coapconn.MinAnswers]byte
	keep, buf        [600]byte
	into             [4][200]byte
	calls            [4]coapconn.Call
	hello, nowhere   [32]byte
	state            [32]byte
	notified         int
	text             = [...]byte{'n', 'e', 'w'}
	question, answer = "who is there?", "nobody"
)

func greet(w resource.Response, r *resource.Request) error { return w.Text(answer) }

func observe(w resource.Response, r *resource.Request) error {
	must(r.Observe(topic), "observe")
	return w.Text("old")
}

func wait(w resource.Response, r *resource.Request) (err error) {
	_, err = r.Later(1_000_000)
	return err
}

func notify(m coap.Message, err error) {
	if err == nil {
		must(ascii.Equal(m.Payload, "new"), "notification")
		notified++
	}
}

func main() {
	topic = router.NewTopic(resource.TopicOptions{})
	check(router.Handle("POST /hello", greet))
	check(router.Handle("GET /state", observe))
	check(router.Handle("GET /later", wait))
	config = coapconn.ServedConfig{Resources: &router, Exchange: resource.NewExchange(&router, 0, nil), MaxMessage: 128, MaxAnswer: 128, Keep: keep[:]}
	client, err := coapconn.New(coapconn.Config{In: in[:], Out: out[:], Exchanges: 5})
	check(err)
	home, err := coapconn.New(coapconn.Config{In: homeIn[:], Out: homeOut[:], Exchanges: 1, Resources: &router, Answers: answers[:]})
	check(err)
	call(0, coap.CodePOST, &hello, "hello")
	calls[0].Payload = ascii.Bytes(question)
	call(1, coap.CodeGET, &nowhere, "nowhere")
	call(2, coap.CodeGET, &state, "state")
	calls[2].Options = coap.InsertOption(calls[2].Options, coap.OptObserve, nil)
	calls[2].Notify = notify
	calls[3] = coapconn.Call{Code: coap.CodePing}
	there.size, back.size = 1, 1
	talk(client) // the first Start of a Call allocates
	heap.Seal()
	for size := 1; size <= len(there.buf); size *= 3 {
		there.size, back.size = size, size
		talk(client)
		serve(home)
	}
	println("ok")
}

// call prepares a call of a path.
func call(i int, code coap.Code, options *[32]byte, path string) {
	calls[i] = coapconn.Call{Code: code, Into: into[i][:], Options: coap.Options(coap.AppendOption(options[:0], 0, coap.OptURIPath, ascii.Bytes(path)))}
}

// talk has the client ask all at once, and the server answer and notify.
func talk(c *coapconn.Conn) {
	empty()
	check(served.Reset(config))
	check(c.Reset(&near))
	for i := range calls {
		check(c.Start(&calls[i], nil))
	}
	check(served.Poll(&far, buf[:], 0))
	n, err := topic.Publish(resource.Notification{Payload: text[:]})
	must(n == 1 && err == nil, "publish")
	must(served.Waits(), "waits")
	check(served.Poll(&far, buf[:], 0))
	before := notified
	must(c.Run() == coapconn.ErrEnded, "end")
	must(notified == before+1, "notified")
	for i := range calls {
		check(calls[i].Wait())
	}
	must(ascii.Equal(calls[0].Answer.Payload, answer), "answer")
	must(calls[1].Answer.Code == coap.CodeNotFound, "not found")
	must(ascii.Equal(calls[2].Answer.Payload, "old"), "state")
	must(calls[3].Answer.Code == coap.CodePong, "pong")
	served.End(nil)
	must(topic.Len() == 0, "gone")

	// The server ends it, and breaks a rule.
	empty()
	check(c.Reset(&near))
	check(c.Start(&calls[1], nil))
	there.from, there.to = 0, 0
	back.to = copy(back.buf[:], coap.AppendAbort(back.buf[:0], 0, "no"))
	e, ok := c.Run().(*coapconn.EndError)
	must(ok && ascii.Equal(e.Diagnostic, "no") && calls[1].Wait() == error(e), "abort")
	empty()
	check(c.Reset(&near))
	back.buf[0], back.to = 0x0F, 1
	must(c.Run() == coap.ErrTokenLength, "fault")
}

// serve has a Conn answer.
func serve(c *coapconn.Conn) {
	empty()
	check(c.Reset(&near))
	there.from, there.to = 0, 0
	m := coap.Message{Code: coap.CodePOST, Options: calls[0].Options, Payload: calls[0].Payload}
	back.to = len(coap.AppendTCP(back.buf[:0], m))
	must(c.Run() == coapconn.ErrEnded, "end")
	m, _, err := coap.ParseTCP(there.buf[:there.to])
	check(err)
	must(m.Code == coap.CodeContent && ascii.Equal(m.Payload, answer), "answer")
}

// empty drops what nobody has read.
func empty() { there.from, there.to, back.from, back.to = 0, 0, 0, 0 }

func check(err error) {
	if err != nil {
		must(false, err.Error())
	}
}

func must(ok bool, what string) {
	if !ok {
		println("not so:", what)
		panic("coapconn")
	}
}
