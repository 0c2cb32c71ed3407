package coapdial

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coapconn"
)

// Client asks a server, over one connection. Its methods may be called from any
// number of goroutines. Whoever has a Client must call Close or Release in the
// end, also if it has failed.
type Client struct {
	ex     exchanger
	uri    coap.URI
	config Config
	pool   sync.Pool // of *memory
	tags   atomic.Uint32
}

func newClient(ex exchanger, u coap.URI, c Config) *Client {
	return &Client{ex: ex, uri: u, config: c}
}

// Option is an option of a request. See Uint, Format, Accept and ETag.
type Option struct {
	Number coap.Option
	Value  []byte
}

// Uint is an option whose value is a number.
func Uint(n coap.Option, v uint64) Option {
	var b []byte
	for ; v != 0; v >>= 8 {
		b = append([]byte{byte(v)}, b...)
	}
	return Option{n, b}
}

// Text is an option whose value is text.
func Text(n coap.Option, s string) Option { return Option{n, []byte(s)} }

// Format says what the body of the request is (RFC 7252 section 5.10.3).
func Format(f coap.Format) Option { return Uint(coap.OptContentFormat, uint64(f)) }

// Accept says what the answer should be (RFC 7252 section 5.10.4).
func Accept(f coap.Format) Option { return Uint(coap.OptAccept, uint64(f)) }

// ETag says which state is known already: if it still is the state, the answer
// is 2.03 without a body (RFC 7252 section 5.10.6).
func ETag(tag []byte) Option { return Option{coap.OptETag, tag} }

// Request is what a server is asked.
type Request struct {
	Method coap.Code // 0 for GET
	Path   string    // path and query as in a URI, escaped, such as "/things?rt=lamp"; "" for those of Dial's URI
	// Options are further ones, in any order. Observe, Block1, Block2, Size1,
	// Size2 and Request-Tag are the client's business.
	Options []Option

	// Body is what is sent. What does not fit into a message, or is longer than
	// BlockSize, goes by blocks (RFC 7959), several KB each if both ends can
	// (RFC 8323 section 6). A Body that is an io.Seeker is sent once more if the
	// server has lost what it had of it (4.08). If Size is not 0, the body must
	// have so many bytes; else its size is not known, unless it is that of a
	// *bytes.Reader, *bytes.Buffer, *strings.Reader, or whatever has a Len.
	Body io.Reader
	Size int64

	// Into takes the body of an answer of class 2 as it comes, of any size,
	// instead of Response.Body. If the content changes while it is fetched, all
	// is fetched again; for that Into must be able to forget what it was given,
	// by Seek and Truncate as an *os.File does, or Do fails with ErrChanged.
	Into io.Writer

	// BlockSize is the largest block that is sent, and asked for, 16 to 1024; 0
	// for that of the Config.
	BlockSize int

	// Progress, if it is not nil, is called by Do as the body goes, with sending,
	// and then as that of the answer comes: how many bytes are there, of how
	// many, -1 if that is not known.
	Progress func(sending bool, done, total int64)
}

// Response is what a server has answered.
type Response struct {
	Code    coap.Code
	Options coap.Options // of the first message, those of blockwise transfers included
	Body    []byte       // nil if it went to Request.Into
	Size    int64        // of the body in bytes
}

// Err is a *CodeError if the code is of the classes 4 and 5, else nil.
func (r *Response) Err() error {
	if r.Code.Class() < 4 {
		return nil
	}
	return &CodeError{r.Code, string(r.Body)}
}

// Format is what the body is.
func (r *Response) Format() (f coap.Format, ok bool) {
	v, ok := r.Options.Uint(coap.OptContentFormat)
	return coap.Format(v), ok && v < 1<<16
}

// ETag names the state that was answered; nil if the server has not.
func (r *Response) ETag() []byte {
	tag, _ := r.Options.Get(coap.OptETag)
	return tag
}

// Do asks the server, and returns when all of its answer is here: the rest of
// one that comes by blocks is fetched (RFC 7959 section 2.4). An answer of any
// code is a Response; see Err there. Once ctx is done, Do fails with its cause.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	t, err := c.begin(ctx, &r)
	if err != nil {
		return nil, err
	}
	defer t.end()
	m, err := t.send()
	if err != nil {
		return nil, err
	}
	return t.receive(m)
}

// Get is Do for a GET of a path.
func (c *Client) Get(ctx context.Context, path string) (*Response, error) {
	return c.Do(ctx, Request{Path: path})
}

// Ping asks for a sign of life, and waits for it.
func (c *Client) Ping(ctx context.Context) error { return c.ex.Ping(ctx) }

// Release has the server finish what it was asked, and close the connection
// (RFC 8323 section 5.5), and waits for that; then it closes the client. Over
// UDP there is nothing to say.
func (c *Client) Release(ctx context.Context) error {
	err := c.ex.Release(ctx)
	c.ex.Close()
	return err
}

// Close closes the connection. What is under way fails.
func (c *Client) Close() error { return c.ex.Close() }

// LocalAddr is the address of this end.
func (c *Client) LocalAddr() net.Addr { return c.ex.LocalAddr() }

// RemoteAddr is the address of the server.
func (c *Client) RemoteAddr() net.Addr { return c.ex.RemoteAddr() }

// memory is what a transfer needs, to be used again.
type memory struct {
	options []byte // of the request, without those of blocks
	with    []byte // with them
	into    []byte // an answer
	body    []byte // blocks that are being sent
}

// transfer is a call of Do, or a notification.
type transfer struct {
	*memory
	c       *Client
	ctx     context.Context
	r       *Request
	method  coap.Code
	payload []byte              // of a request that was sent whole; it is repeated for further blocks of the answer to a FETCH
	cut     bool                // the body went by blocks, all of which have the tag
	tag     uint32              // a Request-Tag (RFC 9175 section 3)
	call    *coapconn.Call      // of all messages, over TCP
	token   [coap.MaxToken]byte // of all messages, over UDP
	inside  bool                // blocks are being sent or fetched
	busy    int                 // how often the server has asked to come back later
	again   int                 // how often the content has changed
}

// begin checks a request and puts its options together.
func (c *Client) begin(ctx context.Context, r *Request) (*transfer, error) {
	t := &transfer{c: c, ctx: ctx, r: r, method: r.Method}
	if t.method == 0 {
		t.method = coap.CodeGET
	}
	switch {
	case !t.method.IsRequest():
		return nil, ErrMethod
	case !isBlockSize(r.BlockSize) || r.Size < 0:
		return nil, ErrConfig
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	t.memory, _ = c.pool.Get().(*memory)
	if t.memory == nil {
		t.memory = &memory{into: make([]byte, c.ex.MaxAnswer())}
	}
	if err := t.address(); err != nil {
		t.end()
		return nil, err
	}
	return t, nil
}

// end gives the memory back.
func (t *transfer) end() {
	if t.call != nil {
		t.c.ex.(*tcp).put(t.call)
		t.call = nil
	}
	t.c.pool.Put(t.memory)
	t.memory = nil
}

// address writes the options that are the same in all messages.
func (t *transfer) address() (err error) {
	u := t.c.uri
	if t.r.Path != "" {
		u.Path, u.Query = t.r.Path, ""
		if i := bytes.IndexByte([]byte(u.Path), '?'); i >= 0 {
			u.Path, u.Query = u.Path[:i], u.Path[i+1:]
		}
	}
	if t.options, err = u.AppendOptions(t.options[:0]); err != nil {
		return err
	}
	for _, o := range t.r.Options {
		switch o.Number {
		case coap.OptObserve, coap.OptBlock1, coap.OptBlock2, coap.OptSize1, coap.OptSize2, coap.OptRequestTag:
			return ErrOption
		}
		if !o.Number.Fits(len(o.Value)) {
			return ErrOption
		}
		t.options = coap.InsertOption(t.options, o.Number, o.Value)
	}
	return nil
}

// blockSize is the largest block, 0 for as much as both ends can.
func (t *transfer) blockSize() int {
	if t.r.BlockSize != 0 {
		return t.r.BlockSize
	}
	return t.c.config.BlockSize
}

// extra is an option of one message of a transfer.
func (t *transfer) extra(n coap.Option, v uint64) {
	var b [8]byte
	i := len(b)
	for ; v != 0; v >>= 8 {
		i--
		b[i] = byte(v)
	}
	t.with = coap.InsertOption(t.with, n, b[i:])
}

// fresh begins the options of a message.
func (t *transfer) fresh() { t.with = append(t.with[:0], t.options...) }

// first adds what the first request for an answer says of that.
func (t *transfer) first() {
	if size := t.blockSize(); size != 0 {
		// The server need not cut its answer twice (RFC 7959 section 2.4).
		t.extra(coap.OptBlock2, uint64(coap.Block{SZX: coap.SZXOf(size)}.Uint()))
	}
	if t.r.Progress != nil && (t.method == coap.CodeGET || t.method == coap.CodeFETCH) {
		t.extra(coap.OptSize2, 0) // RFC 7959 section 4
	}
}

// exchange sends a message with the options of with, and waits for its answer,
// which is valid until the next one. All messages of a transfer have the same
// token, since there are servers that know by it what belongs together (go-coap,
// to 3.4).
func (t *transfer) exchange(payload []byte) (coap.Message, error) {
	q := coap.Message{Code: t.method, Options: t.with, Payload: payload}
	for {
		m, err := t.ask(q)
		if err != nil || m.Code != coap.CodeServiceUnavailable || !t.inside || t.busy == tries {
			return m, err
		}
		// In the middle of a transfer a server that has no place for it now is
		// asked again, if it says when (RFC 7252 section 5.9.3.4).
		after, ok := m.Options.Uint(coap.OptMaxAge)
		if !ok || after > mostBusy {
			return m, nil
		}
		t.busy++
		timer := time.NewTimer(time.Duration(after) * time.Second)
		select {
		case <-timer.C:
		case <-t.ctx.Done():
			timer.Stop()
			return m, context.Cause(t.ctx)
		}
	}
}

// tries is how often a transfer may be told to come back, and mostBusy in how
// many seconds at most.
const (
	tries    = 5
	mostBusy = 10
)

func (t *transfer) ask(m coap.Message) (coap.Message, error) {
	ex, ok := t.c.ex.(*tcp)
	if !ok {
		if t.token == [len(t.token)]byte{} {
			rand.Read(t.token[:]) // which does not fail
		}
		m.Token = t.token[:]
		return t.c.ex.Do(t.ctx, m, t.into)
	}
	if t.call == nil {
		t.call = ex.get()
		t.call.Keep = true
	}
	return ex.call(t.ctx, t.call, m, t.into)
}

// progress tells how far it is.
func (t *transfer) progress(sending bool, done, total int64) {
	if t.r.Progress != nil {
		t.r.Progress(sending, done, total)
	}
}
