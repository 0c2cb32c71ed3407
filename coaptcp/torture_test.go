package coaptcp_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/internal/servertest"
	"github.com/bobtail-go/bobtail/resource"
)

// TestTorture has many clients ask at once, on real networks, for what is answered
// at once, later and out of order by goroutines, in blocks and as notifications,
// with few blocks of output and workers. Each gets what is its own; some go in the
// midst of it. All may be in the midst of a message at once, so that each has a
// block of the stash: with fewer, the one that has waited longest would pay.
func TestTorture(t *testing.T) {
	const clients, rounds = 12, 60
	x := world{
		cfg:  bobtail.Config{Workers: 3, Sockets: 32, OutputBlocks: 128, Stash: clients},
		coap: coaptcp.Config{InFlight: 4},
	}
	x.site = func(f *fixture, r *resource.Router) {
		r.Tickets, r.Observations = 64, 32
		observeSite(resource.TopicOptions{Mark: 8})(f, r)
		handle(f.T, r, "GET /soon/{name}", func(_ resource.Response, r *resource.Request) error {
			k, err := r.Later(int64(time.Minute))
			if err != nil {
				return err
			}
			name := append([]byte(nil), r.PathValue("name")...)
			go func() {
				if err := k.Answer(coap.CodeContent, nil, name); err != nil {
					f.T.Logf("answer to %s: %v", name, err)
				}
			}()
			return nil
		})
	}
	for _, k := range servertest.Real() {
		t.Run(k.Name, func(t *testing.T) {
			f := newFixture(t, k, x)
			defer f.end()
			f.Start()
			stop := make(chan bool)
			var publisher, all sync.WaitGroup
			publisher.Add(1)
			go func() {
				defer publisher.Done()
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
						f.topic.Publish(resource.Notification{Payload: []byte(fmt.Sprint("news ", i))})
						runtime.Gosched()
					}
				}
			}()
			cs := make([]*client, clients)
			for i := range cs {
				cs[i] = f.dial()
			}
			for i, c := range cs {
				all.Add(1)
				go func() {
					defer all.Done()
					if err := torture(c, i, rounds); err != nil {
						t.Errorf("client %d: %v", i, err)
					}
				}()
			}
			all.Wait()
			close(stop)
			publisher.Wait()
		})
	}
}

// torture is the life of a client.
func torture(c *client, id, rounds int) error {
	rng := rand.New(rand.NewPCG(1, uint64(id)))
	if err := c.TrySend(csm(coap.Settings{MaxMessage: 2000, BlockWise: true}) + observe("o")); err != nil {
		return err
	}
	for round := range rounds {
		want := map[string]string{}
		in := ""
		for i := range 1 + rng.IntN(12) {
			token := fmt.Sprintf("%d.%d", round, i)
			text := fmt.Sprintf("client %d round %d %d", id, round, i)
			switch rng.IntN(4) {
			case 0:
				in += post(token, "echo", text)
			case 1:
				in += message(coap.CodeGET, token, coap.OptURIPath, "soon", coap.OptURIPath, text)
			case 2:
				in += get(token, "hello")
				text = "Hello, world"
			case 3:
				in += get(token, "long")
				text = string(servertest.Pattern(10000)[:1024])
			}
			want[token] = text
		}
		if id%4 == 3 && round == rounds/2 {
			c.TrySend(in[:len(in)/2])
			return c.Conn.Close() // in the midst of it
		}
		for in != "" {
			n := min(len(in), 1+rng.IntN(600))
			if err := c.TrySend(in[:n]); err != nil {
				return err
			}
			in = in[n:]
		}
		for len(want) > 0 {
			m, err := c.tryNext()
			if err != nil {
				return fmt.Errorf("round %d: %v, with %d answers to come", round, err, len(want))
			}
			switch token := string(m.Token); {
			case token == "o" || m.Code == coap.CodePing:
			case want[token] != string(m.Payload):
				return fmt.Errorf("round %d: got %s, want %q", round, show(m), want[token])
			default:
				delete(want, token)
			}
		}
	}
	return nil
}
