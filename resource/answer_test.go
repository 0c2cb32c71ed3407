package resource_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
)

// coded is an error with a code.
type coded coap.Code

func (c coded) Error() string   { return "the reason" }
func (c coded) Code() coap.Code { return coap.Code(c) }

// slice is a Source in memory.
type slice []byte

func (s slice) Size() int64 { return int64(len(s)) }

func (s slice) ReadAt(p []byte, off int64) (int, error) { return copy(p, s[off:]), nil }

// short is a Source that ends too early.
type short struct{ slice }

func (s short) Size() int64 { return int64(len(s.slice)) + 1 }

// broken is a Source that fails.
type broken struct{ slice }

func (s broken) ReadAt(p []byte, off int64) (int, error) { return 0, coded(coap.CodeBadGateway) }

// negative is a Source of no size.
type negative struct{ slice }

func (s negative) Size() int64 { return -1 }

// TestAnswers has handlers answer to GET /.
func TestAnswers(t *testing.T) {
	type w = resource.Response
	type r = *resource.Request
	get := func(opts ...option) coap.Message { return request(coap.CodeGET, "/", nil, opts...) }
	with := func(c coap.Code) coap.Message { return request(c, "/", []byte("p")) }
	for _, test := range []struct {
		why  string
		m    coap.Message
		h    resource.Handler
		want string
	}{
		{"text", get(), func(w w, r r) error { return w.Text("a", "", "bc") }, "2.05 Content-Format=0 |abc"},
		{"no text", get(), func(w w, r r) error { return w.Text() }, "2.05 Content-Format=0"},
		{"bytes", get(), func(w w, r r) error { return w.Bytes(coap.FormatCBOR, []byte("x")) }, "2.05 Content-Format=60 |x"},
		{"no bytes", get(), func(w w, r r) error { return w.Bytes(coap.FormatCBOR, nil) }, "2.05 Content-Format=60"},
		{"a source", get(), func(w w, r r) error { return w.Source(coap.FormatCBOR, slice("abc")) }, "2.05 Content-Format=60 |abc"},
		{"a code without a payload", get(), func(w w, r r) error { return w.Code(coap.CodeForbidden).Empty() }, "4.03"},
		{"a code whose end is forgotten", get(), func(w w, r r) error { w.Code(coap.CodeForbidden); return nil }, "4.03"},
		{"RFC 7252 section 5.5.2: a diagnostic has no format", get(), func(w w, r r) error { return w.Code(coap.CodeForbidden).Text("no") }, "4.03 |no"},
		{"another format for text", get(), func(w w, r r) error { return w.Code(coap.CodeContent).Format(coap.FormatJSON).Text("{}") }, "2.05 Content-Format=50 |{}"},
		{"options in any order", get(), func(w w, r r) error {
			return w.Code(coap.CodeContent).MaxAge(10).ETag([]byte("tag")).Format(0).Uint(2048, 7).Text("x")
		}, "2.05 ETag=tag Content-Format=0 Max-Age=10 unregistered=\a |x"},
		{"where it was put", get(), func(w w, r r) error {
			return w.Code(coap.CodeCreated).Location("/a/b", "q=1", "r").Empty()
		}, "2.01 Location-Path=a Location-Path=b Location-Query=q=1 Location-Query=r"},
		{"where a directory was put", get(), func(w w, r r) error { return w.Code(coap.CodeCreated).Location("a/").Empty() }, "2.01 Location-Path=a Location-Path="},
		{"at the root", get(), func(w w, r r) error { return w.Code(coap.CodeCreated).Location("/").Empty() }, "2.01"},

		{"RFC 7252 section 5.8.1: nothing said", get(), func(w w, r r) error { return nil }, "2.05"},
		{"RFC 7252 section 5.8.2", with(coap.CodePOST), func(w w, r r) error { return nil }, "2.04"},
		{"RFC 7252 section 5.8.3", with(coap.CodePUT), func(w w, r r) error { return nil }, "2.04"},
		{"RFC 7252 section 5.8.4", with(coap.CodeDELETE), func(w w, r r) error { return nil }, "2.02"},
		{"RFC 8132 section 2", with(coap.CodeFETCH), func(w w, r r) error { return nil }, "2.05"},
		{"RFC 8132 section 3", with(coap.CodePATCH), func(w w, r r) error { return nil }, "2.04"},
		{"RFC 8132 section 3, i", with(coap.CodeIPATCH), func(w w, r r) error { return nil }, "2.04"},

		{"an error tells nothing", get(), func(w w, r r) error { return errors.New("secret") }, "5.00"},
		{"an error with a code", get(), func(w w, r r) error { return coded(coap.CodeConflict) }, "4.09 |the reason"},
		{"an error whose code is none", get(), func(w w, r r) error { return coded(coap.CodeContent) }, "5.00 |the reason"},
		{"an error behind an answer", get(), func(w w, r r) error { w.Text("x"); return errors.New("late") }, "5.00"},
		{"an error of this package", get(), func(w w, r r) error { return resource.ErrNotFound }, "4.04 |resource: not found"},

		{"two codes", get(), func(w w, r r) error { w.Code(coap.CodeContent); w.Code(coap.CodeContent); return nil }, "5.00 |resource: response staged in the wrong order"},
		{"two ends", get(), func(w w, r r) error { w.Text("a"); w.Text("b"); return nil }, "5.00 |resource: response staged in the wrong order"},
		{"two ends of a head", get(), func(w w, r r) error { h := w.Code(coap.CodeContent); h.Text("a"); h.Text("b"); return nil }, "5.00 |resource: response staged in the wrong order"},
		{"an option behind the end", get(), func(w w, r r) error { h := w.Code(coap.CodeContent); h.Text("a"); h.MaxAge(1); return nil }, "5.00 |resource: response staged in the wrong order"},
		{"a request's code", get(), func(w w, r r) error { return w.Code(coap.CodeGET).Empty() }, "5.00 |resource: response staged in the wrong order"},
		{"a signal's code", get(), func(w w, r r) error { return w.Code(coap.CodePing).Empty() }, "5.00 |resource: response staged in the wrong order"},
		{"a code of class 3", get(), func(w w, r r) error { return w.Code(3 << 5).Empty() }, "5.00 |resource: response staged in the wrong order"},
		{"RFC 7959 section 2.9.1: 2.31 goes by itself", get(), func(w w, r r) error { return w.Code(coap.CodeContinue).Empty() }, "5.00 |resource: response staged in the wrong order"},
		{"Observe is ours", get(), func(w w, r r) error { return w.Code(coap.CodeContent).Uint(coap.OptObserve, 1).Empty() }, "5.00 |resource: option cannot be sent"},
		{"Block2 is ours", get(), func(w w, r r) error { return w.Code(coap.CodeContent).Uint(coap.OptBlock2, 1).Empty() }, "5.00 |resource: option cannot be sent"},
		{"RFC 7252 section 5.4.3: a length", get(), func(w w, r r) error {
			return w.Code(coap.CodeContent).Option(coap.OptMaxAge, []byte("12345")).Empty()
		}, "5.00 |resource: option cannot be sent"},
		{"RFC 7252 section 5.10.6: no bytes of ETag", get(), func(w w, r r) error { return w.Code(coap.CodeContent).ETag(nil).Empty() }, "5.00 |resource: option cannot be sent"},
		{"RFC 7252 section 5.10.6.1: two ETags", get(), func(w w, r r) error {
			return w.Code(coap.CodeContent).ETag([]byte("a")).ETag([]byte("b")).Empty()
		}, "5.00 |resource: option cannot be sent"},
		{"RFC 7252 section 5.4.5: two formats", get(), func(w w, r r) error { return w.Code(coap.CodeContent).Format(0).Format(1).Empty() }, "5.00 |resource: option cannot be sent"},
		{"a segment of 256 bytes", get(), func(w w, r r) error {
			return w.Code(coap.CodeCreated).Location(strings.Repeat("s", 256)).Empty()
		}, "5.00 |resource: option cannot be sent"},
		{"options without end", get(), func(w w, r r) error {
			h := w.Code(coap.CodeCreated)
			for range 100 {
				h.Location("segment")
			}
			return h.Empty()
		}, "5.00 |resource: answer too long"},
		{"RFC 7252 section 5.10.7: dots", get(), func(w w, r r) error { return w.Code(coap.CodeCreated).Location("/a/../b").Empty() }, "5.00 |resource: option cannot be sent"},
		{"a source that ends early", get(), func(w w, r r) error { return w.Source(0, short{slice("abc")}) }, "5.00 |resource: source ended before its size"},
		{"a source that fails", get(), func(w w, r r) error { return w.Source(0, broken{slice("abc")}) }, "5.02 |the reason"},
		{"a source of no size", get(), func(w w, r r) error { return w.Source(0, negative{}) }, "5.00 |resource: source ended before its size"},
		{"arena", get(), func(w w, r r) error {
			b, err := r.Alloc(512)
			if err != nil || len(b) != 512 {
				return err
			}
			_, err = r.Alloc(1)
			return err
		}, "5.00 |resource: arena exhausted"},
		{"a negative piece of arena", get(), func(w w, r r) error { _, err := r.Alloc(-1); return err }, "5.00 |resource: arena exhausted"},

		{"RFC 7252 section 5.10.6.2: the peer has it", get(option{coap.OptETag, "other"}, option{coap.OptETag, "tag"}), func(w w, r r) error {
			return w.Code(coap.CodeContent).Format(0).MaxAge(9).ETag([]byte("tag")).Text("long")
		}, "2.03 ETag=tag Max-Age=9"},
		{"and has not", get(option{coap.OptETag, "other"}), func(w w, r r) error { return w.Code(coap.CodeContent).ETag([]byte("tag")).Text("x") }, "2.05 ETag=tag Content-Format=0 |x"},
		{"nor has it when there is no state", get(option{coap.OptETag, "tag"}), func(w w, r r) error { return w.Code(coap.CodeNotFound).ETag([]byte("tag")).Empty() }, "4.04 ETag=tag"},
		{"a POST is no question for a state", request(coap.CodePOST, "/", nil, option{coap.OptETag, "tag"}), func(w w, r r) error { return w.Code(coap.CodeContent).ETag([]byte("tag")).Text("x") }, "2.05 ETag=tag Content-Format=0 |x"},
		{"a FETCH is", request(coap.CodeFETCH, "/", []byte("p"), option{coap.OptETag, "tag"}), func(w w, r r) error { return w.Code(coap.CodeContent).ETag([]byte("tag")).Text("x") }, "2.03 ETag=tag"},

		{"the query", request(coap.CodeGET, "/?a=1&b&a=2", nil), func(w w, r r) error {
			a, ok := r.Query("a")
			b, ok2 := r.Query("b")
			_, ok3 := r.Query("c")
			if !ok || !ok2 || ok3 || len(b) != 0 {
				return errors.New("query")
			}
			return w.Text(string(a))
		}, "2.05 Content-Format=0 |1"},
		{"what a request has", request(coap.CodePOST, "/", []byte("pay"), number(coap.OptContentFormat, 60), number(coap.OptAccept, 50)), func(w w, r r) error {
			f, ok := r.Format()
			a, ok2 := r.Accept()
			if !ok || !ok2 || f != 60 || a != 50 || string(r.Payload()) != "pay" || r.Method() != coap.CodePOST || string(r.Token()) != "tok" ||
				r.Peer() != 1 || r.Worker() != 0 || r.Value() != nil || r.Pattern() != "/{$}" || r.Options().Count(coap.OptAccept) != 1 || r.Remote().String() == "?" {
				return errors.New("request")
			}
			return nil
		}, "2.04"},
	} {
		t.Run(test.why, func(t *testing.T) {
			p := newPeer(t, newRouter(t, resource.Route{Pattern: "/{$}", Handler: test.h}), 200)
			p.want(p.ask(test.m), test.want)
		})
	}
}

func TestRefusals(t *testing.T) {
	r := newRouter(t,
		resource.Route{Pattern: "GET /plain", Handler: text("x")},
		resource.Route{Pattern: "PUT /json", Handler: text("x"), Formats: []coap.Format{50, 60}, Accepts: []coap.Format{50}},
		resource.Route{Pattern: "GET /knows", Handler: text("x"), Understands: []coap.Option{65001}},
		resource.Route{Pattern: "PUT /if", Conditional: true, Understands: []coap.Option{65001}, Handler: func(w resource.Response, r *resource.Request) error {
			tag, exists := r.Query("tag")
			return r.Precondition(exists, tag)
		}})
	p := newPeer(t, r, 200)
	for _, test := range []struct {
		why  string
		m    coap.Message
		want string
	}{
		{"RFC 7252 section 5.4.1: a critical option that is not known", request(1, "/plain", nil, option{65001, ""}), "4.02 |option 65001"},
		{"RFC 7252 section 5.4.1: an elective one", request(1, "/plain", nil, option{65000, ""}), "2.05 Content-Format=0 |x"},
		{"RFC 7252 section 5.4.1: a critical one that the route knows", request(1, "/knows", nil, option{65001, ""}), "2.05 Content-Format=0 |x"},
		{"RFC 7252 section 5.4.1: on a path that is not there", request(1, "/none", nil, option{65001, ""}), "4.02 |option 65001"},
		{"RFC 7252 section 5.4.3: a length that it cannot have", request(1, "/plain", nil, option{coap.OptAccept, "123"}), "4.02 |option 17"},
		{"RFC 7252 section 5.4.5: twice", request(1, "/plain", nil, option{coap.OptAccept, "1"}, option{coap.OptAccept, "1"}), "4.02 |option 17"},
		{"RFC 7252 section 5.10.8: a condition that nobody minds", request(1, "/plain", nil, option{coap.OptIfMatch, "1"}), "4.02 |option 1"},
		{"RFC 7252 section 5.10.2: for somebody else", request(1, "/plain", nil, option{coap.OptProxyURI, "coap://h/"}), "5.05"},
		{"RFC 7252 section 5.10.2: for somebody else, by scheme", request(1, "/plain", nil, option{coap.OptProxyScheme, "http"}), "5.05"},
		{"RFC 8613: OSCORE", request(1, "/plain", nil, option{coap.OptOSCORE, ""}), "4.02 |option 9"},
		{"RFC 9177: Q-Block1", request(1, "/plain", nil, number(coap.OptQBlock1, 1)), "4.02 |option 19"},
		{"RFC 7252 section 5.10.1: a host", request(1, "/plain", nil, option{coap.OptURIHost, "h"}, number(coap.OptURIPort, 5683)), "2.05 Content-Format=0 |x"},
		{"RFC 7252 section 5.10.3: a format that is not taken", request(3, "/json", []byte("x"), number(coap.OptContentFormat, 60)), "4.15"},
		{"RFC 7252 section 5.10.3: one that is", request(3, "/json", []byte("x"), number(coap.OptContentFormat, 50)), "2.05 Content-Format=0 |x"},
		{"RFC 7252 section 5.10.3: none said", request(3, "/json", []byte("x")), "2.05 Content-Format=0 |x"},
		{"RFC 7252 section 5.10.4: a format that is not given", request(3, "/json", []byte("x"), number(coap.OptAccept, 40)), "4.06"},
		{"RFC 7252 section 5.10.4: one that is", request(3, "/json", []byte("x"), number(coap.OptAccept, 60)), "2.05 Content-Format=0 |x"},
		{"RFC 7252 section 5.10.8.1: If-Match", request(3, "/if?tag=t", nil, option{coap.OptIfMatch, "u"}, option{coap.OptIfMatch, "t"}), "2.04"},
		{"RFC 7252 section 5.10.8.1: If-Match another", request(3, "/if?tag=t", nil, option{coap.OptIfMatch, "u"}), "4.12 |resource: precondition failed"},
		{"RFC 7252 section 5.10.8.1: If-Match any", request(3, "/if?tag=t", nil, option{coap.OptIfMatch, ""}), "2.04"},
		{"RFC 7252 section 5.10.8.1: If-Match any of nothing", request(3, "/if", nil, option{coap.OptIfMatch, ""}), "4.12 |resource: precondition failed"},
		{"RFC 7252 section 5.10.8.1: If-Match without a tag", request(3, "/if?tag", nil, option{coap.OptIfMatch, "t"}), "4.12 |resource: precondition failed"},
		{"RFC 7252 section 5.10.8.2: If-None-Match", request(3, "/if?tag=t", nil, option{coap.OptIfNoneMatch, ""}), "4.12 |resource: precondition failed"},
		{"RFC 7252 section 5.10.8.2: If-None-Match of nothing", request(3, "/if", nil, option{coap.OptIfNoneMatch, ""}), "2.04"},
		{"no condition", request(3, "/if?tag=t", nil, option{65001, ""}), "2.04"},

		{"RFC 7967 section 2.1: no 2.xx", request(1, "/plain", nil, number(coap.OptNoResponse, 2)), "none 2.05 Content-Format=0 |x"},
		{"RFC 7967 section 2.1: all of them", request(1, "/plain", nil, number(coap.OptNoResponse, 0)), "2.05 Content-Format=0 |x"},
		{"RFC 7967 section 2.1: no errors", request(1, "/plain", nil, number(coap.OptNoResponse, 24)), "2.05 Content-Format=0 |x"},
		{"RFC 7967 section 2.1: no 4.xx", request(1, "/none", nil, number(coap.OptNoResponse, 8)), "none 4.04"},
		{"RFC 7967 section 2.1: no 5.xx", request(1, "/none", nil, number(coap.OptNoResponse, 16)), "4.04"},
		{"RFC 7967 section 2.1: no 5.xx, which it is", request(1, "/none", nil, number(coap.OptNoResponse, 16), option{coap.OptProxyScheme, "http"}), "none 5.05"},

		{"RFC 7252 section 5.4.3: No-Response of two bytes", request(1, "/plain", nil, option{coap.OptNoResponse, "\x01\x02"}), "2.05 Content-Format=0 |x"},
		{"RFC 7252 section 5.4.5: No-Response twice", request(1, "/plain", nil, option{coap.OptNoResponse, ""}, option{coap.OptNoResponse, "\x02"}), "2.05 Content-Format=0 |x"},

		{"RFC 7959 section 2.2: SZX 7 over UDP", request(1, "/plain", nil, block(coap.OptBlock2, 0, false, 7)), "4.00"},
		{"RFC 7959 section 2.2: SZX 7 of Block1", request(3, "/json", nil, block(coap.OptBlock1, 0, true, 7)), "4.00 Block1=0/0/7"},
		{"RFC 7959 section 2.2: a block of four bytes", request(1, "/plain", nil, option{coap.OptBlock2, "1234"}), "4.02 |option 23"},
	} {
		if got := show(p.ask(test.m)); got != test.want {
			t.Errorf("%s: got %s, want %s", test.why, got, test.want)
		}
	}
	// One for which there is no room at all.
	for size := range 12 {
		small := newPeer(t, r, size)
		small.ask(request(1, "/none", nil))
		small.ask(request(1, "/plain", nil))
		small.ask(request(3, "/if?tag=t", nil, option{coap.OptIfNoneMatch, ""}))
	}
}

// TestStages has the driver decide otherwise between Route and Finish.
func TestStages(t *testing.T) {
	r := newRouter(t, resource.Route{Pattern: "GET /a", Handler: text("x"), Timeout: 5}, resource.Route{Pattern: "GET /panics", Handler: func(w resource.Response, r *resource.Request) error {
		w.Text("half")
		panic("oh")
	}})
	p := newPeer(t, r, 100)
	m := request(1, "/a", nil)
	if p.x.Route(m, &p.terms, p.dst) || p.x.Timeout() != 5 || p.x.Pattern() != "GET /a" || p.x.Observes() || p.x.Slow() == nil {
		t.Error("not routed")
	}
	p.want(p.check(p.x.Busy(7)), "5.03 Max-Age=7")
	p.x.Route(m, &p.terms, p.dst)
	p.x.Run()
	p.want(p.check(p.x.Finish()), "2.05 Content-Format=0 |x")
	func() {
		defer func() { recover() }()
		p.x.Route(request(1, "/panics", nil), &p.terms, p.dst)
		p.x.Run()
	}()
	p.want(p.check(p.x.Abandon()), "5.00")
	if !p.x.Route(request(1, "/none", nil), &p.terms, p.dst) || p.x.Pattern() != "" {
		t.Error("routed")
	}
	p.want(p.check(p.x.Finish()), "4.04")
	p.terms.Max = 3
	p.want(p.get("/a"), "2.05 Content-Format=0 |x")
	p.terms.Max = 2
	if a := p.get("/a"); a.Code != coap.CodeInternalServerError {
		t.Error(show(a))
	}
}

// TestCritical refuses by 4.02 what Options.Critical does, and nothing else, whether
// or not there is a route: it is asked only where an option is that the router does
// not know.
func TestCritical(t *testing.T) {
	const own = 65001
	r := new(resource.Router)
	answers := func(w resource.Response, r *resource.Request) error { return w.Text("x") }
	for _, route := range []resource.Route{
		{Pattern: "GET /plain", Handler: answers},
		{Pattern: "GET /minds", Handler: answers, Conditional: true, Understands: []coap.Option{own}},
	} {
		if err := r.Add(route); err != nil {
			t.Fatal(err)
		}
	}
	var all []option
	for _, n := range []coap.Option{0, 1, 3, 4, 5, 6, 7, 8, 9, 12, 14, 15, 16, 17, 19, 20, 21, 23, 27, 28, 31, 35, 39, 60, 252, 258, 292, own - 1, own, own + 2} {
		for _, length := range []int{0, 1, 2, 3, 4, 8, 9, 256} {
			all = append(all, option{n, strings.Repeat("\x00", length)})
		}
	}
	p := newPeer(t, r, 300)
	refused := 0
	for i, one := range all {
		for _, other := range all[i:] {
			for path, understood := range map[string][]coap.Option{"/plain": nil, "/minds": {1, 5, own}, "/none": {1, 5}} {
				m := request(coap.CodeGET, path, nil, one, other)
				_, bad := m.Options.Critical(understood)
				if a := p.x.Serve(m, &p.terms, p.dst); (a.Code == coap.CodeBadOption) != bad {
					t.Fatalf("%s with %d (%d bytes) and %d (%d bytes): %v, want 4.02: %v", path, one.n, len(one.v), other.n, len(other.v), a.Code, bad)
				}
				if bad {
					refused++
				}
			}
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
}
