package resource_test

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
)

// TestLost has handlers whose right has passed: their drivers have ended what
// belonged to the peer, and others have begun, before they return.
func TestLost(t *testing.T) {
	var dropped []string
	during := func() {}
	topic := new(resource.Topic)
	r := &resource.Router{Gather: 64, Transfers: 2}
	topic = r.NewTopic(resource.TopicOptions{})
	for _, route := range []resource.Route{
		{Pattern: "PUT /d", Dropped: func(v any) { dropped = append(dropped, v.(string)) }, Data: func(w resource.Response, r *resource.Request, p resource.Part) error {
			if r.Value() == nil {
				r.SetValue(string(r.Token()))
			}
			during()
			return nil
		}},
		{Pattern: "PUT /w", Handler: func(w resource.Response, r *resource.Request) error {
			before := bytes.Clone(r.Payload())
			during()
			if !bytes.Equal(before, r.Payload()) {
				t.Error("the payload has changed under its handler")
			}
			return w.Bytes(coap.FormatOctets, r.Payload())
		}},
		{Pattern: "GET /o", Handler: func(w resource.Response, r *resource.Request) error {
			during()
			r.Observe(topic)
			return w.Text("x")
		}},
	} {
		if err := r.Add(route); err != nil {
			t.Fatal(err)
		}
	}
	lost, other := newPeer(t, r, 300), newPeer(t, r, 300)
	lost.token, other.token = []byte("lost"), []byte("other")
	other.p, other.terms.Pusher, other.terms.Peer = lost.p, lost.p, 2
	p16 := []byte("0123456789abcdef")
	put := func(path string, num uint32, more bool, p []byte) coap.Message {
		return request(coap.CodePUT, path, p, block(coap.OptBlock1, num, more, 0))
	}
	// lose routes and runs a request whose peer ends meanwhile.
	lose := func(m coap.Message, meanwhile func()) {
		t.Helper()
		during = func() {
			during = func() {}
			r.Gone(lost.p, 1)
			meanwhile()
		}
		m.Token = lost.token
		if !lost.x.Route(m, &lost.terms, lost.dst) {
			lost.x.Run()
		}
		lost.want(lost.check(lost.x.Abandon()), map[bool]string{true: "5.00 Block1=" + "1/0/0", false: "5.00"}[m.Code == coap.CodePUT])
	}

	// The part of an upload.
	lost.want(lost.ask(put("/d", 0, true, p16)), "2.31 Block1=0/1/0")
	lose(put("/d", 1, true, p16), func() {
		other.want(other.ask(put("/d", 0, true, p16)), "2.31 Block1=0/1/0")
		if len(dropped) != 0 {
			t.Errorf("dropped %v under its handler", dropped)
		}
	})
	if len(dropped) != 1 || dropped[0] != "lost" {
		t.Errorf("dropped %v", dropped)
	}
	other.want(other.ask(put("/d", 1, false, p16)), "2.04 Block1=1/0/0")

	// A payload that was gathered, in the only buffer.
	lost.want(lost.ask(put("/w", 0, true, p16)), "2.31 Block1=0/1/0")
	lose(put("/w", 1, false, []byte("end")), func() {
		other.terms.Now = 10e9
		other.want(other.ask(put("/w", 0, true, p16)), "5.03 Max-Age=2 Block1=0/0/0")
	})
	other.want(other.ask(put("/w", 0, true, p16)), "2.31 Block1=0/1/0")
	other.want(other.ask(put("/w", 1, false, nil)), "2.05 Content-Format=42 Block1=1/0/0 |0123456789abcdef")

	// An observation that the handler begins for nobody.
	lose(request(coap.CodeGET, "/o", nil, number(coap.OptObserve, 0)), func() {})
	if topic.Len() != 0 {
		t.Error("a lost handler has left an observation")
	}
	// What an exchange has while another asks for it.
	lost.want(lost.ask(put("/d", 0, true, p16)), "2.31 Block1=0/1/0")
	x := resource.NewExchange(r, 1, nil)
	during = func() {
		during = func() {}
		a := x.Serve(put("/d", 1, true, p16), &lost.terms, make([]byte, 0, 100))
		if a.Code != coap.CodeServiceUnavailable {
			t.Errorf("two parts of one upload at a time: %v", a.Code)
		}
		// Begun anew while its handler runs: that has the place then.
		a = x.Serve(put("/d", 0, true, p16), &lost.terms, make([]byte, 0, 100))
		if a.Code != coap.CodeContinue {
			t.Errorf("begun anew: %v", a.Code)
		}
	}
	dropped = nil
	lost.want(lost.ask(put("/d", 1, true, p16)), "2.31 Block1=1/1/0")
	if len(dropped) != 1 || r.Stats().Transfers != 1 {
		t.Errorf("dropped %v, %+v", dropped, r.Stats())
	}
	lost.want(lost.ask(put("/d", 1, false, p16)), "2.04 Block1=1/0/0")

	// Busy leaves an upload as it is, and begins none.
	m := put("/d", 0, true, p16)
	lost.x.Route(m, &lost.terms, lost.dst)
	lost.want(lost.check(lost.x.Busy(1)), "5.03 Max-Age=1 Block1=0/0/0")
	if r.Stats().Transfers != 0 {
		t.Error("an upload has begun")
	}
	lost.want(lost.ask(m), "2.31 Block1=0/1/0")
	m = put("/d", 1, true, p16)
	lost.x.Route(m, &lost.terms, lost.dst)
	lost.want(lost.check(lost.x.Busy(1)), "5.03 Max-Age=1 Block1=1/0/0")
	lost.want(lost.ask(m), "2.31 Block1=1/1/0")
	lost.want(lost.ask(put("/d", 2, false, p16)), "2.04 Block1=2/0/0")

	// A place is taken from one that another driver has left, when enough has
	// happened since.
	third := newPeer(t, r, 300)
	lost.want(lost.ask(put("/d", 0, true, p16)), "2.31 Block1=0/1/0")
	other.want(other.ask(put("/d", 0, true, p16)), "2.31 Block1=0/1/0")
	tries := 0
	for ; third.ask(put("/d", 0, true, p16)).Code != coap.CodeContinue; tries++ {
		if tries > 100 {
			t.Fatal("never")
		}
	}
	if tries < 60 {
		t.Errorf("after %d tries", tries)
	}
}

// TestMemory compares what a router says to hold with what it holds.
func TestMemory(t *testing.T) {
	for _, n := range []int{10, 5000} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		r := &resource.Router{Transfers: n, Observations: 2 * n, Tickets: n, Token: 16, Gather: 1000, Gathers: n / 10}
		for range n / 10 {
			r.NewTopic(resource.TopicOptions{})
		}
		r.Freeze()
		runtime.ReadMemStats(&after)
		said := r.Memory()
		// The allocator rounds up; the list of topics has grown.
		if got := int(after.TotalAlloc - before.TotalAlloc); got < said || got > said+said/8+8192 {
			t.Errorf("%d: %d bytes, says %d", n, got, said)
		}
	}
}

// TestExchangeMemory compares what an Exchange says to hold, beside the arena that
// it is given, with what it holds, with links longer than that and not.
func TestExchangeMemory(t *testing.T) {
	r := newRouter(t, resource.Route{Pattern: "GET /x", Handler: text("x"), Attributes: []resource.Attribute{{Name: "title", Value: string(content(3000))}}})
	r.Freeze()
	for _, arena := range []int{0, 10000} {
		b := make([]byte, arena)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		x := resource.NewExchange(r, 0, b)
		runtime.ReadMemStats(&after)
		// The allocator rounds up.
		if got, said := int(after.TotalAlloc-before.TotalAlloc), x.Memory(); got < said || got > said+said/4 {
			t.Errorf("%d bytes, says %d", got, said)
		}
	}
}
