package resource_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/resource"
)

// pushed is a message that was pushed.
type pushed struct {
	peer     uint64
	m        coap.Message // a copy
	mark     int
	overflow engine.Overflow
}

// pusher is a Pusher that keeps what it is given.
type pusher struct {
	mu   sync.Mutex
	got  []pushed
	errs map[uint64]error

	during  func()           // called when something is pushed, if it is set
	router  *resource.Router // if it is set, to be asked when there was an answer
	waiting []int
	tooLong string // a token for which nothing but an error fits
}

func (p *pusher) Push(peer uint64, m coap.Message, mark int, o engine.Overflow) error {
	if f := p.during; f != nil {
		p.during = nil
		f()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.errs[peer]; err != nil {
		return err
	}
	if string(m.Token) == p.tooLong && !m.Code.IsError() {
		return errors.New("too long")
	}
	// What is pushed must be well formed, to the byte.
	b := coap.AppendTCP(nil, m)
	c, n, err := coap.ParseTCP(b)
	if err != nil || n != len(b) || !m.Code.IsResponse() {
		panic(fmt.Sprintf("pushed %v: %v", m, err))
	}
	p.got = append(p.got, pushed{peer, c, mark, o})
	return nil
}

// Answered notes how many tickets the peer has then.
func (p *pusher) Answered(peer uint64) {
	if p.router != nil {
		n, _ := p.router.Waiting(p, peer, nil)
		p.waiting = append(p.waiting, n)
	}
}

// take is what was pushed since it was last called.
func (p *pusher) take() []pushed {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got
	p.got = nil
	return got
}

// peer is a client without a transport.
type peer struct {
	t     testing.TB
	x     *resource.Exchange
	p     *pusher
	terms resource.Terms
	dst   []byte
	token []byte
	bare  bool // further blocks are asked for without the payload
}

// newPeer is a peer of a router, whose answers have size bytes.
func newPeer(t testing.TB, r *resource.Router, size int) *peer {
	t.Helper()
	p := &peer{t: t, p: &pusher{errs: map[uint64]error{}}, token: []byte("tok"), dst: make([]byte, 7, 7+size)}
	p.x = resource.NewExchange(r, 0, make([]byte, 512))
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	p.terms = resource.Terms{SZX: 6, Pusher: p.p, Peer: 1, Now: 1}
	return p
}

// option is an option of a message.
type option struct {
	n coap.Option
	v string
}

func number(n coap.Option, v uint64) option {
	o := coap.Options(coap.AppendUintOption(nil, 0, n, v))
	b, _ := rawOption(o, n)
	return option{n, string(b)}
}

func rawOption(o coap.Options, n coap.Option) ([]byte, bool) {
	it := o.Iter()
	for it.Next() {
		if it.Number == n {
			return it.Value, true
		}
	}
	return nil, false
}

func block(n coap.Option, num uint32, more bool, szx uint8) option {
	return number(n, uint64(coap.Block{Num: num, More: more, SZX: szx}.Uint()))
}

// request makes a message; the path may have a query.
func request(code coap.Code, path string, payload []byte, opts ...option) coap.Message {
	path, query, _ := strings.Cut(path, "?")
	var o []byte
	if path = strings.TrimPrefix(path, "/"); path != "" {
		for _, s := range strings.Split(path, "/") {
			o = coap.InsertOption(o, coap.OptURIPath, []byte(s))
		}
	}
	if query != "" {
		for _, s := range strings.Split(query, "&") {
			o = coap.InsertOption(o, coap.OptURIQuery, []byte(s))
		}
	}
	for _, p := range opts {
		o = coap.InsertOption(o, p.n, []byte(p.v))
	}
	return coap.Message{Code: code, Options: o, Payload: payload}
}

// answer is what came.
type answer struct {
	coap.Message
	later, none bool
}

// ask sends a request, as bytes, and gives the answer, which went through bytes
// too.
func (p *peer) ask(m coap.Message) answer {
	p.t.Helper()
	m.Token = p.token
	sent := coap.AppendTCP(nil, m)
	m, n, err := coap.ParseTCP(sent)
	if err != nil || n != len(sent) {
		p.t.Fatalf("the request is malformed: %v", err)
	}
	before := bytes.Clone(sent)
	a := p.x.Serve(m, &p.terms, p.dst)
	if !bytes.Equal(before, sent) {
		p.t.Error("the request was written to")
	}
	return p.check(a)
}

// check takes an answer as its peer would.
func (p *peer) check(a resource.Answer) answer {
	p.t.Helper()
	if a.Later {
		return answer{later: true}
	}
	if len(a.Body) > cap(p.dst)-len(p.dst) || p.terms.Max > 0 && len(a.Body) > p.terms.Max {
		p.t.Fatalf("answer of %d bytes", len(a.Body))
	}
	if len(a.Body) > 0 && &a.Body[0] != &p.dst[:len(p.dst)+1][len(p.dst)] {
		p.t.Error("the answer is not where it belongs")
	}
	b := coap.AppendTCPHeader(nil, a.Code, p.token, len(a.Body))
	b = append(b, a.Body...)
	m, n, err := coap.ParseTCP(b)
	if err != nil || n != len(b) || !m.Code.IsResponse() {
		p.t.Fatalf("the answer %v %x is malformed: %v", a.Code, a.Body, err)
	}
	if o, bad := m.Options.Critical([]coap.Option{coap.OptLocationPath}); bad {
		p.t.Fatalf("the answer has a bad option %v", o)
	}
	return answer{m, false, a.None}
}

// get asks with GET.
func (p *peer) get(path string, opts ...option) answer {
	p.t.Helper()
	return p.ask(request(coap.CodeGET, path, nil, opts...))
}

// want compares an answer with its text: code, options, payload.
func (p *peer) want(a answer, want string) {
	p.t.Helper()
	if got := show(a); got != want {
		p.t.Errorf("got  %s\nwant %s", got, want)
	}
}

// show is an answer as text: "2.05 Content-Format=0 Block2=0/1/6 |payload".
func show(a answer) string {
	if a.later {
		return "later"
	}
	s := a.Code.String()
	if a.none {
		s = "none " + s
	}
	it := a.Options.Iter()
	for it.Next() {
		d, _ := it.Number.Definition()
		switch {
		case it.Number == coap.OptBlock1 || it.Number == coap.OptBlock2:
			b, _ := coap.ParseBlock(it.Value)
			more := 0
			if b.More {
				more = 1
			}
			s += fmt.Sprintf(" %v=%d/%d/%d", it.Number, b.Num, more, b.SZX)
		case d.Kind == coap.KindUint:
			v, _ := coap.ParseUint(it.Value)
			s += fmt.Sprintf(" %v=%d", it.Number, v)
		default:
			s += fmt.Sprintf(" %v=%s", it.Number, it.Value)
		}
	}
	if len(a.Payload) > 0 {
		s += " |" + string(a.Payload)
	}
	return s
}

// text is a handler that answers with a text.
func text(s string) resource.Handler {
	return func(w resource.Response, r *resource.Request) error { return w.Text(s) }
}

// newRouter is a router of routes.
func newRouter(t testing.TB, routes ...resource.Route) *resource.Router {
	t.Helper()
	r := new(resource.Router)
	for _, route := range routes {
		if err := r.Add(route); err != nil {
			t.Fatal(err)
		}
	}
	return r
}
