package wsdial_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/ws/deflate"
	"github.com/bobtail-go/bobtail/wsconn"
)

// upside is an extension that turns bytes upside down, and keeps books.
type upside struct {
	mu       sync.Mutex
	stateful bool
	events   []string
	released chan bool
}

var errAnswer = errors.New("this is not what was offered")

func (e *upside) note(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = append(e.events, fmt.Sprintf(format, args...))
}

func (e *upside) Accept([]byte) wsconn.Params                         { return 0 }
func (e *upside) AppendAccept(dst []byte, _ wsconn.Params) []byte     { return dst }
func (e *upside) AppendOffer(dst []byte) []byte                       { return append(dst, "upside; down"...) }
func (e *upside) Stateful(ws.Role, wsconn.Params) bool                { return e.stateful }
func (e *upside) Shared(ws.Role, wsconn.Params) (wsconn.Params, bool) { return 0, false }
func (e *upside) Release(p wsconn.Params)                             { e.note("release %d", p); e.released <- true }
func (e *upside) Put(wsconn.Codec)                                    { e.note("put") }
func (e *upside) Codec() wsconn.Codec                                 { e.note("codec"); return &turner{e: e} }
func (e *upside) Take(_ ws.Role, p wsconn.Params) wsconn.Codec {
	e.note("take %d", p)
	return &turner{e: e}
}

func (e *upside) Agree(answer []byte) (wsconn.Params, error) {
	if string(answer) != "upside; left,upside; right" {
		return 0, errAnswer
	}
	return 7, nil
}

// turner is its codec. It notices use by two at once, and after the end.
type turner struct {
	e       *upside
	in, out sync.Mutex
	r       io.Reader
}

func turn(b []byte) []byte {
	b = bytes.Clone(b)
	for i := range b {
		b[i] ^= 0xff
	}
	return b
}

func (c *turner) use(m *sync.Mutex) func() {
	if !m.TryLock() {
		c.e.note("two at once")
		return func() {}
	}
	c.e.mu.Lock()
	if n := len(c.e.events); n > 0 && strings.HasPrefix(c.e.events[n-1], "release") {
		c.e.events = append(c.e.events, "used after the end")
	}
	c.e.mu.Unlock()
	return m.Unlock
}

func (c *turner) Bind(role ws.Role, p wsconn.Params) { c.e.note("bind %v %d", role, p) }
func (c *turner) Decompress(r io.Reader)             { defer c.use(&c.in)(); c.r = r }

func (c *turner) Compress(w io.Writer, b []byte, last bool) error {
	defer c.use(&c.out)()
	_, err := w.Write(turn(b))
	return err
}

func (c *turner) Read(p []byte) (int, error) {
	defer c.use(&c.in)()
	n, err := c.r.Read(p)
	copy(p, turn(p[:n]))
	return n, err
}

// TestExtension agrees on an extension, uses it, and gives it back once, when
// nobody uses it any longer.
func TestExtension(t *testing.T) {
	asked := make(chan string, 1)
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Sec-WebSocket-Extensions")
		if r.URL.Path == "/wrong" {
			_, c := upgrade(w, r, answer{extensions: "upside"})
			c.Close()
			return
		}
		c, rw := accept(w, r, answer{extensions: "upside; left\r\nSec-WebSocket-Extensions: upside; right"})
		defer c.Close()
		codec := &turner{e: &upside{}}
		s, err := wsconn.New(wsconn.Config{Role: ws.RoleServer, In: make([]byte, 1024), Out: make([]byte, 1024), Codec: codec, Params: 7, Threshold: 1})
		if err == nil {
			err = s.Reset(struct {
				*bufio.Reader
				io.Writer
			}{rw.Reader, c}, nil)
		}
		if err != nil {
			t.Error(err)
			return
		}
		echoOn(s)
	})
	for _, stateful := range []bool{false, true} {
		want := "codec|bind client 7|release 7"
		if stateful {
			want = "take 7|put|release 7"
		}
		for _, how := range []string{"close", "close now", "while it is used"} {
			t.Run(fmt.Sprintf("stateful %v, %s", stateful, how), func(t *testing.T) {
				e := &upside{stateful: stateful, released: make(chan bool, 2)}
				c := dial(t, base, wsdial.Config{Extension: e})
				if got := <-asked; got != "upside; down" {
					t.Errorf("offered %q", got)
				}
				wantEcho(t, c, strings.Repeat("0123456789", 1000))
				switch how {
				case "close":
					if err := c.Close(); err != nil {
						t.Error(err)
					}
				case "while it is used":
					var g sync.WaitGroup
					began := make(chan bool, 2)
					g.Go(func() {
						for n := 0; ; n++ {
							if err := c.WriteText(strings.Repeat("0123456789", 1000)); err != nil {
								return
							}
							if n == 10 {
								began <- true
							}
						}
					})
					g.Go(func() {
						for n := 0; ; n++ {
							if _, _, err := c.Receive(); err != nil {
								return
							}
							if n == 10 {
								began <- true
							}
						}
					})
					within(t, began, "traffic")
					within(t, began, "traffic")
					c.CloseNow()
					g.Wait()
				}
				c.CloseNow()
				c.CloseNow()
				within(t, e.released, "the release")
				runtime.Gosched()
				e.mu.Lock()
				defer e.mu.Unlock()
				if got := strings.Join(e.events, "|"); got != want {
					t.Errorf("got  %q\nwant %q", got, want)
				}
				if c.WriteText(strings.Repeat("0", 1000)) == nil {
					t.Error("sent after the end")
				}
			})
		}
	}
	t.Run("not what was offered", func(t *testing.T) {
		if err := refused(t, base+"wrong", wsdial.Config{Extension: &upside{}}); !errors.Is(err, errAnswer) {
			t.Error(err)
		}
		<-asked
	})
}

// TestDeflate compresses for real, with context takeover and without.
func TestDeflate(t *testing.T) {
	for _, config := range []deflate.Config{{}, {ServerTakeover: true, ClientTakeover: true, Contexts: 8}} {
		e, err := deflate.New(config)
		if err != nil {
			t.Fatal(err)
		}
		base := serve(t, func(w http.ResponseWriter, r *http.Request) {
			p := e.Accept([]byte(r.Header.Get("Sec-WebSocket-Extensions")))
			c, rw := accept(w, r, answer{extensions: string(e.AppendAccept(nil, p))})
			defer c.Close()
			var codec wsconn.Codec
			if e.Stateful(ws.RoleServer, p) {
				codec = e.Take(ws.RoleServer, p)
				defer e.Put(codec)
			} else {
				codec = e.Codec()
				codec.Bind(ws.RoleServer, p)
			}
			s, err := wsconn.New(wsconn.Config{Role: ws.RoleServer, In: make([]byte, 1024), Out: make([]byte, 1024), Codec: codec, Params: p})
			if err == nil {
				err = s.Reset(struct {
					*bufio.Reader
					io.Writer
				}{rw.Reader, c}, nil)
			}
			if err != nil {
				t.Error(err)
				return
			}
			echoOn(s)
		})
		for range 3 {
			c := dial(t, base, wsdial.Config{Extension: e})
			for _, n := range []int{0, 10, 300, 5000, 100_000, 10} {
				wantEcho(t, c, strings.Repeat("0123456789", n))
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
