// Resource serves requests of CoAP by a router, in memory that is there from the
// start, for TinyGo to compile: see the tests of the folder above.
package main

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/house/small/heap"
	"github.com/bobtail-go/bobtail/resource"
)

// pusher checks what is pushed.
type pusher struct{ n int }

func (p *pusher) Push(peer uint64, m coap.Message, mark int, o engine.Overflow) error {
	must(m.Code.IsResponse() && len(m.Token) == 4, "push")
	p.n++
	return nil
}

// file is a large content.
type file struct{}

func (file) Size() int64 { return 5000 }

func (file) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		p[i] = byte(off + int64(i))
	}
	return len(p), nil
}

// upload is what is known of an upload.
type upload struct{ n int }

var (
	router   = resource.Router{Transfers: 2, Observations: 3, Tickets: 2, Gather: 128}
	topic    *resource.Topic
	ticket   resource.Ticket
	push     pusher
	terms    = resource.Terms{SZX: 6, Pusher: &push, Peer: 7, Now: 1}
	x        *resource.Exchange
	one      upload
	formats  = [...]coap.Format{coap.FormatText}
	links    = [...]resource.Attribute{{Name: "rt", Value: "temperature"}, {Name: "obs"}}
	token    = [...]byte{1, 2, 3, 4}
	tag      = [...]byte{'v', '1'}
	state    = [...]byte{'2', '1', '.', '5'}
	wire     [512]byte
	out      [1500]byte
	scratch  [128]byte
	payload  [64]byte
	dumb     resource.Source = file{}
	notified                 = resource.Notification{Payload: state[:], ETag: tag[:]}
)

func main() {
	topic = router.NewTopic(resource.TopicOptions{})
	add(resource.Route{Pattern: "GET /temp/{room}", Handler: temp, Formats: formats[:], Attributes: links[:]})
	add(resource.Route{Pattern: "GET /temp", Handler: temp, Formats: formats[:], Attributes: links[:]})
	add(resource.Route{Pattern: "GET /file/{path...}", Handler: large})
	add(resource.Route{Pattern: "PUT /data", Data: data, Dropped: dropped})
	add(resource.Route{Pattern: "POST /echo", Handler: echo, Conditional: true})
	add(resource.Route{Pattern: "GET /later", Handler: later})
	x = resource.NewExchange(&router, 0, scratch[:])
	must(router.Err() == nil && router.Memory() > 0, "router")
	heap.Seal()

	want(coap.CodeContent, ask(coap.CodeGET, "/temp/kitchen?unit=C", nil, 0, 0))
	want(coap.CodeNotFound, ask(coap.CodeGET, "/none", nil, 0, 0))
	want(coap.CodeMethodNotAllowed, ask(coap.CodePUT, "/temp", nil, 0, 0))
	want(coap.CodeBadOption, ask(coap.CodeGET, "/temp", nil, 65001, 0))
	want(coap.CodeContent, ask(coap.CodeGET, "/.well-known/core?rt=temp*", nil, 0, 0))
	want(coap.CodeContent, ask(coap.CodeGET, "/temp", nil, coap.OptObserve, 0))
	n, err := topic.Publish(notified)
	must(n == 1 && err == nil && push.n == 1, "publish")
	want(coap.CodeContent, ask(coap.CodeGET, "/temp", nil, coap.OptObserve, 1))
	for i := range uint32(5) {
		want(coap.CodeContent, ask(coap.CodeGET, "/file/a/b", nil, coap.OptBlock2, coap.Block{Num: i, SZX: 6}.Uint()))
	}
	for i := range uint32(3) {
		code := coap.CodeContinue
		if i == 2 {
			code = coap.CodeChanged
		}
		want(code, ask(coap.CodePUT, "/data", payload[:], coap.OptBlock1, coap.Block{Num: i, SZX: 2, More: i < 2}.Uint()))
	}
	want(coap.CodeContinue, ask(coap.CodePOST, "/echo", payload[:], coap.OptBlock1, coap.Block{SZX: 2, More: true}.Uint()))
	terms.Max = 100
	want(coap.CodeContent, ask(coap.CodePOST, "/echo", payload[:], coap.OptBlock1, coap.Block{Num: 1, SZX: 2}.Uint()))
	want(coap.CodeContent, ask(coap.CodePOST, "/echo", nil, coap.OptBlock2, coap.Block{Num: 1, SZX: 2}.Uint()))
	terms.Max = 0
	for range 2 {
		must(ask(coap.CodeGET, "/later", nil, 0, 0).Later, "later")
		must(ticket.Answer(coap.CodeContent, nil, state[:]) == nil, "answer")
	}
	must(ask(coap.CodeGET, "/later", nil, 0, 0).Later, "later")
	router.Sweep(&push, 1e18)
	router.Gone(&push, 7)
	s := router.Stats()
	must(push.n == 4 && s.Tickets == 0 && s.Transfers == 0 && s.Observations == 0, "the end")
	println("ok")
}

func add(r resource.Route) { must(router.Add(r) == nil, "route") }

func temp(w resource.Response, r *resource.Request) error {
	r.Observe(topic)
	return w.Code(coap.CodeContent).MaxAge(5).ETag(tag[:]).Text(ascii.View(state[:]), " in ", ascii.View(r.PathValue("room")))
}

func large(w resource.Response, r *resource.Request) error {
	must(ascii.Equal(r.PathValue("path"), "a/b"), "path")
	return w.Source(coap.FormatOctets, dumb)
}

func data(w resource.Response, r *resource.Request, p resource.Part) error {
	if p.Offset == 0 {
		r.SetValue(&one)
	}
	u := r.Value().(*upload)
	u.n += len(p.P)
	return nil
}

func dropped(any) {}

func echo(w resource.Response, r *resource.Request) error {
	if err := r.Precondition(true, nil); err != nil {
		return err
	}
	return w.Bytes(coap.FormatOctets, r.Payload())
}

func later(w resource.Response, r *resource.Request) (err error) {
	ticket, err = r.Later(1e9)
	return err
}

// ask serves a request that has been bytes.
func ask(c coap.Code, uri string, payload []byte, n coap.Option, v uint32) resource.Answer {
	o := wire[256:256:512]
	at := 0
	for at < len(uri) && uri[at] != '?' {
		at++
	}
	o, err := coap.AppendPathOptions(o, 0, coap.OptURIPath, uri[:at])
	must(err == nil, "path")
	if at < len(uri) {
		o, err = coap.AppendQueryOptions(o, coap.OptURIPath, coap.OptURIQuery, uri[at+1:])
		must(err == nil, "query")
	}
	if n != 0 {
		o = coap.InsertOption(o, n, number(v))
	}
	b := coap.AppendTCP(wire[:0:256], coap.Message{Code: c, Token: token[:], Options: o, Payload: payload})
	m, k, err := coap.ParseTCP(b)
	must(k == len(b) && err == nil, "request")
	return x.Serve(m, &terms, out[:0])
}

var digits [4]byte

// number is the value of an option.
func number(v uint32) []byte {
	n := coap.SizeUint(uint64(v))
	for i := n - 1; i >= 0; i-- {
		digits[i] = byte(v)
		v >>= 8
	}
	return digits[:n]
}

func want(c coap.Code, a resource.Answer) {
	_, _, err := coap.ParseBody(a.Body)
	if a.Code != c || err != nil {
		println(a.Code.String(), "instead of", c.String())
		panic("answer")
	}
}

func must(ok bool, what string) {
	if !ok {
		println("not so:", what)
		panic("resource")
	}
}
