package resource_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
)

// pattern is content of n bytes of which no two blocks are alike.
func content(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8*7 ^ i>>16*31)
	}
	return b
}

// download asks for a content block by block, of a size that may become less, and
// returns it, and how many messages it took.
func (p *peer) download(code coap.Code, path string, payload []byte, szx uint8, early bool, opts ...option) (whole []byte, messages int) {
	p.t.Helper()
	tag := ""
	for off := 0; ; messages++ {
		all := append([]option{}, opts...)
		if off > 0 || early {
			size := coap.Block{SZX: szx}.Size()
			all = append(all, block(coap.OptBlock2, uint32(off/size), false, szx))
		}
		body := payload
		if off > 0 && (code != coap.CodeFETCH || p.bare) {
			body = nil
		}
		a := p.ask(request(code, path, body, all...))
		v, cut := rawOption(a.Options, coap.OptBlock2)
		if !cut {
			if off > 0 || a.Code != coap.CodeContent {
				p.t.Fatalf("no block at %d: %s", off, show(a))
			}
			return bytes.Clone(a.Payload), 1
		}
		b, err := coap.ParseBlock(v)
		if err != nil || a.Code != coap.CodeContent || int(b.Offset()) != off || b.SZX > szx && early {
			p.t.Fatalf("block at %d: %s", off, show(a))
		}
		if b.More && len(a.Payload) != b.Size() && (b.SZX != coap.BERT || len(a.Payload)%1024 != 0 || len(a.Payload) == 0) ||
			b.SZX != coap.BERT && len(a.Payload) > b.Size() {
			p.t.Fatalf("block of %d bytes: %s", len(a.Payload), show(a)[:60])
		}
		etag, _ := rawOption(a.Options, coap.OptETag)
		if off > 0 && string(etag) != tag {
			p.t.Fatalf("another state at %d", off)
		}
		tag = string(etag)
		whole = append(whole, a.Payload...)
		off += len(a.Payload)
		szx = b.SZX
		if !b.More {
			return whole, messages + 1
		}
	}
}

// upload sends content block by block; with BERT per KB at once. It returns the
// last answer.
func (p *peer) upload(code coap.Code, path string, data []byte, szx uint8, per int, opts ...option) (a answer, messages int) {
	p.t.Helper()
	for off := 0; ; {
		b := coap.Block{SZX: szx}
		size := b.Size()
		b.Num = uint32(off / size)
		n := size
		if szx == coap.BERT {
			n = per * 1024
		}
		b.More = len(data)-off > n
		n = min(n, len(data)-off)
		all := append([]option{block(coap.OptBlock1, b.Num, b.More, szx)}, opts...)
		if off == 0 {
			all = append(all, number(coap.OptSize1, uint64(len(data))))
		}
		a = p.ask(request(code, path, data[off:off+n], all...))
		messages++
		v, ok := rawOption(a.Options, coap.OptBlock1)
		got, err := coap.ParseBlock(v)
		if !ok || err != nil || got.Num != b.Num || got.More != (a.Code == coap.CodeContinue) {
			p.t.Fatalf("block %d/%d: %s", b.Num, szx, show(a))
		}
		if !b.More || a.Code != coap.CodeContinue {
			return a, messages
		}
		if off += n; szx != coap.BERT {
			szx = min(szx, got.SZX)
		}
	}
}

// collected is an upload to a Data handler.
type collected struct{ b []byte }

// blockRouter is a router whose handlers exchange content with a test.
func blockRouter(t testing.TB, down *[]byte, up *[]byte) *resource.Router {
	collect := func(w resource.Response, r *resource.Request, p resource.Part) error {
		c, _ := r.Value().(*collected)
		if c == nil {
			if p.Offset != 0 {
				return errors.New("no value")
			}
			c = new(collected)
			r.SetValue(c)
		}
		if p.Offset != uint64(len(c.b)) || p.Size != 0 && p.Size < p.Offset+uint64(len(p.P)) {
			return fmt.Errorf("part at %d of %d, want %d", p.Offset, p.Size, len(c.b))
		}
		c.b = append(c.b, p.P...)
		if !p.Last {
			return nil
		}
		*up = c.b
		return w.Code(coap.CodeChanged).Text("thanks")
	}
	r := newRouter(t,
		resource.Route{Pattern: "/source", Handler: func(w resource.Response, r *resource.Request) error {
			return w.Code(coap.CodeContent).Format(coap.FormatOctets).ETag([]byte("v1")).Source(slice(*down))
		}},
		resource.Route{Pattern: "/bytes", Handler: func(w resource.Response, r *resource.Request) error {
			return w.Bytes(coap.FormatOctets, *down)
		}},
		resource.Route{Pattern: "/text", Handler: func(w resource.Response, r *resource.Request) error {
			a, b := string(*down)[:len(*down)/3], string(*down)[len(*down)/3:]
			return w.Text(a, "", b)
		}},
		resource.Route{Pattern: "/data", Data: collect},
		resource.Route{Pattern: "/whole", Handler: func(w resource.Response, r *resource.Request) error {
			*up = bytes.Clone(r.Payload())
			return nil
		}},
		resource.Route{Pattern: "/echo", Handler: func(w resource.Response, r *resource.Request) error {
			return w.Bytes(coap.FormatOctets, r.Payload())
		}})
	r.Gather = 100000
	return r
}

// sizes are lengths around those of blocks.
func sizes(size int, most int) []int {
	all := []int{0, 1, size - 1, size, size + 1, 2 * size, 2*size + 1, 5*size - 1}
	if most > 5*size {
		all = append(all, most)
	}
	return all
}

// TestTransfers has uploads and downloads of 0 bytes to 1 MB (of what 2^20 blocks
// of 16 bytes reach) at every size of a block, with 4 KB of memory.
func TestTransfers(t *testing.T) {
	for szx := range uint8(8) {
		t.Run(fmt.Sprint("SZX ", szx), func(t *testing.T) {
			t.Parallel()
			var down, up []byte
			r := blockRouter(t, &down, &up)
			p := newPeer(t, r, 4096)
			if szx == coap.BERT {
				p.terms.BERT, p.terms.Reliable = true, true
			}
			size := coap.Block{SZX: szx}.Size()
			for _, n := range sizes(size, 1<<20) {
				down = content(n)
				for _, early := range []bool{true, false} {
					p.terms.SZX = szx
					got, messages := p.download(coap.CodeGET, "/source", nil, szx, early)
					if !bytes.Equal(got, down) {
						t.Fatalf("%d bytes of a source: %d came", n, len(got))
					}
					if szx == coap.BERT && n > 1<<19 && messages > n/3072+1 {
						t.Errorf("RFC 8323 section 6: %d messages for %d bytes", messages, n)
					}
				}
				if n <= 100000 {
					for _, path := range []string{"/bytes", "/text"} {
						if got, _ := p.download(coap.CodeGET, path, nil, szx, true); !bytes.Equal(got, down) {
							t.Fatalf("%d bytes: %d came", n, len(got))
						}
					}
				}
				up = nil
				a, messages := p.upload(coap.CodePUT, "/data", down, szx, 3)
				if want := show(a); a.Code != coap.CodeChanged || string(a.Payload) != "thanks" {
					t.Fatalf("%d bytes: %s", n, want)
				}
				if !bytes.Equal(up, down) {
					t.Fatalf("%d bytes: %d came", n, len(up))
				}
				if szx == coap.BERT && messages > n/3072+1 {
					t.Errorf("RFC 8323 section 6: %d messages for %d bytes", messages, n)
				}
				if n <= r.Gather {
					up = []byte{1}
					if a, _ := p.upload(coap.CodePUT, "/whole", down, szx, 3); a.Code != coap.CodeChanged || !bytes.Equal(up, down) {
						t.Fatalf("%d bytes gathered: %s, %d came", n, show(a), len(up))
					}
				}
			}
			if s := r.Stats(); s.Transfers != 0 || s.Dropped != 0 {
				t.Errorf("left: %+v", s)
			}
		})
	}
}

// TestKept has long answers to methods that are not repeated (RFC 7959 section
// 3.3).
func TestKept(t *testing.T) {
	for szx := range uint8(8) {
		for _, n := range []int{0, 100, 1024, 5000, 70000} {
			var down, up []byte
			r := blockRouter(t, &down, &up)
			p := newPeer(t, r, 2048)
			p.terms.BERT = szx == coap.BERT
			p.terms.SZX = szx
			down = content(n)
			for _, path := range []string{"/source", "/bytes", "/text"} {
				got, _ := p.download(coap.CodePOST, path, []byte("p"), szx, true)
				if !bytes.Equal(got, down) {
					t.Fatalf("SZX %d: %d bytes of %s: %d came", szx, n, path, len(got))
				}
				// FETCH repeats its payload, or does not.
				for _, repeats := range []bool{false, true} {
					p.bare = !repeats
					got, _ = p.download(coap.CodeFETCH, path, []byte("p"), szx, true)
					if !bytes.Equal(got, down) {
						t.Fatalf("SZX %d: %d bytes of %s: %d came", szx, n, path, len(got))
					}
				}
			}
			// What is uploaded by blocks comes back by blocks, in one buffer.
			a, _ := p.upload(coap.CodePOST, "/echo", down, szx, 1, block(coap.OptBlock2, 0, false, szx))
			got := bytes.Clone(a.Payload)
			for {
				v, ok := rawOption(a.Options, coap.OptBlock2)
				b, _ := coap.ParseBlock(v)
				if !ok || !b.More {
					break
				}
				b.Num, b.More = uint32(len(got)/b.Size()), false
				a = p.ask(request(coap.CodePOST, "/echo", nil, block(coap.OptBlock2, b.Num, false, b.SZX)))
				if f, _ := a.Options.Uint(coap.OptContentFormat); f != uint64(coap.FormatOctets) {
					t.Fatalf("further block: %s", show(a))
				}
				got = append(got, a.Payload...)
			}
			if !bytes.Equal(got, down) {
				t.Fatalf("SZX %d: %d bytes: %d came back", szx, n, len(got))
			}
			if s := r.Stats(); s.Transfers != 0 || s.Dropped != 0 {
				t.Errorf("left: %+v", s)
			}
		}
	}
}

// TestBlocks has the rules, one by one.
func TestBlocks(t *testing.T) {
	var dropped []string
	sum := ""
	r := newRouter(t,
		resource.Route{Pattern: "GET /g", Handler: func(w resource.Response, r *resource.Request) error {
			return w.Code(coap.CodeContent).ETag([]byte("t")).Text("0123456789abcdef", "0123456789ABCDEF", "xyz")
		}},
		resource.Route{Pattern: "POST /kept", Handler: func(w resource.Response, r *resource.Request) error {
			return w.Code(coap.CodeChanged).MaxAge(3).Text("0123456789abcdef", "xyz")
		}},
		resource.Route{Pattern: "/long", Handler: func(w resource.Response, r *resource.Request) error {
			return w.Bytes(0, make([]byte, 51))
		}},
		resource.Route{Pattern: "PUT /w", Handler: func(w resource.Response, r *resource.Request) error {
			return w.Code(coap.CodeChanged).Bytes(r.Payload()[:min(3, len(r.Payload()))])
		}},
		resource.Route{Pattern: "PUT /e", Handler: func(w resource.Response, r *resource.Request) error { return w.Bytes(42, r.Payload()) }},
		resource.Route{Pattern: "PUT /d/{name}", Dropped: func(v any) { dropped = append(dropped, *v.(*string)) },
			Data: func(w resource.Response, r *resource.Request, p resource.Part) error {
				if r.Value() == nil {
					s := string(r.PathValue("name"))
					r.SetValue(&s)
				}
				switch string(p.P[:1]) {
				case "!":
					return resource.ErrBadRequest
				case "?":
					w.Text("too early")
				}
				sum = fmt.Sprintf("%d %d %v %s", p.Offset, p.Size, p.Last, *r.Value().(*string))
				return nil
			}})
	r.Gather, r.Transfers = 50, 3
	p := newPeer(t, r, 300)
	s16 := "0123456789abcdef"
	get := func(o ...option) coap.Message { return request(coap.CodeGET, "/g", nil, o...) }
	post := func(path string, o ...option) coap.Message { return request(coap.CodePOST, path, nil, o...) }
	put := func(path, payload string, o ...option) coap.Message {
		return request(coap.CodePUT, path, []byte(payload), o...)
	}
	b1 := func(num uint32, more bool, szx uint8) option { return block(coap.OptBlock1, num, more, szx) }
	b2 := func(num uint32, szx uint8) option { return block(coap.OptBlock2, num, false, szx) }
	for _, test := range []struct {
		why  string
		m    coap.Message
		want string
	}{
		{"what fits is not cut", get(), "2.05 ETag=t Content-Format=0 |0123456789abcdef0123456789ABCDEFxyz"},
		{"RFC 7959 section 2.4: early negotiation", get(b2(0, 0)), "2.05 ETag=t Content-Format=0 Block2=0/1/0 Size2=35 |0123456789abcdef"},
		{"RFC 7959 section 2.4: what fits into a block has one", get(b2(0, 2)), "2.05 ETag=t Content-Format=0 Block2=0/0/2 |0123456789abcdef0123456789ABCDEFxyz"},
		{"RFC 7959 section 4: Size2 where it is asked for", get(b2(0, 2), number(coap.OptSize2, 0)), "2.05 ETag=t Content-Format=0 Block2=0/0/2 Size2=35 |0123456789abcdef0123456789ABCDEFxyz"},
		{"RFC 7959 section 2.4: the next", get(b2(1, 0)), "2.05 ETag=t Content-Format=0 Block2=1/1/0 |0123456789ABCDEF"},
		{"RFC 7959 section 2.4: the last", get(b2(2, 0)), "2.05 ETag=t Content-Format=0 Block2=2/0/0 |xyz"},
		{"at random", get(b2(1, 1)), "2.05 ETag=t Content-Format=0 Block2=1/0/1 |xyz"},
		{"behind the end", get(b2(3, 0)), "4.00 |resource: bad request"},
		{"far behind the end", get(b2(1<<20-1, 6)), "4.00 |resource: bad request"},
		{"the M bit of a request means nothing", get(block(coap.OptBlock2, 2, true, 0)), "2.05 ETag=t Content-Format=0 Block2=2/0/0 |xyz"},
		{"an ETag with the first block", get(b2(0, 0), option{coap.OptETag, "t"}), "2.03 ETag=t"},
		{"an ETag with another", get(b2(2, 0), option{coap.OptETag, "t"}), "2.05 ETag=t Content-Format=0 Block2=2/0/0 |xyz"},
		{"an error is not cut", request(coap.CodeGET, "/none", nil, b2(0, 0)), "4.04"},

		{"RFC 7959 section 3.3: a block of an answer that nobody has", post("/kept", b2(1, 0)), "4.08"},
		{"RFC 7959 section 3.3: what POST answers is kept", post("/kept", b2(0, 0)), "2.04 ETag=\xbeN@\xb3\x96\xbc;4 Content-Format=0 Max-Age=3 Block2=0/1/0 Size2=19 |0123456789abcdef"},
		{"RFC 7959 section 3.3: the rest", post("/kept", b2(1, 0)), "2.04 ETag=\xbeN@\xb3\x96\xbc;4 Content-Format=0 Block2=1/0/0 |xyz"},
		{"RFC 7959 section 3.3: which is then forgotten", post("/kept", b2(1, 0)), "4.08"},
		{"an answer that cannot be kept", post("/long", b2(0, 0)), "5.00 |resource: answer too long"},
		{"but can be sent", post("/long"), "2.05 Content-Format=0 |" + string(make([]byte, 51))},

		{"RFC 7959 section 2.5: all in one block", put("/w", "abcd", b1(0, false, 0)), "2.04 Block1=0/0/0 |abc"},
		{"RFC 7959 section 2.5: the first of several", put("/w", s16, b1(0, true, 0)), "2.31 Block1=0/1/0"},
		{"RFC 7959 section 2.9.2: a gap", put("/w", s16, b1(2, true, 0)), "4.08 Block1=2/0/0"},
		{"RFC 7959 section 2.5: the next all the same", put("/w", s16, b1(1, true, 0)), "2.31 Block1=1/1/0"},
		{"RFC 7959 section 2.9.2: one twice", put("/w", s16, b1(1, true, 0)), "4.08 Block1=1/0/0"},
		{"RFC 7959 section 2.5: the last", put("/w", "end", b1(2, false, 0)), "2.04 Block1=2/0/0 |012"},
		{"RFC 7959 section 2.9.2: and then", put("/w", "end", b1(2, false, 0)), "4.08 Block1=2/0/0"},
		{"RFC 7959 section 2.5: begun again", put("/w", s16, b1(0, true, 0)), "2.31 Block1=0/1/0"},
		{"RFC 7959 section 2.5: and again", put("/w", s16, b1(0, true, 0)), "2.31 Block1=0/1/0"},
		{"RFC 7959 section 2.5: and ended", put("/w", "", b1(1, false, 0)), "2.04 Block1=1/0/0 |012"},
		{"RFC 7959 section 2.9.3: too large by its size", put("/w", s16, b1(0, true, 0), number(coap.OptSize1, 51)), "4.13 Block1=0/0/0 Size1=50"},
		{"RFC 7959 section 2.9.3: too large a block", put("/w", s16+s16+s16+s16, b1(0, true, 2)), "4.13 Block1=0/0/2 Size1=50"},
		{"RFC 7959 section 2.9.3: until it is too large", put("/w", s16+s16, b1(0, true, 1)), "2.31 Block1=0/1/1"},
		{"RFC 7959 section 2.9.3: it is too large", put("/w", s16+"xyz", b1(1, false, 1)), "4.13 Block1=1/0/1 Size1=50"},
		{"RFC 7959 section 2.2: a block that is too short", put("/w", "short", b1(0, true, 0)), "4.00 Block1=0/0/0"},
		{"RFC 7959 section 2.2: a last one that is too long", put("/w", s16+"x", b1(0, false, 0)), "4.00 Block1=0/0/0"},
		{"RFC 7959 section 2.3: a handler's error has the block", put("/d/x", "!", b1(0, false, 0)), "4.00 Block1=0/0/0 |resource: bad request"},
		{"an answer before the last part", put("/d/x", "?123456789abcdef", b1(0, true, 0)), "5.00 Block1=0/0/0 |resource: response staged in the wrong order"},
		{"and without blocks", put("/d/x", "p"), "2.04"},
		{"RFC 7967: what an upload needs is said", put("/d/n", s16, b1(0, true, 0), number(coap.OptNoResponse, 2)), "2.31 Block1=0/1/0"},
		{"RFC 7967: but no answer", put("/d/n", "x", b1(1, false, 0), number(coap.OptNoResponse, 2)), "none 2.04 Block1=1/0/0"},
	} {
		if got := show(p.ask(test.m)); got != test.want {
			t.Errorf("%s:\ngot  %q\nwant %q", test.why, got, test.want)
		}
	}
	if sum != "16 0 true n" {
		t.Errorf("the last part was %q", sum)
	}
	if got := fmt.Sprint(dropped); got != "[x]" {
		t.Errorf("dropped %v, want that whose answer came before its last part", got)
	}
	// RFC 7959 section 2.3: we like smaller ones.
	p.terms.SZX = 0
	p.want(p.ask(put("/d/s", s16+s16, b1(0, true, 1))), "2.31 Block1=0/1/0")
	p.want(p.ask(put("/d/s", s16, b1(2, true, 0))), "2.31 Block1=2/1/0")
	p.want(p.ask(put("/d/s", s16, b1(3, false, 0))), "2.04 Block1=3/0/0")
	// Of one who goes on as before nothing more is said.
	p.want(p.ask(put("/d/u", s16+s16, b1(0, true, 1))), "2.31 Block1=0/1/0")
	p.want(p.ask(put("/d/u", s16+s16, b1(1, true, 1))), "2.31 Block1=1/1/1")
	p.want(p.ask(put("/d/u", s16+s16, b1(2, false, 1))), "2.04 Block1=2/0/1")
	p.terms.SZX = 6
	// A FETCH that came by blocks cannot be asked again.
	fetch := func(o ...option) coap.Message { return request(coap.CodeFETCH, "/long", []byte(s16), o...) }
	p.want(p.ask(fetch(b1(0, true, 0))), "2.31 Block1=0/1/0")
	p.want(p.ask(fetch(b1(1, false, 0), b2(0, 0))), "5.00 Block1=1/0/0 |resource: answer too long")
	p.want(p.ask(fetch(b2(3, 0))), "2.05 ETag="+hashed(p, "/long")+" Content-Format=0 Block2=3/0/0 |"+string(make([]byte, 3)))
	// An answer that is kept is no upload that could go on.
	p.want(p.ask(put("/e", s16, b1(0, true, 0))), "2.31 Block1=0/1/0")
	kept := p.ask(put("/e", "end", b1(1, false, 0), b2(0, 0)))
	etag, _ := rawOption(kept.Options, coap.OptETag)
	p.want(kept, "2.05 ETag="+string(etag)+" Content-Format=42 Block2=0/1/0 Block1=1/0/0 Size2=19 |"+s16)
	p.want(p.ask(put("/e", s16, b1(1, true, 0))), "4.08 Block1=1/0/0")
	p.want(p.ask(put("/e", "", b2(1, 0))), "2.05 ETag="+string(etag)+" Content-Format=42 Block2=1/0/0 |end")
	// Nor is an upload an answer.
	p.want(p.ask(put("/e", s16, b1(0, true, 0))), "2.31 Block1=0/1/0")
	p.want(p.ask(put("/e", "", b2(1, 0))), "4.08")
	p.want(p.ask(put("/e", "", b1(1, false, 0))), "2.05 Content-Format=42 Block1=1/0/0 |"+s16)
	// RFC 9175 section 3.3: one who says Request-Tag with the payload alone.
	p.want(p.ask(post("/kept", b2(0, 0), option{coap.OptRequestTag, "a"})), "2.04 ETag=\xbeN@\xb3\x96\xbc;4 Content-Format=0 Max-Age=3 Block2=0/1/0 Size2=19 |0123456789abcdef")
	p.want(p.ask(post("/kept", b2(1, 0), option{coap.OptRequestTag, "b"})), "4.08")
	p.want(p.ask(post("/kept", b2(1, 0))), "2.04 ETag=\xbeN@\xb3\x96\xbc;4 Content-Format=0 Block2=1/0/0 |xyz")
	// Of two answers nobody knows which is meant; an upload is none.
	tag := func(s string) option { return option{coap.OptRequestTag, s} }
	r2 := newRouter(t, resource.Route{Pattern: "PUT /e", Handler: func(w resource.Response, r *resource.Request) error { return w.Source(42, slice(s16+"end")) }})
	r2.Gather = 50
	p2 := newPeer(t, r2, 300)
	for _, s := range []string{"a", "b"} {
		p2.want(p2.ask(put("/e", "", b2(0, 0), tag(s))), "2.05 Content-Format=42 Block2=0/1/0 Size2=19 |"+s16)
	}
	p2.want(p2.ask(put("/e", "", b2(1, 0))), "4.08")
	p2.want(p2.ask(put("/e", "", b2(1, 0), tag("a"))), "2.05 Content-Format=42 Block2=1/0/0 |end")
	p2.want(p2.ask(put("/e", s16, b1(0, true, 0), tag("u"))), "2.31 Block1=0/1/0")
	p2.want(p2.ask(put("/e", "", b2(1, 0))), "2.05 Content-Format=42 Block2=1/0/0 |end")
	// RFC 9175 section 3.3: Request-Tag tells uploads from each other.
	p.want(p.ask(put("/d/t", s16, b1(0, true, 0), tag("a"))), "2.31 Block1=0/1/0")
	p.want(p.ask(put("/d/t", s16, b1(0, true, 0), tag("b"))), "2.31 Block1=0/1/0")
	p.want(p.ask(put("/d/t", s16, b1(1, true, 0), tag("b"))), "2.31 Block1=1/1/0")
	p.want(p.ask(put("/d/t", s16, b1(1, false, 0), tag("a"))), "2.04 Block1=1/0/0")
	p.want(p.ask(put("/d/t", s16, b1(2, false, 0), tag("b"))), "2.04 Block1=2/0/0")
	// Other peers, other paths and other methods have uploads of their own.
	p.want(p.ask(put("/d/one", s16, b1(0, true, 0))), "2.31 Block1=0/1/0")
	p.terms.Peer = 2
	p.want(p.ask(put("/d/one", s16, b1(1, true, 0))), "4.08 Block1=1/0/0")
	p.terms.Peer = 1
	p.want(p.ask(put("/d/two", s16, b1(1, true, 0))), "4.08 Block1=1/0/0")
	// The oldest gives way.
	dropped = nil
	for _, name := range []string{"two", "three"} {
		p.want(p.ask(put("/d/"+name, s16, b1(0, true, 0))), "2.31 Block1=0/1/0")
	}
	p.want(p.ask(put("/d/four", s16, b1(0, true, 0))), "5.03 Max-Age=2 Block1=0/0/0")
	p.terms.Now = 1e9
	p.want(p.ask(put("/d/one", s16, b1(1, true, 0))), "2.31 Block1=1/1/0")
	p.want(p.ask(put("/d/four", s16, b1(0, true, 0))), "5.03 Max-Age=2 Block1=0/0/0")
	p.terms.Now = 2e9 + 1
	p.want(p.ask(put("/d/four", s16, b1(0, true, 0))), "2.31 Block1=0/1/0")
	if got := fmt.Sprint(dropped, r.Stats().Dropped); got != "[two] 1" {
		t.Errorf("dropped %v, want the one that was not gone on with", got)
	}
	// What is begun anew is dropped, and what fails.
	dropped = nil
	p.want(p.ask(put("/d/one", s16, b1(0, true, 0))), "2.31 Block1=0/1/0")
	p.want(p.ask(put("/d/one", "!123456789abcdef", b1(1, true, 0))), "4.00 Block1=1/0/0 |resource: bad request")
	if got := fmt.Sprint(dropped); got != "[one one]" {
		t.Errorf("dropped %v", got)
	}
	// RFC 7252 section 4.8.2: and what is left alone.
	dropped = nil
	p.terms.Now = 3e9
	p.want(p.ask(put("/d/three", s16, b1(1, true, 0))), "2.31 Block1=1/1/0")
	if next := r.Sweep(p.p, 249e9); next != 249e9+1 || len(dropped) != 0 {
		t.Errorf("next at %d, dropped %v", next, dropped)
	}
	if next := r.Sweep(p.p, 249e9+1); next != 250e9 || fmt.Sprint(dropped) != "[four]" {
		t.Errorf("next at %d, dropped %v", next, dropped)
	}
	p.want(p.ask(put("/d/four", s16, b1(1, true, 0))), "4.08 Block1=1/0/0")
	// A peer that has gone.
	r.Gone(p.p, 2)
	r.Gone(new(pusher), 1)
	if fmt.Sprint(dropped) != "[four]" {
		t.Errorf("dropped %v", dropped)
	}
	r.Gone(p.p, 1)
	if fmt.Sprint(dropped) != "[four three]" || r.Stats().Transfers != 0 {
		t.Errorf("dropped %v", dropped)
	}
}

// TestNoGather has a router without buffers.
func TestNoGather(t *testing.T) {
	r := newRouter(t, resource.Route{Pattern: "PUT /w", Handler: func(w resource.Response, r *resource.Request) error { return w.Bytes(0, r.Payload()) }})
	p := newPeer(t, r, 100)
	p.want(p.ask(request(coap.CodePUT, "/w", []byte("x"), block(coap.OptBlock1, 0, false, 0))), "2.05 Content-Format=0 Block1=0/0/0 |x")
	p.want(p.ask(request(coap.CodePUT, "/w", make([]byte, 16), block(coap.OptBlock1, 0, true, 0))), "4.13 Block1=0/0/0")
	p.want(p.ask(request(coap.CodePUT, "/w", make([]byte, 17), block(coap.OptBlock2, 0, false, 0))), "5.00 |resource: answer too long")
	// FETCH does without.
	r = newRouter(t, resource.Route{Pattern: "FETCH /f", Handler: func(w resource.Response, r *resource.Request) error { return w.Bytes(0, content(3000)) }})
	if got, _ := newPeer(t, r, 1200).download(coap.CodeFETCH, "/f", []byte("p"), 5, true); !bytes.Equal(got, content(3000)) {
		t.Errorf("%d bytes came", len(got))
	}
}

// TestDataAnswers has an upload to Data whose answer is kept.
func TestDataAnswers(t *testing.T) {
	r := newRouter(t, resource.Route{Pattern: "PUT /d", Data: func(w resource.Response, r *resource.Request, p resource.Part) error {
		if !p.Last {
			return nil
		}
		return w.Code(coap.CodeChanged).Format(42).Bytes(content(40))
	}})
	r.Gather = 64
	p := newPeer(t, r, 100)
	p16 := content(16)
	p.want(p.ask(request(coap.CodePUT, "/d", p16, block(coap.OptBlock1, 0, true, 0))), "2.31 Block1=0/1/0")
	a := p.ask(request(coap.CodePUT, "/d", p16, block(coap.OptBlock1, 1, false, 0), block(coap.OptBlock2, 0, false, 1)))
	got := append([]byte{}, a.Payload...)
	a = p.ask(request(coap.CodePUT, "/d", nil, block(coap.OptBlock2, 1, false, 1)))
	if got = append(got, a.Payload...); !bytes.Equal(got, content(40)) || r.Stats().Transfers != 0 {
		t.Errorf("%s, %d bytes came", show(a), len(got))
	}
}

// TestBERT has what is different with blocks of several KB (RFC 8323 section 6).
func TestBERT(t *testing.T) {
	var down, up []byte
	r := blockRouter(t, &down, &up)
	p := newPeer(t, r, 5000)
	p.terms.BERT, p.terms.SZX = true, 6
	b1 := func(num uint32, more bool) option { return block(coap.OptBlock1, num, more, coap.BERT) }
	for _, test := range []struct {
		why     string
		payload int
		b       option
		want    string
	}{
		{"no multiple of 1024", 1500, b1(0, true), "4.00 Block1=0/0/7"},
		{"nothing", 0, b1(0, true), "4.00 Block1=0/0/7"},
		{"two blocks", 2048, b1(0, true), "2.31 Block1=0/1/7"},
		{"the number is the next in units of 1024", 3072, b1(2, true), "2.31 Block1=2/1/7"},
		{"not in units of messages", 1024, b1(2, true), "4.08 Block1=2/0/7"},
		{"the last may have any length", 2500, b1(5, false), "2.04 Content-Format=0 Block1=5/0/7 |thanks"},
	} {
		if got := show(p.ask(request(coap.CodePUT, "/data", make([]byte, test.payload), test.b))); got != test.want {
			t.Errorf("%s: got %s, want %s", test.why, got, test.want)
		}
	}
	if len(up) != 5*1024+2500 {
		t.Errorf("%d bytes came", len(up))
	}
	// What begins at the end is behind it.
	down = content(2048)
	p.want(p.get("/source", block(coap.OptBlock2, 2, false, coap.BERT)), "4.00 |resource: bad request")
	// A block of a size is asked for, and given.
	down = content(10000)
	p.want(p.get("/source", block(coap.OptBlock2, 100, false, 0)), "2.05 ETag=v1 Content-Format=42 Block2=100/1/0 |"+string(down[1600:1616]))
	if a := p.get("/source", block(coap.OptBlock2, 3, false, coap.BERT)); len(a.Payload) != 4096 || !bytes.Equal(a.Payload, down[3072:3072+4096]) {
		t.Errorf("%d bytes from the third on", len(a.Payload))
	}
	if a := p.get("/source", block(coap.OptBlock2, 8, false, coap.BERT)); !bytes.Equal(a.Payload, down[8192:]) {
		t.Errorf("%d bytes at the end", len(a.Payload))
	}
}

// TestAnswersCut has answers that are cut because they do not fit.
func TestAnswersCut(t *testing.T) {
	n := 0
	r := newRouter(t, resource.Route{Pattern: "GET /g", Handler: func(w resource.Response, r *resource.Request) error {
		return w.Bytes(coap.FormatOctets, content(n))
	}})
	for _, test := range []struct {
		why          string
		size, max, n int
		bert         bool
		szx          uint8
		code         coap.Code
		block2       string
		payload      int
	}{
		{"it fits to the byte", 103, 0, 100, false, 6, coap.CodeContent, "", 100},
		{"and not by one", 102, 0, 100, false, 6, coap.CodeContent, "0/1/2", 64},
		{"the peer's limit", 4096, 103, 100, false, 6, coap.CodeContent, "", 100},
		{"and not by one", 4096, 102, 100, false, 6, coap.CodeContent, "0/1/2", 64},
		{"blocks of our size", 4096, 0, 5000, false, 4, coap.CodeContent, "0/1/4", 256},
		{"RFC 8323 section 6: several KB", 4096, 0, 5000, true, 6, coap.CodeContent, "0/1/7", 3072},
		{"RFC 8323 section 6: but for less than one", 600, 0, 5000, true, 6, coap.CodeContent, "0/1/5", 512},
		{"the smallest", 42, 0, 5000, false, 6, coap.CodeContent, "0/1/0", 16},
		{"no block fits", 30, 0, 5000, false, 6, coap.CodeInternalServerError, "", 0},
		{"not even 5.00", 1, 0, 5000, false, 6, coap.CodeInternalServerError, "", 0},
	} {
		n = test.n
		p := newPeer(t, r, test.size)
		p.terms.Max, p.terms.BERT, p.terms.SZX = test.max, test.bert, test.szx
		a := p.get("/g")
		got := ""
		if v, ok := rawOption(a.Options, coap.OptBlock2); ok {
			b, _ := coap.ParseBlock(v)
			got = fmt.Sprintf("%d/%d/%d", b.Num, map[bool]int{true: 1}[b.More], b.SZX)
		}
		if a.Code != test.code || got != test.block2 || test.code == coap.CodeContent && len(a.Payload) != test.payload {
			t.Errorf("%s: %s with %d bytes", test.why, show(a)[:4]+" "+got, len(a.Payload))
		}
	}
	// A further block of which less fits than is asked for.
	n = 3000
	if a := newPeer(t, r, 600).get("/g", block(coap.OptBlock2, 1, false, 6)); !strings.Contains(show(a), "Block2=2/1/5") || !bytes.Equal(a.Payload, content(3000)[1024:1024+512]) {
		t.Errorf("less of the second KB: %s", show(a))
	}
	// All of it comes, however little fits, and one state of it.
	n = 3000
	for size := 42; size < 2000; size += 13 {
		p := newPeer(t, r, size)
		if got, _ := p.download(coap.CodeGET, "/g", nil, 6, false); !bytes.Equal(got, content(n)) {
			t.Errorf("%d bytes of memory: %d bytes came", size, len(got))
		}
	}
	p := newPeer(t, r, 600)
	first, _ := rawOption(p.get("/g").Options, coap.OptETag)
	tag := string(first)
	n++
	if again, _ := rawOption(p.get("/g").Options, coap.OptETag); string(again) == tag || len(tag) != 8 {
		t.Error("RFC 7959 section 2.4: two states have one ETag")
	}
}

// TestKeptPart has a part of what was gathered come back by blocks: it is kept
// where it was gathered, in front of where it was.
func TestKeptPart(t *testing.T) {
	r := newRouter(t, resource.Route{Pattern: "POST /tail", Handler: func(w resource.Response, r *resource.Request) error {
		return w.Bytes(coap.FormatOctets, r.Payload()[10:])
	}})
	r.Gather = 5000
	p := newPeer(t, r, 2048)
	want := content(3000)
	a, _ := p.upload(coap.CodePOST, "/tail", want, 6, 1)
	got := bytes.Clone(a.Payload)
	for more := true; more; {
		v, _ := rawOption(a.Options, coap.OptBlock2)
		b, _ := coap.ParseBlock(v)
		if more = b.More; more {
			a = p.ask(request(coap.CodePOST, "/tail", nil, block(coap.OptBlock2, uint32(len(got)/b.Size()), false, b.SZX)))
			got = append(got, a.Payload...)
		}
	}
	if !bytes.Equal(got, want[10:]) {
		t.Errorf("%d bytes came, which begin %q, want %q", len(got), got[:20], want[10:30])
	}
}

// lazy is content of which no more than its first block can be read.
type lazy struct{}

func (lazy) Size() int64 { return 100 }
func (lazy) ReadAt(p []byte, off int64) (int, error) {
	if off > 0 {
		panic("as the test wants")
	}
	return len(p), nil
}

// TestSourceInRun has content that a program reads be read where its handlers
// run, for further blocks too: a driver bounds their time and takes their panics.
func TestSourceInRun(t *testing.T) {
	r := newRouter(t, resource.Route{Pattern: "POST /s", Handler: func(w resource.Response, _ *resource.Request) error {
		return w.Source(coap.FormatOctets, lazy{})
	}})
	p := newPeer(t, r, 300)
	p.ask(request(coap.CodePOST, "/s", nil, block(coap.OptBlock2, 0, false, 0)))
	m := request(coap.CodePOST, "/s", nil, block(coap.OptBlock2, 1, false, 0))
	if p.x.Route(m, &p.terms, p.dst) {
		t.Fatal("there is an answer without a handler")
	}
	p.want(p.check(p.x.Busy(7)), "5.03 Max-Age=7")
	if p.x.Route(m, &p.terms, p.dst) {
		t.Fatal("what was kept is lost for a busy server")
	}
	func() {
		defer func() { recover() }()
		p.x.Run()
	}()
	p.want(p.check(p.x.Abandon()), "5.00")
	if s := r.Stats(); s.Transfers != 0 {
		t.Errorf("left: %+v", s)
	}
}
