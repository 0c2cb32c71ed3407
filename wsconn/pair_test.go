package wsconn_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/internal/pipetest"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// letters and digits of many alphabets.
var alphabet = []rune("abcdefghijklmnopqrstuvwxyz0123456789 äöüß€漢字🙂")

// message is one of the messages of a random sequence.
type message struct {
	op   ws.Opcode
	text []byte
	ways uint64 // how it is sent
}

func randomMessages(r *rand.Rand, n int) []message {
	list := make([]message, n)
	for i := range list {
		m := &list[i]
		m.op, m.ways = ws.OpBinary, r.Uint64()
		size := r.IntN(1 << r.IntN(14))
		if r.IntN(2) == 0 {
			m.op = ws.OpText
			for len(m.text) < size {
				// Runs, so that there is something to compress.
				m.text = append(m.text, strings.Repeat(string(alphabet[r.IntN(len(alphabet))]), 1+r.IntN(10))...)
			}
			continue
		}
		m.text = make([]byte, size)
		for j := range m.text {
			m.text[j] = byte(r.Uint32())
		}
	}
	return list
}

// send sends the message in one of the ways.
func (m *message) send(c *wsconn.Conn) error {
	switch m.ways % 4 {
	case 0, 1:
		return c.WriteMessage(m.op, m.text)
	case 2:
		return streamed(c, m.op, func(w *wsconn.Writer) error {
			_, err := io.Copy(w, struct{ io.Reader }{bytes.NewReader(m.text)})
			return err
		})
	}
	return streamed(c, m.op, func(w *wsconn.Writer) error {
		r := rand.New(rand.NewPCG(m.ways, 0))
		for rest := m.text; len(rest) > 0; {
			n := min(len(rest), 1+r.IntN(1000))
			if _, err := w.Write(rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
			if r.IntN(4) == 0 {
				if err := w.Flush(); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// receive reads the next message in one of the ways, and wants it to be this.
func (m *message) receive(c *wsconn.Conn, r *rand.Rand) error {
	var op ws.Opcode
	var err error
	var got []byte
	switch r.IntN(4) {
	case 0:
		op, got, err = c.ReadMessage(make([]byte, len(m.text)))
	case 1:
		if op, err = c.Next(); err == nil {
			var b bytes.Buffer
			_, err = io.Copy(&b, c)
			got = b.Bytes()
		}
	default:
		if op, err = c.Next(); err == nil {
			buf := make([]byte, 1+r.IntN(1<<r.IntN(14)))
			for {
				n, e := c.Read(buf)
				got = append(got, buf[:n]...)
				if e == io.EOF {
					break
				}
				if e != nil {
					return e
				}
			}
		}
	}
	if err != nil {
		return err
	}
	if op != m.op || !bytes.Equal(got, m.text) {
		return fmt.Errorf("a message of %d bytes comes as %d", len(m.text), len(got))
	}
	return nil
}

// TestPair has a server and a client talk, each sending what a seed says while
// it reads what the other sends, and then one closing. One of them pings.
func TestPair(t *testing.T) {
	rounds := uint64(30)
	if testing.Short() {
		rounds = 5
	}
	for _, pipe := range pipetest.Pipes() {
		for seed := range rounds {
			t.Run(fmt.Sprintf("%s, seed %d", pipe.Name, seed), func(t *testing.T) {
				t.Parallel()
				r := rand.New(rand.NewPCG(seed, seed))
				a, b := pipe.Open(seed)
				var pongs [2]int
				p := newPair(t, a, b, wsconn.MinIn+r.IntN(1<<r.IntN(13)), wsconn.MinOut+r.IntN(1<<r.IntN(13)), func(c *wsconn.Config) {
					c.Fragment = r.IntN(1 << r.IntN(14))
					if seed%2 == 1 {
						squeezed(c)
					}
					c.Pong = func([]byte) { pongs[c.Role]++ }
				})
				lists := [2][]message{randomMessages(r, 30), randomMessages(r, 30)}
				closer, pinger := r.IntN(2), r.IntN(2)
				var wait sync.WaitGroup
				var over sync.WaitGroup // of the one that closes: all is sent and received
				over.Add(2)
				for i, e := range p.ends() {
					wait.Go(func() { // sends
						c := e[0]
						for j := range lists[i] {
							if i == pinger {
								if err := c.Ping(lists[i][j].text[:min(125, len(lists[i][j].text))]); err != nil {
									t.Error(err)
								}
							}
							if err := lists[i][j].send(c); err != nil {
								t.Errorf("message %d of %d: %v", j, i, err)
								break
							}
						}
						if i == closer {
							over.Done()
							over.Wait()
							if err := c.CloseWith(4000, "done"); err != nil {
								t.Error(err)
							}
						}
					})
					wait.Go(func() { // reads
						c, r := e[0], rand.New(rand.NewPCG(seed, uint64(i)))
						for j := range lists[1-i] {
							if err := lists[1-i][j].receive(c, r); err != nil {
								t.Errorf("message %d for %d: %v", j, i, err)
								p.close()
								break
							}
						}
						want := "closed 4000 done"
						if i == closer {
							over.Done()
							want = "closed 4000"
						}
						// Reading goes on for the sake of the pongs.
						if _, err := c.Next(); outcome(err) != want {
							t.Errorf("%d: %v", i, err)
						}
					})
				}
				wait.Wait()
				if pongs[1-pinger] != 0 || pongs[pinger] == 0 || pongs[pinger] > 30 {
					t.Errorf("pongs: %v", pongs)
				}
			})
		}
	}
}

// TestEcho sends back what comes, of any size, without a buffer of its own.
func TestEcho(t *testing.T) {
	for _, pipe := range pipetest.Pipes() {
		for _, packed := range []bool{false, true} {
			a, b := pipe.Open(3)
			p := newPair(t, a, b, 0, 0, func(c *wsconn.Config) {
				if packed {
					squeezed(c)
				}
			})
			served := make(chan error)
			go func() {
				c := p.server
				for {
					op, err := c.Next()
					if err != nil {
						served <- err
						return
					}
					w, err := c.Begin(op)
					if err == nil {
						_, err = io.Copy(w, c)
					}
					if err == nil {
						err = w.Close()
					}
					if err != nil {
						served <- err
						return
					}
				}
			}()
			r := rand.New(rand.NewPCG(5, 5))
			for _, m := range randomMessages(r, 20) {
				done := make(chan error)
				go func() { done <- m.send(p.client) }()
				if err := m.receive(p.client, r); err != nil {
					t.Fatal(err)
				}
				must(t, <-done)
			}
			must(t, p.client.CloseWith(1000, ""))
			if err := <-served; outcome(err) != "closed 1000" {
				t.Error(err)
			}
			p.close()
		}
	}
}

// TestManyWriters sends messages of several goroutines, whole and streamed, with
// pings between, each of which comes whole and in its sender's order.
func TestManyWriters(t *testing.T) {
	const writers, each = 8, 40
	for _, r := range roles {
		a, b := pipetest.Narrow(7)
		p := newPair(t, a, b, 0, 0)
		e := p.ends()[r.role]
		var wait sync.WaitGroup
		for i := range writers {
			wait.Go(func() {
				for j := range each {
					text := []byte(fmt.Sprintf("%d %d %s", i, j, strings.Repeat(string(rune('a'+i)), j*17)))
					m := message{ws.OpText, text, uint64(i*each + j)}
					if err := m.send(e[0]); err != nil {
						t.Error(err)
					}
					if err := e[0].Ping(text[:3]); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Go(func() { // the pongs
			if _, err := e[0].Next(); outcome(err) != "closed 1000" {
				t.Error(err)
			}
		})
		next := [writers]int{}
		buf := make([]byte, 1000)
		for range writers * each {
			_, msg, err := e[1].ReadMessage(buf)
			must(t, err)
			var i, j int
			var rest string
			fmt.Sscan(string(msg), &i, &j, &rest)
			if i >= writers || j != next[i] || rest != strings.Repeat(string(rune('a'+i)), j*17) {
				t.Fatalf("%s: message %q", r.name, msg)
			}
			next[i]++
		}
		must(t, e[1].CloseWith(1000, ""))
		wait.Wait()
		p.close()
	}
}

// gate is a stream whose writes wait to be let through.
type gate struct {
	wire
	begun, pass chan struct{}
}

func (g *gate) Write(p []byte) (int, error) {
	g.begun <- struct{}{}
	<-g.pass
	return g.wire.Write(p)
}

// open lets the write that has begun pass, and all that follow.
func (g *gate) open() {
	g.pass <- struct{}{}
	go func() {
		for range g.begun {
			g.pass <- struct{}{}
		}
	}()
}

// TestOwedPong does not make the reader wait for a frame that is being sent: the
// pongs follow it, in their order, and of more than there is room for the newest.
func TestOwedPong(t *testing.T) {
	long := strings.Repeat("l", ws.MaxControl)
	half := strings.Repeat("h", ws.MaxControl/2)
	for pings, want := range map[string]string{
		"p=1":                                  "o=1",
		"p=1 p=2 p p=3":                        "o=1 o=2 o o=3",
		"p=1 p=2 p=" + long:                    "o=" + long,
		"p=" + long + " p":                     "o",
		"p=1 p=" + half + " p=3":               "o=1 o=" + half + " o=3",
		"p=1 p=2 p=" + half + " p=3 p=" + half: "o=3 o=" + half,
	} {
		for _, r := range roles {
			c := newConn(t, r.role, 0, 0)
			g := &gate{begun: make(chan struct{}), pass: make(chan struct{})}
			g.in = frames(peerOf(r.role), pings+" t=one")
			must(t, c.Reset(g, nil))
			done := make(chan error)
			go func() { done <- c.WriteText("long") }()
			<-g.begun
			if _, msg, err := c.ReadMessage(make([]byte, 10)); string(msg) != "one" || err != nil {
				t.Fatal(string(msg), err)
			}
			g.open()
			must(t, <-done)
			close(g.begun)
			if got := script(r.role, g.out.Bytes()); got != "t=long "+want {
				t.Errorf("%s: %s: sent %s, want %s", r.name, pings, got, want)
			}
		}
	}
}

// TestCloseWaitsForFrame sends the close frame behind a frame that is being
// sent, not inside, when the peer closes and when he breaks a rule.
func TestCloseWaitsForFrame(t *testing.T) {
	for in, want := range map[string]string{"p=1 x=1000": "t=long o=1 x=1000", "c": "t=long x=1002,ws:_continuation_of_no_message"} {
		c := newConn(t, ws.RoleServer, 0, 0)
		g := &gate{begun: make(chan struct{}), pass: make(chan struct{})}
		g.in = frames(ws.RoleClient, in)
		must(t, c.Reset(g, nil))
		done := make(chan error)
		go func() { done <- c.WriteText("long") }()
		<-g.begun
		go func() {
			_, err := c.Next()
			done <- err
		}()
		g.open()
		<-done
		<-done
		close(g.begun)
		if got := script(ws.RoleServer, g.out.Bytes()); got != want {
			t.Errorf("sent %s, want %s", got, want)
		}
	}
}

// TestEndBesideWriter tells a reader of the end of the stream, or of a deadline,
// although another goroutine is in the midst of a frame and may be for ever.
func TestEndBesideWriter(t *testing.T) {
	for _, end := range []error{nil, errRead} {
		for _, r := range roles {
			c := newConn(t, r.role, 0, 0)
			g := &gate{begun: make(chan struct{}), pass: make(chan struct{})}
			g.in, g.end = frames(peerOf(r.role), "p=1 t=one"), end
			if end == nil {
				end = wsconn.ErrAbnormal
			}
			must(t, c.Reset(g, nil))
			wrote, read := make(chan error), make(chan error)
			go func() { wrote <- c.WriteText("long") }()
			<-g.begun
			go func() {
				_, err := readers[0].do(c)
				read <- err
			}()
			select {
			case err := <-read:
				if err != end || c.IsOpen() {
					t.Errorf("%s: %v, open %v", r.name, err, c.IsOpen())
				}
			case <-time.After(time.Minute):
				t.Fatalf("%s: the reader waits for the writer", r.name)
			}
			g.pass <- struct{}{}
			must(t, <-wrote) // it was sent
			if err := c.WriteText("more"); err != end {
				t.Errorf("%s: behind the end: %v", r.name, err)
			}
			if got := script(r.role, g.out.Bytes()); got != "t=long" || c.State() != ws.StateClosed {
				t.Errorf("%s: sent %s, %v", r.name, got, c.State())
			}
		}
	}
}

// TestBackground reads on while the answer to a ping waits for the peer to take
// it, who may be waiting for the same of us.
func TestBackground(t *testing.T) {
	for _, r := range roles {
		var runs int
		c := newConn(t, r.role, 0, 0, func(c *wsconn.Config) { c.Background = func(f func()) { runs++; go f() } })
		g := &gate{begun: make(chan struct{}), pass: make(chan struct{})}
		g.in = frames(peerOf(r.role), "p=1 t=one p=2 p=3 t=two")
		must(t, c.Reset(g, nil))
		receive := func() string {
			read := make(chan string)
			go func() {
				_, msg, err := c.ReadMessage(make([]byte, 10))
				if err != nil {
					t.Error(err)
				}
				read <- string(msg)
			}()
			select {
			case got := <-read:
				return got
			case <-time.After(time.Minute):
				t.Fatalf("%s: the reader waits for the peer to read", r.name)
			}
			return ""
		}
		if got := receive(); got != "one" {
			t.Errorf("%s: %s", r.name, got)
		}
		<-g.begun
		if got := receive(); got != "two" {
			t.Errorf("%s: %s", r.name, got)
		}
		for range 2 {
			g.pass <- struct{}{}
			<-g.begun
		}
		g.pass <- struct{}{}
		c.State() // waits for it
		if got := script(r.role, g.out.Bytes()); got != "o=1 o=2 o=3" || runs != 2 {
			t.Errorf("%s: sent %s, by %d goroutines", r.name, got, runs)
		}
	}
}
