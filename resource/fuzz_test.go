package resource_test

import (
	"bytes"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
)

// FuzzServe has a router take whatever messages there are, one after the other,
// under whatever terms: nothing panics, and each answer is well formed and fits.
func FuzzServe(f *testing.F) {
	seed := func(terms uint16, messages ...coap.Message) {
		var b []byte
		for _, m := range messages {
			m.Token = []byte("t")
			b = coap.AppendTCP(b, m)
		}
		f.Add(terms, b)
	}
	p := make([]byte, 64)
	seed(0xFFFF, request(coap.CodeGET, "/a/b?c=d", nil))
	seed(0x00FF, request(coap.CodeGET, "/.well-known/core?rt=*", nil, block(coap.OptBlock2, 1, false, 0)))
	seed(0x0FFF, request(coap.CodePUT, "/data", p, block(coap.OptBlock1, 0, true, 2)), request(coap.CodePUT, "/data", p[:1], block(coap.OptBlock1, 1, false, 2)))
	seed(0x0FFF, request(coap.CodePOST, "/echo", p, block(coap.OptBlock1, 0, true, 2), option{coap.OptRequestTag, "x"}),
		request(coap.CodePOST, "/echo", p, block(coap.OptBlock1, 1, false, 2), block(coap.OptBlock2, 0, false, 1), option{coap.OptRequestTag, "x"}),
		request(coap.CodePOST, "/echo", nil, block(coap.OptBlock2, 1, false, 1)))
	seed(0x0FFF, request(coap.CodeGET, "/obs", nil, number(coap.OptObserve, 0)), request(coap.CodeGET, "/obs", nil, number(coap.OptObserve, 1)))
	seed(0x0FFF, request(coap.CodeGET, "/later", nil, block(coap.OptBlock2, 2, false, 0)), request(coap.CodeFETCH, "/long", p, block(coap.OptBlock2, 7, false, 7)))
	seed(0x0FFF, request(coap.CodePUT, "/if", nil, option{coap.OptIfMatch, "x"}, number(coap.OptNoResponse, 26), number(coap.OptAccept, 1)))
	seed(0x00FF, request(coap.CodeGET, "/a", nil, block(coap.OptBlock1, 0, false, 0), option{21, "x"})) // no room for the diagnostic text
	f.Fuzz(func(t *testing.T, flags uint16, in []byte) {
		r := &resource.Router{Transfers: 2, Observations: 2, Tickets: 2, Gather: 200, Gathers: 1}
		topic := r.NewTopic(resource.TopicOptions{})
		var tickets []resource.Ticket
		long := content(3000)
		for _, route := range []resource.Route{
			{Pattern: "/a/{x...}", Handler: func(w resource.Response, r *resource.Request) error {
				q, _ := r.Query("c")
				return w.Code(coap.CodeContent).MaxAge(1).Text(string(r.PathValue("x")), string(q))
			}},
			{Pattern: "/obs", Handler: func(w resource.Response, r *resource.Request) error {
				r.Observe(topic)
				return w.Bytes(coap.FormatOctets, long[:100])
			}},
			{Pattern: "/later", Handler: func(w resource.Response, r *resource.Request) error {
				k, err := r.Later(1e9)
				tickets = append(tickets, k)
				return err
			}},
			{Pattern: "/long", Handler: func(w resource.Response, r *resource.Request) error { return w.Source(0, slice(long)) }},
			{Pattern: "/if", Conditional: true, Formats: []coap.Format{0}, Handler: func(w resource.Response, r *resource.Request) error {
				if err := r.Precondition(true, []byte("x")); err != nil {
					return err
				}
				return w.Code(coap.CodeCreated).Location("/a/b", "c").ETag([]byte("x")).Empty()
			}},
			{Pattern: "/data", Dropped: func(any) {}, Data: func(w resource.Response, r *resource.Request, p resource.Part) error {
				r.SetValue(r)
				return nil
			}},
			{Pattern: "/echo", Handler: func(w resource.Response, r *resource.Request) error { return w.Bytes(0, r.Payload()) }},
		} {
			if err := r.Add(route); err != nil {
				t.Fatal(err)
			}
		}
		p := newPeer(t, r, int(flags>>4)%2000)
		p.terms.BERT, p.terms.Reliable = flags&2 != 0, flags&2 != 0
		p.terms.SZX = uint8(flags & 7)
		if flags&8 != 0 {
			p.terms.Max = int(flags>>4) / 2
		}
		for len(in) > 0 {
			m, n, err := coap.ParseTCP(in)
			if err != nil || n == 0 {
				// Whatever it is, it is a payload then.
				m, n = request(coap.CodePUT, "/data", in), len(in)
			}
			before := bytes.Clone(in[:n])
			a := p.check(p.x.Serve(m, &p.terms, p.dst))
			if !bytes.Equal(before, in[:n]) {
				t.Fatal("the request was written to")
			}
			if a.later {
				tickets[len(tickets)-1].Answer(coap.CodeContent, nil, long[:len(in)%len(long)])
			}
			topic.Publish(resource.Notification{Payload: long[:len(in)%len(long)], ETag: in[:min(n, 8)]})
			in = in[n:]
		}
		p.p.take()
		r.Gone(p.p, 1)
		r.Sweep(p.p, 1e18)
		if s := r.Stats(); s.Observations != 0 || s.Tickets != 0 || s.Transfers != 0 {
			t.Fatalf("left: %+v", s)
		}
	})
}
