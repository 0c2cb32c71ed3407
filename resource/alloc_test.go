//go:build !race

package resource_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/resource"
)

// sink is a Pusher that counts.
type sink struct{ n int }

func (s *sink) Push(peer uint64, m coap.Message, mark int, o engine.Overflow) error {
	s.n++
	return nil
}

func TestNoAllocs(t *testing.T) {
	s := new(sink)
	r := &resource.Router{Observations: 101, Gather: 4096, Gathers: 2}
	topic := r.NewTopic(resource.TopicOptions{})
	var ticket resource.Ticket
	state := new(int)
	large := slice(content(1 << 20))
	for _, route := range []resource.Route{
		{Pattern: "GET /hello/{name}", Formats: []coap.Format{0}, Handler: func(w resource.Response, r *resource.Request) error {
			return w.Code(coap.CodeContent).MaxAge(5).ETag(large[:4]).Text("hello ", string(r.PathValue("name")[:0]), "you")
		}},
		{Pattern: "GET /tree/{path...}", Handler: func(w resource.Response, r *resource.Request) error {
			return w.Bytes(coap.FormatOctets, r.PathValue("path"))
		}},
		{Pattern: "GET /bytes", Handler: func(w resource.Response, r *resource.Request) error {
			return w.Bytes(coap.FormatOctets, large[:5000])
		}},
		{Pattern: "GET /source", Handler: func(w resource.Response, r *resource.Request) error {
			return w.Source(coap.FormatOctets, &large)
		}},
		{Pattern: "GET /obs", Handler: func(w resource.Response, r *resource.Request) error {
			if !r.Observe(topic) {
				return resource.ErrFull
			}
			return w.Text("x")
		}},
		{Pattern: "GET /later", Handler: func(w resource.Response, r *resource.Request) (err error) {
			ticket, err = r.Later(1e9)
			return err
		}},
		{Pattern: "GET /error", Handler: func(w resource.Response, r *resource.Request) error { return resource.ErrNotFound }},
		{Pattern: "PUT /data", Data: func(w resource.Response, r *resource.Request, p resource.Part) error {
			r.SetValue(state)
			return nil
		}},
		{Pattern: "POST /echo", Conditional: true, Handler: func(w resource.Response, r *resource.Request) error {
			if err := r.Precondition(true, large[:2]); err != nil {
				return err
			}
			return w.Bytes(coap.FormatOctets, r.Payload())
		}},
	} {
		if err := r.Add(route); err != nil {
			t.Fatal(err)
		}
	}
	x := resource.NewExchange(r, 0, make([]byte, 512))
	terms := &resource.Terms{SZX: 6, Pusher: s, Peer: 1, Now: 1}
	dst := make([]byte, 0, 2048)
	serve := func(name string, want coap.Code, messages ...coap.Message) {
		t.Helper()
		for i := range messages {
			messages[i].Token = []byte("tokn")
		}
		alloctest.Zero(t, name, func() {
			for i := range messages {
				if a := x.Serve(messages[i], terms, dst); i == len(messages)-1 && a.Code != want {
					t.Fatalf("%s: %v", name, a.Code)
				}
			}
		})
	}
	b1 := func(num uint32, more bool) option { return block(coap.OptBlock1, num, more, 2) }
	b2 := func(num uint32) option { return block(coap.OptBlock2, num, false, 2) }
	p64 := make([]byte, 64)
	serve("GET by pattern", coap.CodeContent, request(coap.CodeGET, "/hello/you?a=1", nil, number(coap.OptAccept, 0)))
	serve("GET of many segments", coap.CodeContent, request(coap.CodeGET, "/tree/a/b/c", nil))
	serve("GET that the peer has", coap.CodeValid, request(coap.CodeGET, "/hello/you", nil, option{coap.OptETag, string(large[:4])}))
	serve("a slice of bytes", coap.CodeContent, request(coap.CodeGET, "/bytes", nil, b2(7)))
	serve("a slice of a source", coap.CodeContent, request(coap.CodeGET, "/source", nil, b2(700)))
	serve("links", coap.CodeContent, request(coap.CodeGET, "/.well-known/core?href=/b*", nil))
	serve("links, sliced", coap.CodeContent, request(coap.CodeGET, "/.well-known/core", nil, block(coap.OptBlock2, 1, false, 0)))
	serve("4.04", coap.CodeNotFound, request(coap.CodeGET, "/none", nil))
	serve("4.05", coap.CodeMethodNotAllowed, request(coap.CodePUT, "/bytes", nil))
	serve("4.02", coap.CodeBadOption, request(coap.CodeGET, "/bytes", nil, option{65001, ""}))
	serve("an error", coap.CodeNotFound, request(coap.CodeGET, "/error", nil))
	serve("pieces for Data", coap.CodeChanged, request(coap.CodePUT, "/data", p64, b1(0, true)), request(coap.CodePUT, "/data", p64, b1(1, true)), request(coap.CodePUT, "/data", p64, b1(2, false)))
	serve("gathered, and back in slices", coap.CodeContent, request(coap.CodePOST, "/echo", p64, b1(0, true), option{coap.OptIfMatch, ""}),
		request(coap.CodePOST, "/echo", p64, b1(1, false), b2(0)), request(coap.CodePOST, "/echo", nil, b2(1)))
	serve("observe, and no more", coap.CodeNotFound, request(coap.CodeGET, "/obs", nil, number(coap.OptObserve, 0)), request(coap.CodeGET, "/error", nil, number(coap.OptObserve, 1)))
	later := request(coap.CodeGET, "/later", nil)
	opts := coap.Options(coap.AppendUintOption(nil, 0, coap.OptContentFormat, 60))
	alloctest.Zero(t, "an answer that comes later", func() {
		if a := x.Serve(later, terms, dst); !a.Later {
			t.Fatal("not later")
		}
		if err := ticket.Answer(coap.CodeContent, opts, p64); err != nil {
			t.Fatal(err)
		}
		if a := x.Serve(later, terms, dst); !a.Later {
			t.Fatal("not later")
		}
		if r.Sweep(s, 1e18); ticket.Answer(coap.CodeContent, nil, nil) == nil {
			t.Fatal("not swept")
		}
	})

	get := request(coap.CodeGET, "/obs", nil, number(coap.OptObserve, 0))
	for i := range 100 {
		get.Token, terms.Peer = []byte{byte(i)}, uint64(i)
		x.Serve(get, terms, dst)
	}
	before := s.n
	runs := 0
	alloctest.Zero(t, "a notification for 100", func() {
		runs++
		if n, err := topic.Publish(resource.Notification{Options: opts, Payload: large[:1100], ETag: large[:3]}); n != 100 || err != nil {
			t.Fatal(n, err)
		}
	})
	if s.n-before != 100*runs {
		t.Errorf("%d pushed in %d runs", s.n-before, runs)
	}
}
