package main

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/metrics"
	"github.com/bobtail-go/bobtail/static"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/ws/deflate"
)

// page is what / shows, for a server at pageURL. It needs nothing else to be
// fetched.
//
//go:embed index.html
var page string

const pageURL = "http://127.0.0.1:8080/"

// hello is what everybody says first.
const hello = "Hello, World!"

// site is what serve serves. Its handlers allocate nothing for a request.
type site struct {
	server  *bobtail.Server
	memory  bobtail.Memory
	backend string
	began   time.Time
	page    func() *static.Page // of at
	clock   *clock
	sockets *websocket.Driver
	live    *live
	coap    *coapService // nil without -coap
	slow    slowSenders
	stop    chan struct{}
}

// newSite is a site that is to be told by at where it is, before it is served.
func newSite(server *bobtail.Server, backend string) (*site, error) {
	s := &site{server: server, memory: server.Memory(), backend: backend, began: time.Now(), stop: make(chan struct{})}
	var err error
	if s.clock, err = newClock(server); err != nil {
		return nil, err
	}
	compression, err := deflate.New(deflate.Config{MaxInflated: mostInflated})
	if err != nil {
		return nil, err
	}
	if s.sockets, err = websocket.New(server, websocket.Config{Extension: compression}); err != nil {
		return nil, err
	}
	s.live = newLive(server, s.sockets, s.began, s.stop)
	s.slow.stop = s.stop
	return s, nil
}

// mostInflated is the longest message that is taken from a client who compresses,
// who pays for it with a thousandth of the bytes.
const mostInflated = 64 << 20

// run does what the site does by itself, until close.
func (s *site) run() {
	go s.clock.run(time.Second)
	go s.live.run()
	if s.coap != nil {
		s.coap.start()
		go s.coap.run(time.Second)
	}
}

func (s *site) close() {
	close(s.stop)
	s.clock.close()
	if s.coap != nil {
		s.coap.goodbye()
	}
}

// siteMemory is what the site holds beside its server, in bytes.
func siteMemory(server *bobtail.Server) int {
	return uploadsSize + clockOptions(server).Memory(server.Sockets())
}

// at says where the site is served.
func (s *site) at(url string) {
	s.page = sync.OnceValue(func() *static.Page { return pageAt(url) })
	s.slow.toldAt(url)
}

// pageAt is the page of a site that is served at url. To compress it takes as long as
// all that serve does itself before it listens, so the first visitor waits for it, and nobody
// who asks for something else.
func pageAt(url string) *static.Page {
	text := strings.ReplaceAll(page, pageURL, url)
	text = strings.ReplaceAll(text, "ws"+strings.TrimPrefix(pageURL, "http"), "ws"+strings.TrimPrefix(url, "http"))
	var zipped strings.Builder
	z, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression) // which is a level that it has
	io.WriteString(z, text)                                    // a Builder takes everything
	z.Close()
	// Its head is to fit into the least memory that a worker may have.
	return &static.Page{
		File:    static.File{Type: "text/html; charset=utf-8", Identity: text, Gzip: zipped.String()},
		Options: static.Options{Sniff: true},
	}
}

// front is the handler of the page.
func (s *site) front(w bobtail.Response, r *bobtail.Request) error { return s.page().Serve(w, r) }

func (s *site) mount() {
	for pattern, h := range map[string]bobtail.Handler{
		"GET /{$}":             s.front,
		"GET /ws":              s.sockets.Upgrade(websocket.Options{Compress: true}, echoFrames),
		"GET /ws/live":         s.live.upgrade(),
		"GET /ws/straight":     s.sockets.Straight(websocket.Options{Compress: true}, echoStraight),
		"POST /slow":           s.slow.start,
		"GET /hello/{name}":    helloTo,
		"GET /events":          s.clock.topic.Subscribe,
		"GET /files/{path...}": files,
		"GET /plaintext":       plaintext,
		"GET /json":            jsonHello,
		"POST /echo":           echo,
		"GET /sleep":           sleep,
		"GET /metrics":         metrics.Handler(s.server, s.more),
		"GET /stats":           s.stats,
	} {
		if err := s.server.Handle(pattern, h); err != nil {
			panic("BUG: " + pattern + ": " + err.Error())
		}
	}
	if err := s.server.HandleSink("POST /upload", newUploads()); err != nil {
		panic("BUG: /upload: " + err.Error())
	}
}

// echoFrames sends each piece of a message back as it comes, however long the
// message is.
var echoFrames = websocket.Handler{
	Data: func(c *websocket.Conn, p ws.Part) error { return c.Piece(p.Op, p.Last, p.Payload) },
}

// echoStraight does the same in a loop of its own, and holds a worker for as long
// as the peer stays.
func echoStraight(c *websocket.Straight) error {
	for {
		op, err := c.Next()
		if err != nil {
			return err
		}
		w, err := c.Begin(op)
		if err != nil {
			return err
		}
		if _, err := c.WriteTo(w); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
}

func plaintext(w bobtail.Response, r *bobtail.Request) error {
	return w.Status(200).Header("Content-Type", "text/plain").Text(hello)
}

// helloTo greets whoever is named in the path, as text, which no browser takes
// for anything else.
func helloTo(w bobtail.Response, r *bobtail.Request) error {
	const before, after = "Hello, ", "!\n"
	name := r.PathValue("name")
	b, err := r.Alloc(len(before) + len(name) + len(after))
	if err != nil {
		return err
	}
	b = append(append(append(b[:0], before...), name...), after...)
	return w.Status(200).Header("X-Content-Type-Options", "nosniff").Header("Content-Type", "text/plain; charset=utf-8").Bytes(b)
}

func jsonHello(w bobtail.Response, r *bobtail.Request) error {
	return w.Status(200).Header("Content-Type", "application/json").Text(`{"message":"` + hello + `"}`)
}

// echo sends the content back as it comes, however long it is, under its own
// type. What has none is called bytes, so that no browser takes it for a page.
func echo(w bobtail.Response, r *bobtail.Request) error {
	// A peer that asks whether to go on is told so by the first read, and
	// would not be once an answer has begun (RFC 9110 section 10.1.1).
	piece, err := r.NextPiece()
	if err != nil && err != io.EOF {
		return err
	}
	h := w.Status(200)
	if t := r.Header("Content-Type"); t != nil {
		h = h.HeaderBytes("Content-Type", t)
	} else {
		h = h.Header("Content-Type", "application/octet-stream")
	}
	if err == io.EOF {
		return h.Empty()
	}
	body, e := begin(h, r)
	if e != nil {
		return e
	}
	for ; err == nil; piece, err = r.NextPiece() {
		if _, e := body.Write(piece); e != nil {
			return e
		}
	}
	if err != io.EOF {
		return err
	}
	return body.Close()
}

// begin begins content of the length that the request's has, if it is known.
func begin(h bobtail.Head, r *bobtail.Request) (bobtail.Body, error) {
	if n, known := r.ContentLength(); known {
		return h.StreamN(n)
	}
	return h.Stream()
}

// mostSleep is the longest that sleep may be asked to take, in milliseconds:
// as long as a handler may run by default.
const mostSleep = 60_000

// sleep answers after some time, in which it keeps its worker, as handlers do
// that wait for something other than their peer.
func sleep(w bobtail.Response, r *bobtail.Request) error {
	ms, ok := number(parameter(r.Query(), "ms"), mostSleep)
	if !ok {
		return w.Status(400).Text("Want /sleep?ms=N, N from 0 to 60000.\n")
	}
	time.Sleep(time.Duration(ms) * time.Millisecond)
	return w.Text("Slept.\n")
}

// parameter is the value of the first parameter of a query with a name, nil
// if there is none. It undoes no escapes.
func parameter(query []byte, name string) []byte {
	for len(query) > 0 {
		pair := query
		if i := bytes.IndexByte(query, '&'); i >= 0 {
			pair, query = query[:i], query[i+1:]
		} else {
			query = nil
		}
		if len(pair) > len(name) && string(pair[:len(name)]) == name && pair[len(name)] == '=' {
			return pair[len(name)+1:]
		}
	}
	return nil
}

// number reads a whole number of at most most.
func number(b []byte, most int) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n = n*10 + int(c-'0'); n > most {
			return 0, false
		}
	}
	return n, len(b) > 0
}
