package coapudp

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
)

type (
	addrPort = netip.AddrPort
)

// TestLossy has clients and a server over a network that loses a quarter of all
// datagrams, doubles some and has others overtaken, by a seed. Each request
// comes to an end, none that must not is done twice, and observers come to know
// the last state.
func TestLossy(t *testing.T) {
	seeds := 30
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { lossy(t, uint64(seed)) })
		})
	}
}

func lossy(t *testing.T, seed uint64) {
	l := newLAN()
	l.delay = 20 * time.Millisecond
	l.rand = rand.New(rand.NewPCG(seed, 7))
	s := siteOf(t, l, ServerConfig{Workers: 4})
	const clients, requests = 4, 15
	var all sync.WaitGroup
	var mu sync.Mutex
	done, lost := map[string]int{}, 0
	last := make([]string, clients)
	ctx, cancel := context.WithCancel(t.Context())
	conns := make([]*Conn, clients)
	for i := range clients {
		c, err := NewConn(l.open(addr(1+i), addr(0)), ClientConfig{Transmission: Transmission{NStart: 3}})
		if err != nil {
			t.Fatal(err)
		}
		conns[i] = c
		for _, m := range []coap.Message{get("long"), post("count", "x"), get("slow"), get("later")} {
			all.Go(func() {
				for range requests {
					a, err := c.Do(t.Context(), m, make([]byte, 1300))
					mu.Lock()
					switch {
					case err == ErrUnanswered:
						lost++
					case err != nil || a.Code != coap.CodeContent && a.Code != coap.CodeServiceUnavailable:
						t.Errorf("%v, %v", a.Code, err)
					case m.Code == coap.CodePOST:
						if done[string(a.Payload)]++; done[string(a.Payload)] > 1 {
							t.Errorf("%q was answered twice", a.Payload)
						}
					}
					mu.Unlock()
				}
			})
		}
		go func() {
			for ctx.Err() == nil {
				// A server that has given the observer up is asked again.
				c.Observe(ctx, get("x", coap.OptObserve, 0, coap.OptMaxAge, 30), func(m coap.Message) error {
					mu.Lock()
					last[i] = string(m.Payload)
					mu.Unlock()
					return nil
				})
			}
		}()
	}
	finished := make(chan bool)
	go func() {
		all.Wait()
		close(finished)
	}()
	for n := 0; ; n++ {
		select {
		case <-finished:
		default:
			s.publishAged(fmt.Sprint(n))
			s.mu.Lock()
			late := s.late
			s.late = nil
			s.mu.Unlock()
			for _, k := range late {
				k.Answer(coap.CodeContent, nil, []byte("late"))
			}
			time.Sleep(700 * time.Millisecond)
			continue
		}
		break
	}
	s.publishAged("the last")
	time.Sleep(10 * time.Minute)
	mu.Lock()
	for i, v := range last {
		// Who has observed anew since has asked for the state.
		if v != "the last" && v != "state" {
			t.Errorf("observer %d knows %q", i, v)
		}
	}
	if calls := s.called("POST /count"); calls > clients*requests || calls < len(done) {
		t.Errorf("%d POSTs were done for %d requests, %d were answered", calls, clients*requests, len(done))
	}
	if lost > clients*requests*4/10 {
		t.Errorf("%d requests were lost", lost)
	}
	mu.Unlock()
	cancel()
	time.Sleep(time.Minute)
	synctest.Wait()
	for _, c := range conns {
		c.mu.Lock()
		if len(c.byID)+len(c.byToken)+len(c.places) != 0 {
			t.Errorf("a connection has something left: %d, %d, %d", len(c.byID), len(c.byToken), len(c.places))
		}
		c.mu.Unlock()
		c.Close()
	}
	time.Sleep(10 * time.Minute)
	s.mu2()
	if s.busy != 0 || len(s.spare) != len(s.outs) || len(s.free) != len(s.jobs)-1 {
		t.Error("the server has something left")
	}
	s.Server.mu.Unlock()
	if testing.Verbose() {
		t.Logf("%d lost, %+v", lost, s.Stats())
	}
}

// publishAged publishes a state that is good for half a minute.
func (s *site) publishAged(text string) {
	s.topic.Publish(resource.Notification{Payload: []byte(text), Options: options(coap.OptMaxAge, 30)})
}
