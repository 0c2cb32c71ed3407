package resource_test

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/resource"
)

// wantPushed compares what was pushed with its text, "peer token message".
func (p *peer) wantPushed(want ...string) {
	p.t.Helper()
	var got []string
	for _, m := range p.p.take() {
		got = append(got, fmt.Sprintf("%d %s %s", m.peer, m.m.Token, show(answer{Message: m.m})))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		p.t.Errorf("pushed\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// observable is a router with a topic, whose state is at /t.
func observable(t testing.TB, r *resource.Router) (topic *resource.Topic, state *string) {
	t.Helper()
	topic, state = r.NewTopic(resource.TopicOptions{}), new(string)
	*state = "state"
	err := r.Add(resource.Route{Pattern: "/t", Handler: func(w resource.Response, r *resource.Request) error {
		seen := r.Observe(topic)
		if fail, _ := r.Query("fail"); fail != nil {
			return resource.ErrNotFound
		}
		if soft, _ := r.Query("soft"); soft != nil {
			return w.Code(coap.CodeNotFound).Empty()
		}
		if seen != topicHas(r) && seen {
			return fmt.Errorf("observes what was not asked for")
		}
		return w.Code(coap.CodeContent).Format(coap.FormatText).ETag([]byte("E" + (*state)[:1])).Text(*state)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return topic, state
}

func topicHas(r *resource.Request) bool {
	v, ok := r.Options().Uint(coap.OptObserve)
	return ok && v == 0
}

func TestObserve(t *testing.T) {
	r := &resource.Router{Observations: 4, PerPeer: 3}
	topic, _ := observable(t, r)
	p := newPeer(t, r, 300)
	observe := func(v uint64) option { return number(coap.OptObserve, v) }
	as := func(peer uint64, token string) { p.terms.Peer, p.token = peer, []byte(token) }
	publish := func(s string, want int) {
		t.Helper()
		n, err := topic.Publish(resource.Notification{Payload: []byte(s)})
		if n != want || err != nil {
			t.Errorf("%d observers got it, %v; want %d", n, err, want)
		}
	}

	as(1, "a")
	p.want(p.get("/t", observe(0)), "2.05 ETag=Es Observe=0 Content-Format=0 |state")
	publish("one", 1)
	p.wantPushed("1 a 2.05 Observe=1 |one")
	as(2, "b")
	p.want(p.get("/t"), "2.05 ETag=Es Content-Format=0 |state")
	publish("two", 1)
	p.wantPushed("1 a 2.05 Observe=2 |two")

	// RFC 7641 section 4.1: the same token once more is the same observation.
	as(1, "a")
	p.want(p.get("/t", observe(0)), "2.05 ETag=Es Observe=2 Content-Format=0 |state")
	publish("three", 1)
	p.wantPushed("1 a 2.05 Observe=3 |three")
	// Another token is another, and so is another peer's.
	as(1, "c")
	p.get("/t", observe(0))
	as(2, "a")
	p.get("/t", observe(0))
	if topic.Len() != 3 || r.Stats().Observations != 3 {
		t.Errorf("%d observers", topic.Len())
	}
	publish("four", 3)
	p.wantPushed("2 a 2.05 Observe=4 |four", "1 c 2.05 Observe=4 |four", "1 a 2.05 Observe=4 |four")

	// RFC 7641 section 3.6: deregistration by the same token.
	as(1, "a")
	p.want(p.get("/t", observe(1)), "2.05 ETag=Es Content-Format=0 |state")
	as(1, "x")
	p.want(p.get("/t", observe(1)), "2.05 ETag=Es Content-Format=0 |state")
	publish("five", 2)
	p.wantPushed("2 a 2.05 Observe=5 |five", "1 c 2.05 Observe=5 |five")

	// RFC 7641 section 4.1: an answer that is an error registers nobody, and
	// ends what was.
	as(2, "a")
	p.want(p.get("/t?fail=1", observe(0)), "4.04 |resource: not found")
	as(3, "s")
	p.want(p.get("/t?soft=1", observe(0)), "4.04")
	as(3, "a")
	p.want(p.get("/t?fail=1", observe(0)), "4.04 |resource: not found")
	publish("six", 1)
	p.wantPushed("1 c 2.05 Observe=6 |six")

	// RFC 7641 section 2: other methods observe nothing, nor other values.
	as(4, "a")
	p.want(p.ask(request(coap.CodePOST, "/t", nil, observe(0))), "2.05 ETag=Es Content-Format=0 |state")
	p.want(p.get("/t", observe(2)), "2.05 ETag=Es Content-Format=0 |state")
	// RFC 8132 section 2.4: FETCH does.
	p.want(p.ask(request(coap.CodeFETCH, "/t", []byte("x"), observe(0))), "2.05 ETag=Es Observe=6 Content-Format=0 |state")
	// RFC 7959 section 2.6: further blocks are no registrations.
	as(4, "b")
	p.want(p.get("/t", observe(0), block(coap.OptBlock2, 1, false, 0)), "4.00 |resource: bad request")
	// RFC 7252 sections 5.4.3 and 5.4.5: a length that Observe cannot have, and
	// two of them.
	p.want(p.get("/t", option{coap.OptObserve, "\x00\x00\x00\x00"}), "2.05 ETag=Es Content-Format=0 |state")
	p.want(p.get("/t", observe(1), observe(0)), "2.05 ETag=Es Content-Format=0 |state")
	if topic.Len() != 2 {
		t.Errorf("%d observers", topic.Len())
	}

	// Bounds: of the router, of a peer, and of tokens. Who is not registered
	// is answered all the same.
	as(1, "d")
	p.want(p.get("/t", observe(0)), "2.05 ETag=Es Observe=6 Content-Format=0 |state")
	as(1, "e")
	p.want(p.get("/t", observe(0)), "2.05 ETag=Es Observe=6 Content-Format=0 |state")
	r.Cancel(p.p, 4, []byte("a"))
	as(1, "f")
	p.want(p.get("/t", observe(0)), "2.05 ETag=Es Content-Format=0 |state")
	as(5, "f")
	p.want(p.get("/t", observe(0)), "2.05 ETag=Es Observe=6 Content-Format=0 |state")
	as(6, "f")
	p.want(p.get("/t", observe(0)), "2.05 ETag=Es Content-Format=0 |state")
	r.Gone(p.p, 1)
	as(6, "token of 9")
	p.want(p.get("/t", observe(0)), "2.05 ETag=Es Content-Format=0 |state")
	publish("seven", 1)
	p.wantPushed("5 f 2.05 Observe=7 |seven")

	// A peer that has gone, and one that is slow.
	as(7, "g")
	p.get("/t", observe(0))
	as(8, "h")
	p.get("/t", observe(0))
	p.p.errs[5], p.p.errs[7] = pool.ErrStale, pool.ErrBacklog
	publish("eight", 1)
	p.wantPushed("8 h 2.05 Observe=8 |eight")
	p.p.errs[5], p.p.errs[7] = nil, pool.ErrSealed
	publish("nine", 1)
	p.wantPushed("8 h 2.05 Observe=9 |nine")
	p.p.errs[7] = nil
	publish("ten", 1)
	p.wantPushed("8 h 2.05 Observe=10 |ten")
	if s := topic.Stats(); s != (resource.TopicStats{Published: 10, Delivered: 13, Dropped: 1, Ended: 2, Observers: 1}) {
		t.Errorf("%+v", s)
	}

	// RFC 7641 section 4.2: an error is the last, and has no number.
	n, err := topic.Publish(resource.Notification{Code: coap.CodeNotFound, Payload: []byte("gone")})
	if n != 1 || err != nil || topic.Len() != 0 {
		t.Errorf("%d, %v, %d left", n, err, topic.Len())
	}
	p.wantPushed("8 h 4.04 |gone")
	publish("nobody", 0)
}

// TestPlaces has an observer go while it is told, and another come, who has the
// same place in the table: that one stays.
func TestPlaces(t *testing.T) {
	r := &resource.Router{Observations: 2}
	topic, _ := observable(t, r)
	p := newPeer(t, r, 300)
	observe := func(peer uint64) {
		p.terms.Peer = peer
		p.get("/t", number(coap.OptObserve, 0))
	}
	observe(1)
	observe(2)
	p.p.errs[2] = pool.ErrStale
	p.p.during = func() {
		r.Gone(p.p, 2)
		observe(3)
	}
	if n, err := topic.Publish(resource.Notification{Payload: []byte("x")}); n != 1 || err != nil || topic.Len() != 2 {
		t.Errorf("%d have got it, %v, and there are %d", n, err, topic.Len())
	}
	p.wantPushed("1 tok 2.05 Observe=1 |x")
	// All go while they are told.
	p.p.during = func() {
		r.Gone(p.p, 1)
		r.Gone(p.p, 3)
	}
	topic.Publish(resource.Notification{Payload: []byte("y")})
	if topic.Len() != 0 {
		t.Errorf("%d observers", topic.Len())
	}
	// RFC 7641 section 4.1: one token stands for one topic at a time.
	other := r.NewTopic(resource.TopicOptions{})
	r2 := new(resource.Router)
	topics := []*resource.Topic{r2.NewTopic(resource.TopicOptions{}), r2.NewTopic(resource.TopicOptions{})}
	for i, path := range []string{"/one", "/two"} {
		if err := r2.Handle(path, func(w resource.Response, r *resource.Request) error {
			if r.Observe(other) || !r.Observe(topics[i]) || r.Observe(topics[1-i]) {
				t.Error("observes another's topic, or two")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	p = newPeer(t, r2, 300)
	p.want(p.get("/one", number(coap.OptObserve, 0)), "2.05 Observe=0")
	p.want(p.get("/two", number(coap.OptObserve, 0)), "2.05 Observe=0")
	if topics[0].Len() != 0 || topics[1].Len() != 1 {
		t.Errorf("%d and %d observers", topics[0].Len(), topics[1].Len())
	}
}

// TestManyObservers has more of them than are told at once, some of whom go in
// the midst of it.
func TestManyObservers(t *testing.T) {
	r := &resource.Router{Observations: 100}
	topic, _ := observable(t, r)
	p := newPeer(t, r, 300)
	for i := range uint64(50) {
		p.terms.Peer = i
		p.get("/t", number(coap.OptObserve, 0))
	}
	p.p.during = func() {
		for i := range uint64(50) {
			if i%3 == 0 || i > 30 && i < 43 {
				r.Gone(p.p, i)
			}
		}
	}
	topic.Publish(resource.Notification{Payload: []byte("x")})
	seen := map[uint64]int{}
	for _, m := range p.p.take() {
		seen[m.peer]++
	}
	for i := range uint64(50) {
		if gone := i%3 == 0 || i > 30 && i < 43; seen[i] != 1 && !gone || seen[i] > 1 {
			t.Errorf("%d was told %d times", i, seen[i])
		}
	}
}

func TestNotifications(t *testing.T) {
	r := new(resource.Router)
	topic, state := observable(t, r)
	p := newPeer(t, r, 300)
	get := func(token string, opts ...option) {
		p.token = []byte(token)
		p.get("/t", append(opts, number(coap.OptObserve, 0))...)
	}
	get("plain")
	get("tagged", option{coap.OptETag, "one"})
	get("small", block(coap.OptBlock2, 0, false, 0))
	long := strings.Repeat("long", 300)
	opts := coap.AppendUintOption(coap.AppendUintOption(nil, 0, coap.OptContentFormat, 50), coap.OptContentFormat, coap.OptMaxAge, 9)
	for _, test := range []struct {
		why  string
		n    resource.Notification
		want []string
	}{
		{"RFC 7641 section 4.2: another code", resource.Notification{Code: coap.CodeChanged, Payload: []byte("x")},
			[]string{"1 small 2.04 Observe=1 |x", "1 tagged 2.04 Observe=1 |x", "1 plain 2.04 Observe=1 |x"}},
		{"options", resource.Notification{Options: opts, Payload: []byte("x")},
			[]string{"1 small 2.05 Observe=2 Content-Format=50 Max-Age=9 |x", "1 tagged 2.05 Observe=2 Content-Format=50 Max-Age=9 |x", "1 plain 2.05 Observe=2 Content-Format=50 Max-Age=9 |x"}},
		{"RFC 7641 section 4.3.1: a state that one has", resource.Notification{Options: opts, ETag: []byte("one"), Payload: []byte("x")},
			[]string{"1 small 2.05 ETag=one Observe=3 Content-Format=50 Max-Age=9 |x", "1 tagged 2.03 ETag=one Observe=3 Max-Age=9", "1 plain 2.05 ETag=one Observe=3 Content-Format=50 Max-Age=9 |x"}},
		{"RFC 7959 section 2.6: a long one goes as its first block", resource.Notification{ETag: []byte("two"), Payload: []byte(long)},
			[]string{"1 small 2.05 ETag=two Observe=4 Block2=0/1/0 Size2=1200 |" + long[:16], "1 tagged 2.05 ETag=two Observe=4 Block2=0/1/6 Size2=1200 |" + long[:1024], "1 plain 2.05 ETag=two Observe=4 Block2=0/1/6 Size2=1200 |" + long[:1024]}},
		{"no payload", resource.Notification{Code: coap.CodeDeleted},
			[]string{"1 small 2.02 Observe=5", "1 tagged 2.02 Observe=5", "1 plain 2.02 Observe=5"}},
	} {
		if _, err := topic.Publish(test.n); err != nil {
			t.Errorf("%s: %v", test.why, err)
		}
		p.wantPushed(test.want...)
	}
	for _, test := range []struct {
		why  string
		n    resource.Notification
		want error
	}{
		{"a request's code", resource.Notification{Code: coap.CodeGET}, resource.ErrMisuse},
		{"2.31", resource.Notification{Code: coap.CodeContinue}, resource.ErrMisuse},
		{"too many options", resource.Notification{Options: coap.InsertOption(nil, 2048, make([]byte, 65))}, resource.ErrLong},
		{"malformed options", resource.Notification{Options: coap.Options{0xFF}}, resource.ErrOption},
		{"Observe is ours", resource.Notification{Options: coap.AppendUintOption(nil, 0, coap.OptObserve, 1)}, resource.ErrOption},
		{"Block2 is ours", resource.Notification{Options: coap.AppendUintOption(nil, 0, coap.OptBlock2, 1)}, resource.ErrOption},
		{"ETag has its field", resource.Notification{Options: coap.AppendUintOption(nil, 0, coap.OptETag, 1)}, resource.ErrOption},
		{"an ETag of 9 bytes", resource.Notification{ETag: make([]byte, 9)}, resource.ErrOption},
	} {
		if _, err := topic.Publish(test.n); err != test.want {
			t.Errorf("%s: %v, want %v", test.why, err, test.want)
		}
	}
	p.wantPushed()
	// The rest of a long one is fetched, and is of the same state: the hash is
	// that of answers.
	h := resource.Route{Pattern: "/hashed", Handler: func(w resource.Response, r *resource.Request) error { return w.Text(long) }}
	r2 := newRouter(t, h)
	topic2 := r2.NewTopic(resource.TopicOptions{Mark: 7, Slow: resource.CloseSlow})
	if err := r2.Add(resource.Route{Pattern: "/obs", Handler: func(w resource.Response, r *resource.Request) error {
		r.Observe(topic2)
		return w.Text(long[:600], long[600:])
	}}); err != nil {
		t.Fatal(err)
	}
	p2 := newPeer(t, r2, 300)
	p2.want(p2.get("/obs", number(coap.OptObserve, 0), block(coap.OptBlock2, 0, false, 2)), "2.05 ETag="+hashed(p2, "/hashed")+" Observe=0 Content-Format=0 Block2=0/1/2 Size2=1200 |"+long[:64])
	topic2.Publish(resource.Notification{Payload: []byte(long)})
	got := p2.p.take()
	if len(got) != 1 || show(answer{Message: got[0].m}) != "2.05 ETag="+hashed(p2, "/hashed")+" Observe=1 Block2=0/1/2 Size2=1200 |"+long[:64] {
		t.Errorf("%+v", got)
	}
	if got[0].mark != 7 || got[0].overflow != engine.CloseSlow {
		t.Errorf("pushed with %d, %d", got[0].mark, got[0].overflow)
	}
	_ = state
	// RFC 7959 section 2.6: to ask for a further block is no registration.
	p2.token = []byte("more")
	p2.want(p2.get("/obs", number(coap.OptObserve, 0), block(coap.OptBlock2, 1, false, 0)), "2.05 ETag="+hashed(p2, "/hashed")+" Content-Format=0 Block2=1/1/0 |"+long[16:32])
	if n := topic2.Len(); n != 1 {
		t.Errorf("%d observers", n)
	}
	// An observer that takes little gets little, and one that cannot take it at
	// all is told that this is the end.
	p2.terms.Max, p2.token = 200, []byte("max")
	p2.get("/obs", number(coap.OptObserve, 0))
	topic2.Publish(resource.Notification{Payload: []byte(long), ETag: []byte("m")})
	p2.wantPushed("1 max 2.05 ETag=m Observe=2 Block2=0/1/2 Size2=1200 |"+long[:64], "1 tok 2.05 ETag=m Observe=2 Block2=0/1/2 Size2=1200 |"+long[:64])
	p2.p.tooLong = "max"
	topic2.Publish(resource.Notification{Payload: []byte(long), ETag: []byte("m")})
	p2.wantPushed("1 max 5.00", "1 tok 2.05 ETag=m Observe=3 Block2=0/1/2 Size2=1200 |"+long[:64])
	if n := topic2.Len(); n != 1 {
		t.Errorf("%d observers", n)
	}
	// RFC 7641 section 4.4: the numbers go around.
	resource.SetSequence(topic2, 1<<24-1)
	topic2.Publish(resource.Notification{})
	p2.wantPushed("1 tok 2.05 Observe=0")
}

// hashed is the ETag of a path.
func hashed(p *peer, path string) string {
	v, _ := rawOption(p.get(path, block(coap.OptBlock2, 0, false, 0)).Options, coap.OptETag)
	return string(v)
}

func TestTickets(t *testing.T) {
	r := &resource.Router{Tickets: 3, PerPeer: 2}
	topic := r.NewTopic(resource.TopicOptions{})
	var ticket resource.Ticket
	var early string
	h := func(w resource.Response, r *resource.Request) (err error) {
		if v, _ := r.Query("obs"); v != nil {
			r.Observe(topic)
		}
		if ticket, err = r.Later(1e9); err != nil {
			return err
		}
		if _, err := r.Later(1e9); err != resource.ErrMisuse {
			return err
		}
		switch early {
		case "answered":
			return w.Text("at once")
		case "given":
			ticket.Answer(coap.CodeContent, nil, []byte("by another"))
			return w.Text("too late")
		case "failed":
			return resource.ErrNotFound
		}
		return nil
	}
	for _, path := range []string{"GET /l", "POST /l"} {
		if err := r.Handle(path, h); err != nil {
			t.Fatal(err)
		}
	}
	p := newPeer(t, r, 300)
	answer := func(c coap.Code, s string, opts coap.Options, want error) {
		t.Helper()
		if err := ticket.Answer(c, opts, []byte(s)); err != want {
			t.Errorf("Answer: %v, want %v", err, want)
		}
	}
	waiting := func(want int) {
		t.Helper()
		if n, same := r.Waiting(p.p, 1, []byte("tok")); n != want || same != (want > 0) || r.Stats().Tickets > want {
			t.Errorf("%d tickets, %v, %d of all", n, same, r.Stats().Tickets)
		}
	}
	p.want(p.get("/l"), "later")
	waiting(1)
	answer(coap.CodeContent, "now", coap.AppendUintOption(nil, 0, coap.OptContentFormat, 50), nil)
	p.wantPushed("1 tok 2.05 Content-Format=50 |now")
	answer(coap.CodeContent, "again", nil, pool.ErrStale)
	waiting(0)
	if err := (resource.Ticket{}).Answer(coap.CodeContent, nil, nil); err != pool.ErrStale {
		t.Errorf("the zero ticket: %v", err)
	}

	// Nor does an old ticket answer for who has its place now.
	old := ticket
	p.want(p.get("/l"), "later")
	if err := old.Answer(coap.CodeContent, nil, nil); err != pool.ErrStale || old == ticket {
		t.Errorf("an old ticket: %v", err)
	}
	answer(coap.CodeContent, "new", nil, nil)
	p.wantPushed("1 tok 2.05 |new")

	early = "answered"
	p.want(p.get("/l"), "2.05 Content-Format=0 |at once")
	answer(coap.CodeContent, "later", nil, pool.ErrStale)
	early = "failed"
	p.want(p.get("/l"), "4.04 |resource: not found")
	answer(coap.CodeContent, "later", nil, pool.ErrStale)
	early = "given"
	p.want(p.get("/l"), "later")
	p.wantPushed("1 tok 2.05 |by another")
	early = ""

	// What cannot be sent leaves the ticket as it was.
	p.want(p.get("/l"), "later")
	answer(coap.CodeGET, "", nil, resource.ErrMisuse)
	answer(coap.CodeContent, "", coap.Options{0xFF}, resource.ErrOption)
	answer(coap.CodeContent, "", coap.AppendUintOption(nil, 0, coap.OptBlock2, 1), resource.ErrOption)
	answer(coap.CodeContent, "", coap.InsertOption(nil, 2048, make([]byte, 65)), resource.ErrLong)
	waiting(1)
	// It is waited for until it is pushed.
	p.p.router = r
	p.p.during = func() { waiting(1) }
	answer(coap.CodeContent, "", nil, nil)
	p.wantPushed("1 tok 2.05")
	if p.p.router = nil; fmt.Sprint(p.p.waiting) != "[0]" {
		t.Errorf("told of %v", p.p.waiting)
	}

	// Blocks of what is asked for again, and none of what is not.
	long := strings.Repeat("0123456789abcdef", 4)
	p.terms.Max = 40
	p.want(p.get("/l"), "later")
	answer(coap.CodeContent, long, coap.InsertOption(nil, coap.OptETag, []byte("t")), nil)
	p.wantPushed("1 tok 2.05 ETag=t Block2=0/1/0 Size2=64 |0123456789abcdef")
	p.want(p.get("/l", block(coap.OptBlock2, 3, false, 0)), "later")
	answer(coap.CodeContent, long, coap.InsertOption(nil, coap.OptETag, []byte("t")), nil)
	p.wantPushed("1 tok 2.05 ETag=t Block2=3/0/0 |0123456789abcdef")
	p.want(p.get("/l", block(coap.OptBlock2, 4, false, 0)), "later")
	answer(coap.CodeContent, long, nil, nil)
	p.wantPushed("1 tok 4.00")
	p.want(p.ask(request(coap.CodePOST, "/l", nil)), "later")
	answer(coap.CodeContent, long, nil, resource.ErrLong)
	answer(coap.CodeContent, long[:39], nil, nil)
	p.wantPushed("1 tok 2.05 |" + long[:39])
	p.terms.Max = 0

	// RFC 7967 section 2.1
	p.want(p.get("/l", number(coap.OptNoResponse, 2)), "later")
	answer(coap.CodeContent, "silence", nil, nil)
	p.wantPushed()

	// RFC 7641 section 4.1: an observation whose first answer comes later.
	p.want(p.get("/l?obs=1", number(coap.OptObserve, 0)), "later")
	answer(coap.CodeContent, "first", nil, nil)
	p.wantPushed("1 tok 2.05 Observe=0 |first")
	topic.Publish(resource.Notification{Payload: []byte("second")})
	p.wantPushed("1 tok 2.05 Observe=1 |second")
	p.want(p.get("/l?obs=1", number(coap.OptObserve, 0)), "later")
	answer(coap.CodeNotFound, "none", nil, nil)
	p.wantPushed("1 tok 4.04 |none")
	if topic.Len() != 0 {
		t.Error("an error has left an observation")
	}

	// Bounds, limits, ends.
	p.want(p.get("/l"), "later")
	p.want(p.get("/l"), "later")
	p.want(p.get("/l"), "5.03 |resource: table is full")
	p.terms.Peer = 2
	p.want(p.get("/l"), "later")
	p.terms.Peer = 3
	p.want(p.get("/l"), "5.03 |resource: table is full")
	r.Gone(p.p, 2)
	answer(coap.CodeContent, "gone", nil, pool.ErrStale)
	p.terms.Now = 5
	p.want(p.get("/l"), "later")
	last := ticket
	if next := r.Sweep(p.p, 1e9); next != 1e9+1 {
		t.Errorf("next at %d", next)
	}
	if next := r.Sweep(new(pusher), 1e18); next != math.MaxInt64 {
		t.Errorf("another's next at %d", next)
	}
	p.wantPushed()
	if next := r.Sweep(p.p, 1e9+1); next != 1e9+5 {
		t.Errorf("next at %d", next)
	}
	p.wantPushed("1 tok 5.03 Max-Age=5", "1 tok 5.03 Max-Age=5")
	if next := r.Sweep(p.p, 1e9+5); next != math.MaxInt64 || r.Stats().Expired != 3 {
		t.Errorf("next at %d, %+v", next, r.Stats())
	}
	ticket = last
	answer(coap.CodeContent, "late", nil, pool.ErrStale)
	p.wantPushed("3 tok 5.03 Max-Age=5")
	p.token = []byte("a long token")
	p.want(p.get("/l"), "5.03 |resource: table is full")
	p.terms.Pusher = nil
	p.want(p.get("/l"), "5.00 |resource: response staged in the wrong order")
}

// TestRaces has everything happen at once.
func TestRaces(t *testing.T) {
	r := &resource.Router{Observations: 20, Tickets: 10, Transfers: 4, Gather: 64, Gathers: 2}
	topic := r.NewTopic(resource.TopicOptions{})
	given := make(chan resource.Ticket, 100)
	for _, route := range []resource.Route{
		{Pattern: "GET /t", Handler: func(w resource.Response, r *resource.Request) error {
			r.Observe(topic)
			return w.Text("x")
		}},
		{Pattern: "GET /l", Handler: func(w resource.Response, r *resource.Request) error {
			k, err := r.Later(1e6)
			if err == nil {
				select {
				case given <- k:
				default:
				}
			}
			return err
		}},
		{Pattern: "PUT /d", Dropped: func(v any) { *v.(*int)++ }, Data: func(w resource.Response, r *resource.Request, p resource.Part) error {
			if r.Value() == nil {
				r.SetValue(new(int))
			}
			*r.Value().(*int)++
			return nil
		}},
		{Pattern: "PUT /w", Handler: func(w resource.Response, r *resource.Request) error { return w.Bytes(0, r.Payload()) }},
	} {
		if err := r.Add(route); err != nil {
			t.Fatal(err)
		}
	}
	shared := &pusher{errs: map[uint64]error{3: pool.ErrStale}}
	var all sync.WaitGroup
	stop := make(chan struct{})
	run := func(f func(i int)) {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					f(i)
				}
			}
		}()
	}
	for w := range 3 {
		x := resource.NewExchange(r, w, nil)
		dst := make([]byte, 0, 200)
		terms := resource.Terms{SZX: 6, Pusher: shared}
		run(func(i int) {
			terms.Peer, terms.Now = uint64(i%5), int64(i)
			token := []byte{byte(i % 7)}
			ask := func(m coap.Message) {
				m.Token = token
				if i%11 == 0 {
					if !x.Route(m, &terms, dst) {
						x.Run()
					}
					x.Abandon()
					return
				}
				x.Serve(m, &terms, dst)
			}
			ask(request(coap.CodeGET, "/t", nil, number(coap.OptObserve, uint64(i%4/3))))
			ask(request(coap.CodeGET, "/l", nil))
			path := []string{"/d", "/w"}[i/2%2]
			payload := make([]byte, 16)
			ask(request(coap.CodePUT, path, payload, block(coap.OptBlock1, 0, true, 0)))
			runtime.Gosched()
			ask(request(coap.CodePUT, path, payload, block(coap.OptBlock1, 1, true, 0)))
			ask(request(coap.CodePUT, path, payload[:1], block(coap.OptBlock1, 2, false, 0), block(coap.OptBlock2, 0, false, 0)))
			ask(request(coap.CodePUT, path, nil, block(coap.OptBlock2, 1, false, 0)))
		})
	}
	for range 2 {
		payload := make([]byte, 20)
		run(func(int) { topic.Publish(resource.Notification{Payload: payload}) })
	}
	run(func(i int) {
		select {
		case k := <-given:
			k.Answer(coap.CodeContent, nil, nil)
		default:
		}
		if i%50 == 0 {
			r.Gone(shared, uint64(i/50%5))
		}
		r.Sweep(shared, int64(i))
		r.Stats()
		shared.take()
	})
	for i := 0; i < 200; i++ {
		topic.Publish(resource.Notification{Payload: make([]byte, 2000)})
		runtime.Gosched()
	}
	close(stop)
	all.Wait()
	for i := range uint64(5) {
		r.Gone(shared, i)
	}
	if s := r.Stats(); s.Observations != 0 || s.Tickets != 0 || s.Transfers != 0 || topic.Len() != 0 {
		t.Errorf("left: %+v", s)
	}
}
