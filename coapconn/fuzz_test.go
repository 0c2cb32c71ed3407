package coapconn_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coapconn"
	"github.com/bobtail-go/bobtail/internal/splittest"
	"github.com/bobtail-go/bobtail/resource"
)

// seeds are what peers say, for the fuzzer to begin with.
func seeds() [][]byte {
	csm := coap.AppendCSM(nil, coap.Settings{MaxMessage: 500, BlockWise: true})
	list := [][]byte{
		csm, {0, 0}, {0x0F, 1}, {0xE1, 0x7F, 0, 0, 0x45}, {0x01, 0x3F, 5}, {0x10, 0xE2, 0x10},
		coap.AppendRelease(nil, "a:1", 3), coap.AppendAbort(nil, 4, "why"), coap.AppendPing(nil, []byte("p"), true), coap.AppendPong(nil, nil, false),
		request(coap.CodeGET, "h", "", "Uri-Path=hello", "Uri-Path=you"), request(coap.CodePOST, "e", "payload", "Uri-Path=echo"),
		request(coap.CodeGET, "l", "", "Uri-Path=large", "Block2=\x16"), request(coap.CodePUT, "u", "x", "Uri-Path=upload", "Block1=\x08"),
		request(coap.CodeGET, "s", "", "Observe=", "Uri-Path=state"),
		answer("\x05", "first"), answer("\x06", strings.Repeat("long", 30)), answer("\x07", "state", "Observe=\x01"), answer("\x07", "state", "Observe=\x02"), answer("\x07", "last"),
		coap.AppendPong(nil, []byte{8}, true), answer("\x08", "no pong"), answer("\x05", "?", "65001=x"),
	}
	all := bytes.Join(list, nil)
	return append(list, all, bytes.Join(list[7:], nil), bytes.Join([][]byte{csm, list[18], list[19], list[20], list[6], list[15]}, nil))
}

// cuts are pieces whose sizes a seed chooses.
func cuts(n int, seed uint64) (ends []int) {
	for at := 0; at < n; {
		seed = seed*6364136223846793005 + 1442695040888963407
		at += 1 + int(seed>>33)%(1+int(seed>>60))
		ends = append(ends, min(at, n))
	}
	return ends
}

// fuzzConn has a connection of five exchanges, four of which are calls, hear
// what a peer says, and gives all that comes of it.
func fuzzConn(t *testing.T, r *resource.Router, in []byte, ends []int) (result, sent string) {
	c := newConn(t, func(c *coapconn.Config) {
		c.Exchanges, c.Resources, c.Answers = 5, r, splittest.Memory(t, coapconn.MinAnswers)
	})
	w := &wire{in: in, ends: ends}
	must(t, c.Reset(w))
	var notes []string
	calls := []*coapconn.Call{
		{Code: coap.CodeGET, Into: splittest.Memory(t, 100)},
		{Code: coap.CodePUT, Payload: []byte("x"), Into: splittest.Memory(t, 100), Keep: true},
		{Code: coap.CodeGET, Options: options("Observe="), Into: splittest.Memory(t, 100), Notify: func(m coap.Message, err error) {
			notes = append(notes, fmt.Sprintf("%s %x %v", m.Code, m.Payload, err))
		}},
		{Code: coap.CodePing},
	}
	for _, a := range calls {
		must(t, c.Start(a, nil))
	}
	over := c.Run()
	for _, a := range calls {
		a.Wait()
		result += outcome(a) + "\n"
	}
	return result + strings.Join(notes, "\n") + fmt.Sprint(over), w.out.String()
}

// fuzzServed has a Served hear what a peer says, who takes nothing at times.
func fuzzServed(t *testing.T, r *resource.Router, in []byte, ends []int, peek bool) (result, sent string) {
	config := coapconn.ServedConfig{Resources: r, Exchange: resource.NewExchange(r, 0, nil), MaxMessage: 200, MaxAnswer: 200}
	sh := &shown{}
	p := &sh.polled
	rw := io.ReadWriter(sh)
	if !peek {
		config.Keep = splittest.Memory(t, 400)
		p = &polled{}
		rw = p
	}
	v := new(coapconn.Served)
	must(t, v.Reset(config))
	buf := splittest.Memory(t, 400)
	var err error
	from := 0
	for i, end := range ends {
		p.in = append(p.in, in[from:end]...)
		sh.seen = len(sh.in)
		from = end
		if p.takes = 1000; !peek && i%3 == 0 {
			p.takes = i % 7
		}
		if err = v.Poll(rw, buf, 0); err != nil {
			break
		}
	}
	for p.over = true; err == nil; {
		p.takes = 1000
		before, sent := len(p.in), p.out.Len()
		if err = v.Poll(rw, buf, 0); err == nil && before == len(p.in) && sent == p.out.Len() && !v.More() {
			t.Fatalf("%x: it does not end", in)
		}
	}
	return err.Error(), p.out.String()
}

// FuzzConn has both kinds of connections hear any bytes, in any split. It wants
// no panic, no loop, messages that are whole, and the same of every split.
func FuzzConn(f *testing.F) {
	for i, b := range seeds() {
		f.Add(b, uint64(i))
	}
	s := newSite(f)
	// Who is peeked pushes nothing, and so is not observed.
	s.topic = new(resource.Router).NewTopic(resource.TopicOptions{})
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		if len(in) > 1<<13 || len(in) == 0 {
			return
		}
		whole := []int{len(in)}
		result, sent := fuzzConn(t, &s.router, in, whole)
		words(t, []byte(sent))
		for _, ends := range [][]int{cuts(len(in), seed), cuts(len(in), seed+1)} {
			if r, o := fuzzConn(t, &s.router, in, ends); r != result || o != sent {
				t.Fatalf("%x:\nat once %s\n%x\nsplit %s\n%x", in, result, sent, r, o)
			}
		}
		result, sent = fuzzServed(t, &s.router, in, whole, false)
		words(t, []byte(sent))
		for _, ends := range [][]int{whole, cuts(len(in), seed)} {
			for _, peek := range []bool{false, true} {
				r, o := fuzzServed(t, &s.router, in, ends, peek)
				if r != result || o != sent && !strings.HasPrefix(sent, o) {
					t.Fatalf("%x:\nat once %s\n%x\nsplit, peeked %v, %s\n%x", in, result, sent, peek, r, o)
				}
			}
		}
	})
}
