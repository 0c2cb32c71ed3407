package main

import (
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
)

// resources is what the site serves over CoAP, the same over TCP and UDP. Its
// handlers allocate nothing for a request, but for /sleep.
type resources struct {
	router resource.Router
	clock  *resource.Topic
	sums   sums
	stats  snapshot
	stop   chan struct{} // the site's
}

// What the resources of a site have room for. Echoes are the most of it: a
// payload that comes in blocks is kept until it has gone back in blocks.
const (
	mostEcho      = 1 << 20 // bytes
	mostEchoes    = 2       // at a time, of those that come or go in blocks
	mostTransfers = 32      // uploads and downloads in blocks that need state
	mostObservers = 1024
	mostLater     = 64 // answers that are to come later
)

func newResources(s *site) (*resources, error) {
	c := &resources{
		router: resource.Router{
			Transfers:    mostTransfers,
			Observations: min(s.server.Sockets(), mostObservers),
			Tickets:      mostLater,
			Gather:       mostEcho,
			Gathers:      mostEchoes,
		},
		stop: s.stop,
	}
	c.stats.site = s
	c.clock = c.router.NewTopic(resource.TopicOptions{})
	c.mount()
	return c, c.router.Freeze()
}

func (c *resources) mount() {
	text, octets := []coap.Format{coap.FormatText}, []coap.Format{coap.FormatOctets}
	for _, route := range []resource.Route{
		{Pattern: "GET /{$}", Handler: coapWelcome, Formats: text, Hidden: true},
		{Pattern: "GET /hello", Handler: coapHello, Formats: text,
			Attributes: titled("a greeting; /hello/NAME greets by name")},
		{Pattern: "GET /hello/{name}", Handler: coapHelloTo, Formats: text, Hidden: true},
		{Pattern: "GET /time", Handler: c.time, Formats: text,
			Attributes: append(titled("the time, every second"), resource.Attribute{Name: "rt", Value: "time"}, resource.Attribute{Name: "obs"})},
		{Pattern: "POST /echo", Handler: coapEcho,
			Attributes: append(titled("sends a payload back"), resource.Attribute{Name: "sz", Value: strconv.Itoa(mostEcho)})},
		{Pattern: "POST /sum", Data: c.sums.take, Dropped: c.sums.dropped, Formats: text,
			Attributes: titled("the length and SHA-256 of a payload of any length")},
		{Pattern: "GET /large", Handler: coapLarge, Formats: octets,
			Attributes: append(titled("a megabyte"), resource.Attribute{Name: "sz", Value: strconv.Itoa(largeSize)})},
		{Pattern: "GET /sleep", Handler: c.sleep, Formats: text,
			Attributes: titled("answers after ?ms=N milliseconds")},
		{Pattern: "GET /stats", Handler: c.stats.answer, Formats: []coap.Format{coap.FormatJSON},
			Attributes: append(titled("what the server has done"), resource.Attribute{Name: "rt", Value: "stats"})},
	} {
		if err := c.router.Add(route); err != nil {
			panic("BUG: " + route.Pattern + ": " + err.Error())
		}
	}
}

func titled(title string) []resource.Attribute {
	return []resource.Attribute{{Name: "title", Value: title}}
}

// run tells the observers of the time, until the site stops.
func (c *resources) run(every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	options := coap.AppendUintOption(nil, 0, coap.OptContentFormat, uint64(coap.FormatText))
	options = coap.AppendUintOption(options, coap.OptContentFormat, coap.OptMaxAge, 1)
	var text [len(time.TimeOnly)]byte
	for {
		select {
		case <-c.stop:
			return
		case now := <-ticker.C:
			c.clock.Publish(resource.Notification{Options: options, Payload: now.AppendFormat(text[:0], time.TimeOnly)})
		}
	}
}

// goodbye tells the observers that there will be no more (RFC 7641 section 3.2).
func (c *resources) goodbye() {
	const again = 5 // seconds, as coaptcp tells those who are connected
	c.clock.Publish(resource.Notification{
		Code:    coap.CodeServiceUnavailable,
		Options: coap.AppendUintOption(nil, 0, coap.OptMaxAge, again),
	})
}

func coapWelcome(w resource.Response, r *resource.Request) error {
	return w.Text("This is bobtail serve. /.well-known/core lists what there is.\n")
}

func coapHello(w resource.Response, r *resource.Request) error { return w.Text(hello) }

func coapHelloTo(w resource.Response, r *resource.Request) error {
	const before, after = "Hello, ", "!"
	name := r.PathValue("name")
	if !utf8.Valid(name) { // RFC 7252 section 5.10.1 has paths in UTF-8, and the answer is to be so
		return resource.ErrBadRequest
	}
	b, err := r.Alloc(len(before) + len(name) + len(after))
	if err != nil {
		return err
	}
	return w.Bytes(coap.FormatText, append(append(append(b[:0], before...), name...), after...))
}

// time answers with the time, and has it told every second to whoever wants to
// observe it.
func (c *resources) time(w resource.Response, r *resource.Request) error {
	r.Observe(c.clock)
	b, err := r.Alloc(len(time.TimeOnly))
	if err != nil {
		return err
	}
	return w.Code(coap.CodeContent).Format(coap.FormatText).MaxAge(1).Bytes(time.Now().AppendFormat(b[:0], time.TimeOnly))
}

// coapEcho sends the payload back under its own format.
func coapEcho(w resource.Response, r *resource.Request) error {
	h := w.Code(coap.CodeChanged) // 2.05 is for GET and FETCH (RFC 7252 section 5.9.1.5)
	if f, ok := r.Format(); ok {
		h = h.Format(f)
	}
	return h.Bytes(r.Payload())
}

// sleep answers after some time. Unlike its brother of HTTP it keeps no worker.
func (c *resources) sleep(w resource.Response, r *resource.Request) error {
	asked, _ := r.Query("ms")
	ms, ok := number(asked, mostSleep)
	if !ok {
		return w.Code(coap.CodeBadRequest).Text("Want /sleep?ms=N, N from 0 to 60000.")
	}
	ticket, err := r.Later(int64(time.Duration(ms)*time.Millisecond + time.Minute))
	if err != nil {
		return err
	}
	format := coap.AppendUintOption(nil, 0, coap.OptContentFormat, uint64(coap.FormatText))
	time.AfterFunc(time.Duration(ms)*time.Millisecond, func() {
		ticket.Answer(coap.CodeContent, format, []byte("Slept."))
	})
	return nil
}

// largeSize is the size of /large in bytes.
const largeSize = 1 << 20

// largeTag names the state of /large, of which there is one.
var largeTag = []byte("large-1")

func coapLarge(w resource.Response, r *resource.Request) error {
	return w.Code(coap.CodeContent).Format(coap.FormatOctets).ETag(largeTag).MaxAge(86400).Source(numberedLines{})
}

// numberedLines is the content of /files/1m.txt, which is made where it is
// asked for.
type numberedLines struct{}

func (numberedLines) Size() int64 { return largeSize }

func (numberedLines) ReadAt(p []byte, off int64) (n int, err error) {
	var line [lineSize]byte
	for n < len(p) {
		at := off + int64(n)
		appendLine(line[:0], int(at/lineSize))
		n += copy(p[n:], line[at%lineSize:])
	}
	return n, nil
}

// snapshot is the text of /stats. It is made anew for who asks for its
// beginning, so that the blocks of one who fetches it in several are of the
// same text, unless others ask in between; the ETag tells.
type snapshot struct {
	site *site

	mu   sync.Mutex
	text jsonText
	at   time.Time
	made uint32
	tag  [8]byte // when the server began, and a number
	now  bobtail.Stats
}

// snapshotAge is how long a snapshot is good for, whoever asks.
const snapshotAge = time.Second

// Size is that of the text. It is for the handler, which has the lock.
func (s *snapshot) Size() int64 { return int64(len(s.text.b)) }

// ReadAt reads from the text, for the handler.
func (s *snapshot) ReadAt(p []byte, off int64) (int, error) { return copy(p, s.text.b[off:]), nil }

func (s *snapshot) answer(w resource.Response, r *resource.Request) error {
	num := uint32(0)
	if v, ok := r.Options().Get(coap.OptBlock2); ok {
		b, err := coap.ParseBlock(v)
		if err != nil {
			return err
		}
		num = b.Num
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); num == 0 && now.Sub(s.at) > snapshotAge || s.text.b == nil {
		s.at = now
		s.make()
	}
	return w.Code(coap.CodeContent).Format(coap.FormatJSON).ETag(s.tag[:]).MaxAge(1).Source(s)
}

// make makes the text, in memory that is kept.
func (s *snapshot) make() {
	s.now = s.site.server.Stats()
	seconds := uint64(time.Since(s.site.began) / time.Second)
	length := jsonText{}
	s.site.describe(&length, &s.now, seconds)
	b := s.text.b[:0]
	if cap(b) < length.n+1 {
		b = make([]byte, 0, 2*length.n) // numbers grow
	}
	s.text = jsonText{b: b}
	s.site.describe(&s.text, &s.now, seconds)
	s.made++
	name := uint64(s.site.began.Unix())<<32 | uint64(s.made)
	for i := range s.tag {
		s.tag[i] = byte(name >> (8 * i))
	}
}
