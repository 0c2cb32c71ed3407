package conformance

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// coapOption is an option of a request.
type coapOption struct {
	number int
	value  string
}

// coapRequest is a request as any client can send it.
type coapRequest struct {
	method  string // GET if it is empty
	payload string
	format  int // of the payload; -1 says nothing
	block   int // size of the blocks that the client asks for; 0 leaves it to the client
	token   string
	options []coapOption
	non     bool // non-confirmable, over UDP
}

// coapAnswer is what came back.
type coapAnswer struct {
	code    string // such as 2.05
	payload string
}

// coapClient is a client, ours or another's.
type coapClient interface {
	// do sends a request to a URL, on a connection of its own, and waits for
	// the whole answer.
	do(ctx context.Context, url string, r coapRequest) (coapAnswer, error)

	// observe waits for n states of a resource.
	observe(ctx context.Context, url string, n int) ([]string, error)

	// ping waits for a sign of life of the server of a resource that is still.
	ping(ctx context.Context, url string) error
}

// coapSite is a server, ours or another's, with what it has. An empty path says
// that it has nothing of the kind.
type coapSite struct {
	addr   string // HOST:PORT, of TCP and UDP
	secure string // the same of TLS, or empty
	noUDP  bool   // its UDP is that of another site

	small, says string // a resource with a short text
	fixed       string // one that cannot be deleted
	store       string // prefix of what can be put, got and deleted
	post        string // takes a POST of any size, and answers with the same
	large       string // has largeText
	clock       string // is observable, and changes
	still       string // is observable, and does not change for seconds
	links       string // what /.well-known/core is to contain
	filter      string // a query that has the links without the small resource
	strict      bool   // refuses unknown critical options
	formats     bool   // refuses formats that it has not
	conditional bool   // minds If-Match and If-None-Match where things are stored
}

// Numbers of options (RFC 7252 section 5.10).
const (
	optIfMatch     = 1
	optIfNoneMatch = 5
	optURIQuery    = 15
	optAccept      = 17
)

// largeText is a text of a megabyte, in which no two blocks are alike.
var largeText = func() string {
	var b strings.Builder
	for i := range 1 << 20 / 64 {
		fmt.Fprintf(&b, "%07d %-55s\n", i, "a bobtail squid, lit from below, casts no shadow")
	}
	return b.String()
}()

// coapCase is something that a client does at a server.
type coapCase struct {
	name string
	able func(*coapSite) bool // nil for all
	only string               // a network, or both if it is empty
	long bool                 // it takes seconds, of waiting
	run  func(*coapRun)
}

// coapRun is a case while it runs.
type coapRun struct {
	*testing.T
	ctx     context.Context
	client  coapClient
	site    *coapSite
	base    string // the URL, without a slash at its end
	network string
}

// do wants an answer with the code.
func (r *coapRun) do(path string, q coapRequest, code string) string {
	r.Helper()
	if q.payload == "" {
		q.format = -1
	}
	a, err := r.client.do(r.ctx, r.base+path, q)
	if err != nil {
		r.Fatalf("%s %s: %v", q.method, path, err)
	}
	if a.code != code {
		r.Fatalf("%s %s: %s %.100q, want %s", q.method, path, a.code, a.payload, code)
	}
	return a.payload
}

// same wants a text that may be long.
func (r *coapRun) same(got, want string) {
	r.Helper()
	if got == want {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	r.Errorf("%d bytes, want %d; the first that differs is byte %d: %.60q, want %.60q", len(got), len(want), at, got[at:], want[at:])
}

var coapCases = []coapCase{
	{name: "get", run: func(r *coapRun) {
		if got := r.do(r.site.small, coapRequest{}, "2.05"); !strings.Contains(got, r.site.says) {
			r.Errorf("%q, want %q in it", got, r.site.says)
		}
	}},
	{name: "get without acknowledgement", only: "udp", run: func(r *coapRun) {
		r.do(r.site.small, coapRequest{non: true}, "2.05")
	}},
	{name: "get what is not there", run: func(r *coapRun) { r.do("/not/here", coapRequest{}, "4.04") }},
	{name: "delete what cannot be", able: func(s *coapSite) bool { return s.fixed != "" }, run: func(r *coapRun) {
		r.do(r.site.fixed, coapRequest{method: "DELETE"}, "4.05")
	}},
	{name: "tokens", run: func(r *coapRun) {
		for _, token := range []string{"t", "to", "tokens", "tokens!!"} {
			r.do(r.site.small, coapRequest{token: token}, "2.05")
		}
	}},
	{name: "an unknown elective option is passed over", run: func(r *coapRun) {
		// Numbers for experiments, of which the even ones are elective.
		r.do(r.site.small, coapRequest{options: []coapOption{{65002, "x"}}}, "2.05")
		r.do(r.site.small, coapRequest{options: []coapOption{{65002, strings.Repeat("long", 100)}}}, "2.05")
	}},
	{name: "an unknown critical option is refused", able: func(s *coapSite) bool { return s.strict }, run: func(r *coapRun) {
		r.do(r.site.small, coapRequest{options: []coapOption{{65001, "x"}}}, "4.02")
	}},
	{name: "put, get and delete", able: func(s *coapSite) bool { return s.store != "" }, run: func(r *coapRun) {
		path := r.site.store + "small" + r.network
		if got, err := r.client.do(r.ctx, r.base+path, coapRequest{method: "PUT", payload: "first"}); err != nil || got.code != "2.01" && got.code != "2.04" {
			r.Fatalf("put: %v, %v", got, err)
		}
		r.do(path, coapRequest{method: "PUT", payload: "second"}, "2.04")
		if got := r.do(path, coapRequest{}, "2.05"); got != "second" {
			r.Errorf("get: %q", got)
		}
		r.do(path, coapRequest{method: "DELETE"}, "2.02")
		r.do(path, coapRequest{}, "4.04")
	}},
	{name: "blocks both ways by put and get", able: func(s *coapSite) bool { return s.store != "" }, run: func(r *coapRun) {
		for _, block := range []int{16, 64, 1024} {
			text := largeText[:block*21+5]
			path := fmt.Sprintf("%sblocks%s%d", r.site.store, r.network, block)
			if got, err := r.client.do(r.ctx, r.base+path, coapRequest{method: "PUT", payload: text, block: block}); err != nil || got.code != "2.01" && got.code != "2.04" {
				r.Fatalf("put in blocks of %d: %v, %v", block, got, err)
			}
			r.same(r.do(path, coapRequest{block: block}, "2.05"), text)
		}
	}},
	{name: "a megabyte by put and get", able: func(s *coapSite) bool { return s.store != "" }, run: func(r *coapRun) {
		path := r.site.store + "large" + r.network
		if got, err := r.client.do(r.ctx, r.base+path, coapRequest{method: "PUT", payload: largeText, format: 42}); err != nil || got.code != "2.01" && got.code != "2.04" {
			r.Fatalf("put: %v, %v", got, err)
		}
		r.same(r.do(path, coapRequest{}, "2.05"), largeText)
	}},
	{name: "post", able: func(s *coapSite) bool { return s.post != "" }, run: func(r *coapRun) {
		for _, n := range []int{1, 100, 1024, 1025, 5000} {
			got, err := r.client.do(r.ctx, r.base+r.site.post, coapRequest{method: "POST", payload: largeText[:n]})
			if err != nil || got.code != "2.04" && got.code != "2.05" {
				r.Fatalf("post of %d bytes: %.200v, %v", n, got, err)
			}
			r.same(got.payload, largeText[:n])
		}
	}},
	{name: "post in blocks", able: func(s *coapSite) bool { return s.post != "" }, run: func(r *coapRun) {
		for _, block := range []int{16, 256} {
			got, err := r.client.do(r.ctx, r.base+r.site.post, coapRequest{method: "POST", payload: largeText[:block*11+3], block: block})
			if err != nil || got.code != "2.04" && got.code != "2.05" {
				r.Fatalf("post in blocks of %d: %.200v, %v", block, got, err)
			}
			r.same(got.payload, largeText[:block*11+3])
		}
	}},
	{name: "a megabyte by post", able: func(s *coapSite) bool { return s.post != "" }, run: func(r *coapRun) {
		got, err := r.client.do(r.ctx, r.base+r.site.post, coapRequest{method: "POST", payload: largeText, format: 42})
		if err != nil || got.code != "2.04" && got.code != "2.05" {
			r.Fatalf("post: %.200v, %v", got, err)
		}
		r.same(got.payload, largeText)
	}},
	{name: "a megabyte by get", able: func(s *coapSite) bool { return s.large != "" }, run: func(r *coapRun) {
		r.same(r.do(r.site.large, coapRequest{}, "2.05"), largeText)
	}},
	{name: "observe", long: true, able: func(s *coapSite) bool { return s.clock != "" }, run: func(r *coapRun) {
		got, err := r.client.observe(r.ctx, r.base+r.site.clock, 3)
		if err != nil {
			r.Fatal(err)
		}
		// The first of a clock with seconds may be that of the second.
		if len(got) < 3 || len(slices.Compact(slices.Clone(got))) < 2 {
			r.Errorf("states %q, want three that change", got)
		}
	}},
	{name: "ping", long: true, able: func(s *coapSite) bool { return s.still != "" }, run: func(r *coapRun) {
		if err := r.client.ping(r.ctx, r.base+r.site.still); err != nil {
			r.Error(err)
		}
	}},
	{name: "links", able: func(s *coapSite) bool { return s.links != "" }, run: func(r *coapRun) {
		if got := r.do("/.well-known/core", coapRequest{}, "2.05"); !strings.Contains(got, r.site.links) {
			r.Errorf("%q, want %q in it", got, r.site.links)
		}
	}},
	{name: "some of the links", able: func(s *coapSite) bool { return s.filter != "" }, run: func(r *coapRun) {
		got := r.do("/.well-known/core", coapRequest{options: []coapOption{{optURIQuery, r.site.filter}}}, "2.05")
		if !strings.Contains(got, r.site.links) || strings.Contains(got, "<"+r.site.small+">") {
			r.Errorf("%q, want %q in it and not <%s>", got, r.site.links, r.site.small)
		}
	}},
	{name: "get in a format that there is not", able: func(s *coapSite) bool { return s.formats }, run: func(r *coapRun) {
		r.do(r.site.small, coapRequest{options: []coapOption{{optAccept, "2"}}}, "4.06") // 0x32, JSON
	}},
	{name: "put under conditions", able: func(s *coapSite) bool { return s.conditional }, run: func(r *coapRun) {
		path := r.site.store + "conditional" + r.network
		put := func(code string, o ...coapOption) {
			r.Helper()
			r.do(path, coapRequest{method: "PUT", payload: "text", options: o}, code)
		}
		put("4.12", coapOption{optIfMatch, "etag"})
		put("2.01", coapOption{optIfNoneMatch, ""})
		put("4.12", coapOption{optIfNoneMatch, ""})
		put("2.04", coapOption{optIfMatch, "other"}, coapOption{optIfMatch, "etag"})
	}},
}

// coapTest has a client do all cases at a server, over TCP and over UDP. unable
// has what the others cannot, by the name of a case with the network in front,
// and why.
func coapTest(t *testing.T, client coapClient, site *coapSite, unable map[string]string) {
	coapTestOver(t, client, site, "tcp", "coap+tcp://"+site.addr, unable)
	if !site.noUDP {
		coapTestOver(t, client, site, "udp", "coap://"+site.addr, unable)
	}
}

// coapTestOver does it over one network, by the first part of its URLs.
func coapTestOver(t *testing.T, client coapClient, site *coapSite, network, base string, unable map[string]string) {
	for _, c := range coapCases {
		if c.able != nil && !c.able(site) || c.only != "" && c.only != network {
			continue
		}
		t.Run(network+" "+c.name, func(t *testing.T) {
			if why, found := unable[network+" "+c.name]; found {
				t.Skip(why)
			}
			// Of uploads a server has room for some at a time.
			if c.long {
				t.Parallel()
			}
			ctx, cancel := context.WithTimeout(t.Context(), patient)
			defer cancel()
			c.run(&coapRun{T: t, ctx: ctx, client: client, site: site, base: base, network: network})
		})
	}
}

// coapPort is an address of the loopback that is free on TCP and UDP.
func coapPort(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		u, err := net.ListenPacket("udp", l.Addr().String())
		l.Close()
		if err == nil {
			u.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free on TCP and UDP")
	return ""
}

// coapAwait returns when a server takes connections.
func coapAwait(t *testing.T, addr string) {
	t.Helper()
	for limit := time.Now().Add(patient); ; {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(limit) {
			t.Fatal(err)
		}
	}
}

// lastLine is the last line of a text, for errors.
func lastLine(b []byte) string {
	b = bytes.TrimSpace(b)
	return string(b[bytes.LastIndexByte(b, '\n')+1:])
}
