package coapdial_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coapconn"
	"github.com/bobtail-go/bobtail/host/coapdial"
	"github.com/bobtail-go/bobtail/resource"
)

func TestDo(t *testing.T) {
	each(t, func(t *testing.T, s *site, c *coapdial.Client, tcp bool) {
		want(t, c, coapdial.Request{Path: "/hello/you%20all?q=1"}, coap.CodeContent, "hello you all1")
		resp := want(t, c, coapdial.Request{Path: "/nowhere"}, coap.CodeNotFound, "")
		if err := resp.Err(); err == nil || err.Error() != "coapdial: the server answers 4.04 Not Found" {
			t.Error(err)
		}
		resp = want(t, c, coapdial.Request{Path: "/fail"}, coap.CodeForbidden, "not for\nyou")
		var refused *coapdial.CodeError
		if err := resp.Err(); !errors.As(err, &refused) || err.Error() != "coapdial: the server answers 4.03 Forbidden: not for?you" {
			t.Error(err)
		}
		resp = want(t, c, coapdial.Request{Path: "/tagged"}, coap.CodeContent, "tagged")
		want(t, c, coapdial.Request{Path: "/tagged", Options: []coapdial.Option{coapdial.ETag(resp.ETag())}}, coap.CodeValid, "")
		resp = want(t, c, coapdial.Request{Path: "/large/0"}, coap.CodeContent, "")
		if f, ok := resp.Format(); !ok || f != coap.FormatOctets || resp.Err() != nil {
			t.Error(f, ok, resp.Err())
		}
		want(t, c, coapdial.Request{Method: coap.CodePOST, Path: "/hello/you"}, coap.CodeMethodNotAllowed, "")
		want(t, c, coapdial.Request{Path: "/hello/you", Options: []coapdial.Option{coapdial.Text(65001, "?")}}, coap.CodeBadOption, "option 65001")
		if err := c.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		if resp, err := c.Get(t.Context(), "/.well-known/core"); err != nil || !bytes.Contains(resp.Body, []byte("</state>")) {
			t.Error(err)
		}
		if err := c.Release(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := c.Get(t.Context(), "/hello/you"); err == nil {
			t.Error("an answer after the end")
		}
	})
}

// TestBadRequest is what cannot be asked.
func TestBadRequest(t *testing.T) {
	s := newSite(t)
	c := dial(t, serveConns(t, s, nil), coapdial.Config{})
	over, cancel := context.WithCancelCause(t.Context())
	mine := errors.New("mine")
	cancel(mine)
	for _, v := range []struct {
		name string
		ctx  context.Context
		r    coapdial.Request
		err  error
	}{
		{"no method", t.Context(), coapdial.Request{Method: coap.CodeContent}, coapdial.ErrMethod},
		{"a size of blocks that there is not", t.Context(), coapdial.Request{BlockSize: 1000}, coapdial.ErrConfig},
		{"a negative size", t.Context(), coapdial.Request{Size: -1}, coapdial.ErrConfig},
		{"an option of blocks", t.Context(), coapdial.Request{Options: []coapdial.Option{coapdial.Uint(coap.OptBlock2, 6)}}, coapdial.ErrOption},
		{"a long option", t.Context(), coapdial.Request{Options: []coapdial.Option{coapdial.ETag(make([]byte, 9))}}, coapdial.ErrOption},
		{"a bad path", t.Context(), coapdial.Request{Path: "/%zz"}, coap.ErrURIEscape},
		{"a context that is over", over, coapdial.Request{}, mine},
		{"options that leave no room", t.Context(), coapdial.Request{Path: strings.Repeat("/"+strings.Repeat("x", 250), 50), Body: strings.NewReader("x")}, coapdial.ErrTooLong},
		{"options that are too long", t.Context(), coapdial.Request{Path: strings.Repeat("/"+strings.Repeat("x", 250), 50)}, coapconn.ErrTooLong},
		{"a body that is shorter than it should be", t.Context(), coapdial.Request{Body: strings.NewReader("12"), Size: 3}, coapdial.ErrBody},
		{"a body that is longer than it should be", t.Context(), coapdial.Request{Body: strings.NewReader("1234"), Size: 3}, coapdial.ErrBody},
		{"a body that fails", t.Context(), coapdial.Request{Body: io.MultiReader(strings.NewReader("1234"), failing{mine})}, mine},
		{"a body that gives nothing", t.Context(), coapdial.Request{Body: failing{}}, io.ErrNoProgress},
	} {
		if _, err := c.Do(v.ctx, v.r); !errors.Is(err, v.err) {
			t.Errorf("%s: %v", v.name, err)
		}
	}
	for _, err := range c.Observe(t.Context(), coapdial.Request{Method: coap.CodePUT}) {
		if err != coapdial.ErrMethod {
			t.Error(err)
		}
	}
}

// failing is a body that fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// plain hides what a reader can do beside Read, and gives pieces.
type plain struct {
	r    io.Reader
	most int
}

func (p plain) Read(b []byte) (int, error) { return p.r.Read(b[:min(len(b), p.most)]) }

// TestLong sends and fetches a megabyte, by blocks of every size.
func TestLong(t *testing.T) {
	each(t, func(t *testing.T, s *site, c *coapdial.Client, tcp bool) {
		for _, size := range []int{0, 16, 32, 64, 128, 256, 512, 1024} {
			n := 1 << 20
			if size != 0 && size < 128 {
				n = 1 << 16 // Block.Num counts no further than 2^20, and a test has not all day
			}
			content := blobOf(n)
			var up, down []int64
			var last int64
			r := coapdial.Request{Method: coap.CodePUT, Path: "/upload", Body: bytes.NewReader(content), BlockSize: size, Progress: func(sending bool, done, total int64) {
				if !sending || total != int64(n) || done <= last {
					t.Errorf("%v: %d of %d", sending, done, total)
				}
				last = done
				up = append(up, done)
			}}
			want(t, c, r, coap.CodeChanged, "")
			if got, announced := s.uploaded(); !bytes.Equal(got, content) || announced != uint64(n) {
				t.Fatalf("blocks of %d: %d bytes have come, of %d", size, len(got), announced)
			}
			if up[len(up)-1] != int64(n) {
				t.Errorf("it ends at %d", up[len(up)-1])
			}
			if tcp && size == 0 && len(up) > 300 || size != 0 && len(up) != n/size {
				t.Errorf("blocks of %d: %d messages", size, len(up))
			}
			var body bytes.Buffer
			r = coapdial.Request{Path: fmt.Sprint("/large/", n), BlockSize: size, Progress: func(sending bool, done, total int64) {
				if sending || total != int64(n) {
					t.Errorf("%v: %d of %d", sending, done, total)
				}
				down = append(down, done)
			}}
			if size%32 == 0 {
				r.Into = &body
			}
			resp, err := c.Do(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if r.Into == nil {
				body.Write(resp.Body)
			} else if resp.Body != nil {
				t.Error("a body twice")
			}
			if !bytes.Equal(body.Bytes(), content) || resp.Size != int64(n) {
				t.Fatalf("blocks of %d: %d bytes", size, body.Len())
			}
			if down[len(down)-1] != int64(n) || size != 0 && len(down) != n/size {
				t.Errorf("blocks of %d: %d messages", size, len(down))
			}
		}
	})
}

// TestEcho sends bodies of any length by any reader and gets them back, by
// blocks where it must.
func TestEcho(t *testing.T) {
	each(t, func(t *testing.T, s *site, c *coapdial.Client, tcp bool) {
		r := rand.New(rand.NewPCG(1, 1))
		for i := range 60 {
			n := r.IntN(1 << (4 + i%13))
			content := blobOf(n)
			q := coapdial.Request{Method: coap.CodePOST, Path: "/echo", Body: plain{bytes.NewReader(content), 1 + r.IntN(3000)}, BlockSize: []int{0, 0, 16, 64, 1024}[r.IntN(5)]}
			if r.IntN(2) == 0 {
				q.Size = int64(n)
			}
			if q.BlockSize == 16 && n > 2000 {
				continue
			}
			want(t, c, q, coap.CodeChanged, string(content))
		}
		// A FETCH says again what is fetched.
		want(t, c, coapdial.Request{Method: coap.CodeFETCH, Path: "/echo", Body: strings.NewReader("what? ")}, coap.CodeContent, strings.Repeat("what? ", 1000))
	})
}

// TestMany has a hundred goroutines ask on one connection.
func TestMany(t *testing.T) {
	each(t, func(t *testing.T, s *site, c *coapdial.Client, tcp bool) {
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				for j := range 10 {
					switch (i + j) % 4 {
					case 0:
						n := 3000 + 100*i
						resp, err := c.Get(ctx, fmt.Sprint("/large/", n))
						if err != nil || !bytes.Equal(resp.Body, blobOf(n)) {
							t.Errorf("%v", err)
							return
						}
					case 1:
						if i%8 != 1 {
							continue
						}
						text := strings.Repeat(fmt.Sprint(i, " "), 500)
						resp, err := c.Do(ctx, coapdial.Request{Method: coap.CodePOST, Path: "/echo", Body: strings.NewReader(text), BlockSize: 256})
						if err != nil || string(resp.Body) != text {
							t.Errorf("%v %+v", err, resp)
							return
						}
					case 2:
						gone, cancel := context.WithTimeout(ctx, time.Duration(i)*10*time.Microsecond)
						if _, err := c.Get(gone, "/hello/you"); err != nil && err != context.DeadlineExceeded {
							t.Error(err)
						}
						cancel()
					default:
						name := fmt.Sprintf("%d-%d", i, j)
						resp, err := c.Get(ctx, "/hello/"+name)
						if err != nil || string(resp.Body) != "hello "+name {
							t.Errorf("%v", err)
							return
						}
					}
				}
			})
		}
		all.Wait()
	})
}

// TestContexts has calls end before their answers come, which then are dropped.
func TestContexts(t *testing.T) {
	asked := make(chan []byte, 10)
	answer := make(chan []byte)
	c := dial(t, script(t, func(p *peer) {
		done := make(chan bool)
		go func() {
			defer close(done)
			for token := range answer {
				p.send(coap.CodeContent, token, []byte("late"))
			}
		}()
		for {
			m, ok := p.read()
			if !ok {
				close(asked)
				break
			}
			asked <- bytes.Clone(m.Token)
		}
		<-done
	}), coapdial.Config{Requests: 2})
	mine := errors.New("mine")
	var tokens [][]byte
	for range 2 {
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() { tokens = append(tokens, within(t, asked, "request")); cancel(mine) }()
		if _, err := c.Get(ctx, "/a"); err != mine {
			t.Fatal(err)
		}
	}
	// Both exchanges wait for answers that nobody wants: there is no third.
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	if _, err := c.Get(ctx, "/b"); err != context.DeadlineExceeded {
		t.Error(err)
	}
	cancel()
	answer <- tokens[0]
	done := make(chan error, 1)
	go func() {
		resp, err := c.Get(t.Context(), "/c")
		if err == nil && string(resp.Body) != "late" {
			err = fmt.Errorf("%q", resp.Body)
		}
		done <- err
	}()
	answer <- within(t, asked, "request")
	if err := within(t, done, "answer"); err != nil {
		t.Error(err)
	}
	// A peer that never answers, and Close.
	go func() {
		_, err := c.Get(t.Context(), "/d")
		done <- err
	}()
	within(t, asked, "request")
	c.Close()
	if err := within(t, done, "end"); err != coapconn.ErrClosed {
		t.Error(err)
	}
	close(answer)
}

// TestStuck has a peer that takes nothing: a context ends a call all the same,
// and the connection fails after a while.
func TestStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer b.Close()
		c, err := coapdial.New(a, "coap+tcp://x/", coapdial.Config{Stuck: 300 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := c.Get(ctx, "/"); err != context.DeadlineExceeded {
			t.Error(err)
		}
		if _, err := c.Get(t.Context(), "/"); err != coapdial.ErrTimeout {
			t.Error(err)
		}
		if err := c.Release(t.Context()); err != coapdial.ErrTimeout {
			t.Error(err)
		}
	})
}

// TestReleaseContext has a peer that takes nothing while another call is sending:
// a Release waits no longer than its context.
func TestReleaseContext(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	c, err := coapdial.New(a, "coap+tcp://x/", coapdial.Config{Stuck: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got := make(chan error, 100)
	for range cap(got) { // until there is no room for more
		go func() {
			_, err := c.Do(t.Context(), coapdial.Request{Method: coap.CodePOST, Body: bytes.NewReader(make([]byte, 500))})
			got <- err
		}()
	}
	for c.Waiting() < 5 {
		runtime.Gosched()
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("why")
	cancel(why)
	released := make(chan error, 1)
	go func() { released <- c.Release(ctx) }()
	if err := within(t, released, "end of Release"); err != why {
		t.Error(err)
	}
	for range cap(got) {
		if err := within(t, got, "end of a call"); err == nil {
			t.Error("no error")
		}
	}
}

// TestHugePeer has a peer that takes messages of any size: which is no int of 32
// bits.
func TestHugePeer(t *testing.T) {
	c := dial(t, script(t, func(p *peer) {
		p.write(coap.AppendCSM(nil, coap.Settings{MaxMessage: 1<<32 - 1, BlockWise: true}))
		for m, ok := p.read(); ok; m, ok = p.read() {
			if m.Code == coap.CodePing {
				p.write(coap.AppendPong(nil, m.Token, false))
				continue
			}
			p.send(coap.CodeChanged, m.Token, nil)
		}
	}), coapdial.Config{})
	if err := c.Ping(t.Context()); err != nil { // his second CSM is here
		t.Fatal(err)
	}
	want(t, c, coapdial.Request{Method: coap.CodePOST, Path: "/x", Body: bytes.NewReader(make([]byte, 600))}, coap.CodeChanged, "")
}

// TestRelease waits for what was asked before, and not for a server that does
// not close.
func TestRelease(t *testing.T) {
	released := make(chan bool)
	c := dial(t, script(t, func(p *peer) {
		m, _ := p.read()
		r, _ := p.read()
		if r.Code != coap.CodeRelease {
			t.Errorf("%s instead of a Release", r.Code)
		}
		close(released)
		p.send(coap.CodeContent, m.Token, []byte("in time"))
		p.read()
	}), coapdial.Config{})
	done := make(chan error, 1)
	asked := make(chan bool)
	go func() {
		close(asked)
		resp, err := c.Get(t.Context(), "/x")
		if err == nil && string(resp.Body) != "in time" {
			err = fmt.Errorf("%q", resp.Body)
		}
		done <- err
	}()
	<-asked
	for c.Waiting() == 0 {
		runtime.Gosched()
	}
	if err := c.Release(t.Context()); err != nil {
		t.Error(err)
	}
	within(t, released, "Release")
	if err := within(t, done, "answer"); err != nil {
		t.Error(err)
	}
}

// TestFetchAgain says with each block what is fetched (RFC 8132 section 2.1).
func TestFetchAgain(t *testing.T) {
	heard := make(chan string, 5)
	c := dial(t, script(t, func(p *peer) {
		for num := uint32(0); ; num++ {
			m, ok := p.read()
			if !ok {
				return
			}
			heard <- m.Code.Name() + " " + string(m.Payload)
			p.send(coap.CodeContent, m.Token, blobOf(16), coapdial.Uint(coap.OptBlock2, uint64(coap.Block{Num: num, More: num < 1}.Uint())))
		}
	}), coapdial.Config{})
	resp, err := c.Do(t.Context(), coapdial.Request{Method: coap.CodeFETCH, Path: "/x", Body: strings.NewReader("what")})
	if err != nil || resp.Size != 32 {
		t.Fatal(resp, err)
	}
	for range 2 {
		if got := within(t, heard, "request"); got != "FETCH what" {
			t.Error(got)
		}
	}
}

// TestOneToken has all messages of a transfer by blocks have the same token,
// and the next one another.
func TestOneToken(t *testing.T) {
	var tokens []string
	heard := make(chan bool)
	c := dial(t, script(t, func(p *peer) {
		defer close(heard)
		for {
			m, ok := p.read()
			if !ok {
				return
			}
			tokens = append(tokens, string(m.Token))
			v, _ := m.Options.Get(coap.OptBlock2)
			b, _ := coap.ParseBlock(v)
			p.send(coap.CodeContent, m.Token, blobOf(16), coapdial.Uint(coap.OptBlock2, uint64(coap.Block{Num: b.Num, More: b.Num < 3}.Uint())))
		}
	}), coapdial.Config{Requests: 1})
	for range 2 {
		if resp, err := c.Get(t.Context(), "/x"); err != nil || resp.Size != 64 {
			t.Fatal(resp, err)
		}
	}
	c.Close()
	within(t, heard, "end")
	if len(tokens) != 8 || tokens[0] != tokens[3] || tokens[4] != tokens[7] || tokens[3] == tokens[4] {
		t.Errorf("%x", tokens)
	}
}

// TestFaults is a server that breaks a rule of blockwise transfers, or gives up.
func TestFaults(t *testing.T) {
	block1 := func(num uint32, more bool, szx uint8) coapdial.Option {
		return coapdial.Uint(coap.OptBlock1, uint64(coap.Block{Num: num, More: more, SZX: szx}.Uint()))
	}
	block2 := func(num uint32, more bool, szx uint8) coapdial.Option {
		return coapdial.Uint(coap.OptBlock2, uint64(coap.Block{Num: num, More: more, SZX: szx}.Uint()))
	}
	type say struct {
		code    coap.Code
		payload int
		opts    []coapdial.Option
	}
	opts := func(o ...coapdial.Option) []coapdial.Option { return o }
	for _, v := range []struct {
		name string
		size int // of the body, -1 for none
		says []say
		err  error
		code coap.Code
		got  int
	}{
		{"the first block is another", -1, []say{{coap.CodeContent, 16, opts(block2(1, true, 0))}}, coapdial.ErrBlock, 0, 0},
		{"a block that is too short", -1, []say{{coap.CodeContent, 15, opts(block2(0, true, 0))}}, coapdial.ErrBlock, 0, 0},
		{"a block that is too long", -1, []say{{coap.CodeContent, 17, opts(block2(0, true, 0))}}, coapdial.ErrBlock, 0, 0},
		{"a last block that is too long", -1, []say{{coap.CodeContent, 16, opts(block2(0, true, 0))}, {coap.CodeContent, 17, opts(block2(1, false, 0))}}, coapdial.ErrBlock, 0, 0},
		{"a BERT block that is not made of blocks", -1, []say{{coap.CodeContent, 1000, opts(block2(0, true, 7))}}, coapdial.ErrBlock, 0, 0},
		{"a BERT block of nothing", -1, []say{{coap.CodeContent, 0, opts(block2(0, true, 7))}}, coapdial.ErrBlock, 0, 0},
		{"the same block again", -1, []say{{coap.CodeContent, 16, opts(block2(0, true, 0))}, {coap.CodeContent, 16, opts(block2(0, true, 0))}}, coapdial.ErrBlock, 0, 0},
		{"the rest without a block", -1, []say{{coap.CodeContent, 16, opts(block2(0, true, 0))}, {coap.CodeContent, 16, nil}}, coapdial.ErrBlock, 0, 0},
		{"the rest is gone", -1, []say{{coap.CodeContent, 16, opts(block2(0, true, 0))}, {coap.CodeNotFound, 3, nil}}, &coapdial.CodeError{}, 0, 0},
		{"smaller blocks in the middle", -1, []say{{coap.CodeContent, 64, opts(block2(0, true, 2))}, {coap.CodeContent, 16, opts(block2(4, true, 0))}, {coap.CodeContent, 5, opts(block2(5, false, 0))}}, nil, coap.CodeContent, 85},
		{"a tag that comes and goes, and an end", -1, []say{{coap.CodeContent, 16, opts(block2(0, true, 0))}, {coap.CodeContent, 16, opts(block2(1, true, 0), coapdial.ETag([]byte{1}))}, {coap.CodeContent, 3, nil}}, nil, coap.CodeContent, 3},
		{"more than is kept", -1, []say{{coap.CodeContent, 1024, opts(block2(0, true, 6))}, {coap.CodeContent, 1024, opts(block2(1, true, 6))}}, coapdial.ErrMaxBody, 0, 0},
		{"an answer before the end", 3000, []say{{coap.CodeChanged, 0, nil}}, coapdial.ErrStopped, 0, 0},
		{"another block is confirmed", 3000, []say{{coap.CodeContinue, 0, opts(block1(1, true, 6))}}, coapdial.ErrBlock, 0, 0},
		{"it wants more than there is", 1500, []say{{coap.CodeContinue, 0, opts(block1(0, true, 6))}, {coap.CodeContinue, 0, opts(block1(1, false, 6))}}, coapdial.ErrBlock, 0, 0},
		{"it refuses in the middle", 3000, []say{{coap.CodeContinue, 0, opts(block1(0, true, 6))}, {coap.CodeForbidden, 5, nil}}, nil, coap.CodeForbidden, 5},
		{"it wants smaller blocks", 100, []say{{coap.CodeRequestEntityTooLarge, 0, opts(block1(0, false, 1))}, {coap.CodeContinue, 0, opts(block1(0, true, 1))}, {coap.CodeContinue, 0, opts(block1(1, true, 0))}, {coap.CodeContinue, 0, opts(block1(4, true, 0))}, {coap.CodeContinue, 0, opts(block1(5, true, 0))}, {coap.CodeChanged, 0, opts(block1(6, false, 0))}}, nil, coap.CodeChanged, 0},
		{"it wants smaller blocks, and refuses them", 3000, []say{{coap.CodeRequestEntityTooLarge, 0, opts(block1(0, true, 4))}, {coap.CodeRequestEntityTooLarge, 1, opts(block1(0, true, 4))}}, nil, coap.CodeRequestEntityTooLarge, 1},
		{"it refuses for good", 3000, []say{{coap.CodeRequestEntityTooLarge, 1, nil}}, nil, coap.CodeRequestEntityTooLarge, 1},
		{"it has lost what it had", 1500, []say{{coap.CodeContinue, 0, opts(block1(0, true, 6))}, {coap.CodeRequestEntityIncomplete, 0, nil}, {coap.CodeContinue, 0, opts(block1(0, true, 6))}, {coap.CodeChanged, 0, opts(block1(1, false, 6))}}, nil, coap.CodeChanged, 0},
		{"it loses all the time", 1500, []say{{coap.CodeContinue, 0, opts(block1(0, true, 6))}, {coap.CodeRequestEntityIncomplete, 0, nil}, {coap.CodeContinue, 0, opts(block1(0, true, 6))}, {coap.CodeRequestEntityIncomplete, 0, nil}, {coap.CodeContinue, 0, opts(block1(0, true, 6))}, {coap.CodeRequestEntityIncomplete, 2, nil}}, nil, coap.CodeRequestEntityIncomplete, 2},
		{"it is busy, and says when not", 1500, []say{{coap.CodeServiceUnavailable, 0, opts(coapdial.Uint(coap.OptMaxAge, 0))}, {coap.CodeContinue, 0, opts(block1(0, true, 6))}, {coap.CodeServiceUnavailable, 0, opts(coapdial.Uint(coap.OptMaxAge, 0))}, {coap.CodeContent, 16, opts(block1(1, false, 6), block2(0, true, 0))}, {coap.CodeServiceUnavailable, 0, opts(coapdial.Uint(coap.OptMaxAge, 0))}, {coap.CodeContent, 1, opts(block2(1, false, 0))}}, nil, coap.CodeContent, 17},
		{"it is busy for long", 1500, []say{{coap.CodeServiceUnavailable, 1, opts(coapdial.Uint(coap.OptMaxAge, 60))}}, nil, coap.CodeServiceUnavailable, 1},
		{"it is busy, and does not say how long", 1500, []say{{coap.CodeServiceUnavailable, 1, nil}}, nil, coap.CodeServiceUnavailable, 1},
		{"it is busy, and nothing was sent in part", 10, []say{{coap.CodeServiceUnavailable, 1, opts(coapdial.Uint(coap.OptMaxAge, 0))}}, nil, coap.CodeServiceUnavailable, 1},
		{"each block is a request", 1500, []say{{coap.CodeChanged, 0, opts(block1(0, false, 6))}, {coap.CodeChanged, 0, opts(block1(1, false, 6))}}, nil, coap.CodeChanged, 0},
		{"an Abort", -1, nil, &coapconn.EndError{}, 0, 0},
	} {
		t.Run(v.name, func(t *testing.T) {
			var sent []string
			heard := make(chan bool)
			uri := script(t, func(p *peer) {
				defer close(heard)
				for _, s := range v.says {
					m, ok := p.read()
					if !ok {
						return
					}
					sent = append(sent, fmt.Sprintf("%s %d", m.Code, len(m.Payload)))
					p.send(s.code, m.Token, blobOf(s.payload), s.opts...)
				}
				if len(v.says) == 0 {
					p.read()
					p.write(coap.AppendAbort(nil, 0, "enough"))
					return
				}
				if m, ok := p.read(); ok {
					t.Errorf("and then %s %x", m.Code, m.Options)
				}
			})
			c := dial(t, uri, coapdial.Config{MaxBody: 2000})
			r := coapdial.Request{Path: "/x"}
			if v.size >= 0 {
				r.Method, r.Body = coap.CodePUT, bytes.NewReader(blobOf(v.size))
			}
			resp, err := c.Do(t.Context(), r)
			switch want := v.err.(type) {
			case *coapdial.CodeError:
				if !errors.As(err, &want) || want.Code != coap.CodeNotFound {
					t.Error(err)
				}
			case *coapconn.EndError:
				if !errors.As(err, &want) || want.Error() != "coapconn: peer has aborted the connection: enough" {
					t.Error(err)
				}
			case nil:
				if err != nil || resp.Code != v.code || len(resp.Body) != v.got {
					t.Errorf("%v, %+v", err, resp)
				}
			default:
				if err != want {
					t.Error(err)
				}
			}
			c.Close()
			within(t, heard, "end")
			if len(v.says) != len(sent) {
				t.Errorf("sent %q", sent)
			}
		})
	}
}

// TestChanging fetches what changes meanwhile: the result is of one state.
func TestChanging(t *testing.T) {
	each(t, func(t *testing.T, s *site, c *coapdial.Client, tcp bool) {
		want(t, c, coapdial.Request{Path: "/changing/2", BlockSize: 1024}, coap.CodeContent, strings.Repeat("c", 5000))
		s.again()
		if _, err := c.Do(t.Context(), coapdial.Request{Path: "/changing/200", BlockSize: 64}); err != coapdial.ErrChanged {
			t.Error(err)
		}
		s.again()
		if _, err := c.Do(t.Context(), coapdial.Request{Path: "/changing/2", BlockSize: 1024, Into: new(strings.Builder)}); err != coapdial.ErrChanged {
			t.Error(err)
		}
		s.again()
		f, err := os.Create(filepath.Join(t.TempDir(), "x"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		f.WriteString("before ")
		resp, err := c.Do(t.Context(), coapdial.Request{Path: "/changing/2", BlockSize: 1024, Into: f})
		if err != nil || resp.Size != 5000 {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(f.Name()); err != nil || string(b) != "before "+strings.Repeat("c", 5000) {
			t.Errorf("%d bytes, %v", len(b), err)
		}
	})
}

// TestObserve sees states, short and long, and leaves.
func TestObserve(t *testing.T) {
	each(t, func(t *testing.T, s *site, c *coapdial.Client, tcp bool) {
		long := blobOf(3000)
		n := 0
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for r, err := range c.Observe(ctx, coapdial.Request{Path: "/state"}) {
			if err != nil {
				t.Fatal(err)
			}
			if want := [][]byte{[]byte("first"), []byte("second"), long, []byte("last")}[n]; !bytes.Equal(r.Body, want) {
				t.Errorf("state %d: %d bytes %.20q", n, len(r.Body), r.Body)
			}
			if n++; n == 4 {
				break
			}
			s.change([][]byte{nil, []byte("second"), long, []byte("last")}[n])
		}
		if n != 4 {
			t.Errorf("%d states", n)
		}
		c.Ping(ctx)
		for s.topic.Len() != 0 {
			if ctx.Err() != nil {
				t.Fatal("the server was not told")
			}
			c.Get(ctx, "/hello/you")
		}

		// What cannot be observed is one state; what is not there, an error.
		n = 0
		for r, err := range c.Observe(ctx, coapdial.Request{Path: "/hello/you"}) {
			if n++; err != nil || string(r.Body) != "hello you" {
				t.Error(err)
			}
		}
		for r, err := range c.Observe(ctx, coapdial.Request{Path: "/nowhere"}) {
			var refused *coapdial.CodeError
			if n++; !errors.As(err, &refused) || refused.Code != coap.CodeNotFound || r.Code != refused.Code {
				t.Error(err)
			}
		}
		if n != 2 {
			t.Errorf("%d states", n)
		}

		// The server ends it.
		n = 0
		for r, err := range c.Observe(ctx, coapdial.Request{Path: "/state"}) {
			if n++; n == 1 {
				s.topic.Publish(resource.Notification{Code: coap.CodeNotFound})
			} else if err == nil || r.Code != coap.CodeNotFound {
				t.Error(r, err)
			}
		}
		if n != 2 {
			t.Errorf("%d states", n)
		}

		// The context ends, while it waits.
		mine := errors.New("mine")
		over, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		n = 0
		for _, err := range c.Observe(over, coapdial.Request{Path: "/state"}) {
			if n++; n == 1 {
				time.AfterFunc(time.Millisecond, func() { stop(mine) })
			} else if err != mine {
				t.Error(err)
			}
		}
		if n != 2 {
			t.Errorf("%d states", n)
		}

		// The connection ends.
		n = 0
		for _, err := range c.Observe(ctx, coapdial.Request{Path: "/state"}) {
			if n++; n == 1 {
				go c.Close()
			} else if err == nil {
				t.Error("no error")
			}
		}
		if n != 2 {
			t.Errorf("%d states", n)
		}
	})
}

// TestSlowLoop has states come while the loop is busy: the newest are kept, in
// order. That of UDP is coapudp's.
func TestSlowLoop(t *testing.T) {
	c := dial(t, script(t, func(p *peer) {
		m, _ := p.read()
		p.send(coap.CodeContent, m.Token, []byte("first"), coapdial.Uint(coap.OptObserve, 0))
		ping, _ := p.read()
		for i := range 100 {
			p.send(coap.CodeContent, m.Token, fmt.Append(nil, i), coapdial.Uint(coap.OptObserve, uint64(i)))
		}
		p.write(coap.AppendPong(nil, ping.Token, false))
		p.read()
	}), coapdial.Config{Waiting: 4})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var got []string
	for r, err := range c.Observe(ctx, coapdial.Request{Path: "/state"}) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, string(r.Body)); len(got) == 1 {
			if err := c.Ping(ctx); err != nil { // all are here
				t.Fatal(err)
			}
		}
		if string(r.Body) == "99" {
			break
		}
	}
	if want := []string{"first", "96", "97", "98", "99"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestCallHome has the server ask the client that it was dialled by.
func TestCallHome(t *testing.T) {
	home := newSite(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	asked := make(chan error, 1)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			asked <- err
			return
		}
		c, err := coapdial.New(nc, "coap+tcp://device.example/", coapdial.Config{})
		if err != nil {
			asked <- err
			return
		}
		defer c.Close()
		resp, err := c.Get(t.Context(), "/hello/server")
		if err == nil && string(resp.Body) != "hello server" {
			err = fmt.Errorf("%s %q", resp.Code, resp.Body)
		}
		if err == nil {
			for resp, err = range c.Observe(t.Context(), coapdial.Request{Path: "/state"}) {
				if err != nil || string(resp.Body) == "second" {
					break
				}
				home.change([]byte("second"))
			}
		}
		asked <- err
	}()
	c := dial(t, "coap+tcp://"+l.Addr().String(), coapdial.Config{Resources: &home.router})
	if err := within(t, asked, "call home"); err != nil {
		t.Error(err)
	}
	_ = c
}

// TestTLS speaks TLS, and says so by ALPN.
func TestTLS(t *testing.T) {
	server, client := certificate(t)
	var said atomic.Value
	server.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		said.Store(fmt.Sprint(h.SupportedProtos))
		return nil, nil
	}
	uri := serveConns(t, newSite(t), server)
	c := dial(t, uri+"/hello/tls", coapdial.Config{TLS: client})
	want(t, c, coapdial.Request{}, coap.CodeContent, "hello tls")
	if said.Load() != "[coap]" {
		t.Error(said.Load())
	}
	_, err := coapdial.Dial(t.Context(), uri, coapdial.Config{})
	var step *coapdial.OpError
	if !errors.As(err, &step) || step.Op != coapdial.OpTLS {
		t.Error(err)
	}
}

// TestDialFails is each step at which Dial may fail.
func TestDialFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	mine := errors.New("mine")
	for _, v := range []struct {
		name, uri string
		ctx       context.Context
		c         coapdial.Config
		op, text  string
	}{
		{"no URI", "http://x/", t.Context(), coapdial.Config{}, coapdial.OpPrepare, "coapdial: a URI: " + coap.ErrURIScheme.Error()},
		{"DTLS", "coaps://x/a?secret", t.Context(), coapdial.Config{}, coapdial.OpPrepare, "coapdial: coaps://x/a: want a URI"},
		{"a Config", "coap://x", t.Context(), coapdial.Config{Memory: 1}, coapdial.OpPrepare, "coapdial: coap://x: a number out of bounds"},
		{"a size of blocks", "coap://x", t.Context(), coapdial.Config{BlockSize: 8}, coapdial.OpPrepare, "coapdial: coap://x: a number"},
		{"nobody listens", "coap+tcp://" + closed + "/a?secret", t.Context(), coapdial.Config{}, coapdial.OpConnect, "coapdial: coap+tcp://" + closed + "/a: dial"},
		{"Connect fails", "coap+tcp://x", t.Context(), coapdial.Config{Connect: func(context.Context, string, string) (net.Conn, error) { return nil, mine }}, coapdial.OpConnect, "coapdial: coap+tcp://x: mine"},
		{"a context", "coap+tcp://x", over, coapdial.Config{}, coapdial.OpConnect, "coapdial: coap+tcp://x: context canceled"},
	} {
		_, err := coapdial.Dial(v.ctx, v.uri, v.c)
		var step *coapdial.OpError
		if !errors.As(err, &step) || step.Op != v.op || !strings.HasPrefix(err.Error(), v.text) {
			t.Errorf("%s: %v", v.name, err)
		}
	}
	var where []string
	for _, uri := range []string{"coap+tcp://x", "coaps+tcp://x", "coap://x", "coap+tcp://[::1]:7", "coap+tcp://%41.example"} {
		coapdial.Dial(t.Context(), uri, coapdial.Config{Connect: func(_ context.Context, network, address string) (net.Conn, error) {
			where = append(where, network+" "+address)
			return nil, mine
		}})
	}
	if got := fmt.Sprint(where); got != "[tcp x:5683 tcp x:5684 udp x:5683 tcp [::1]:7 tcp A.example:5683]" {
		t.Error(got)
	}
}
