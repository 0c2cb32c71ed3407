package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plgd-dev/go-coap/v3"
	"github.com/plgd-dev/go-coap/v3/message"
	"github.com/plgd-dev/go-coap/v3/message/codes"
	"github.com/plgd-dev/go-coap/v3/message/pool"
	"github.com/plgd-dev/go-coap/v3/mux"
	"github.com/plgd-dev/go-coap/v3/net/blockwise"
	"github.com/plgd-dev/go-coap/v3/options"
	"github.com/plgd-dev/go-coap/v3/tcp"
	"github.com/plgd-dev/go-coap/v3/udp"
)

// gocoap is the client of go-coap.
type gocoap struct{}

// dialGocoap connects to the host of a URL, and returns its path.
func dialGocoap(ctx context.Context, at string, block int) (mux.Conn, string, error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, "", err
	}
	szx := blockwise.SZX1024
	for s := blockwise.SZX16; s < blockwise.SZX1024; s++ {
		if s.Size() == int64(block) {
			szx = s
		}
	}
	blocks := options.WithBlockwise(true, szx, patient)
	if u.Scheme == "coap+tcp" {
		// Without the last, requests may go out before the CSM of the server is
		// there, whole, and longer than RFC 8323 section 5.3.1 lets them be.
		c, err := tcp.Dial(u.Host, blocks, options.WithMaxMessageSize(2<<20), options.WithCSMExchangeTimeout(patient))
		return c, u.Path, err
	}
	c, err := udp.Dial(u.Host, blocks, options.WithMaxMessageSize(2<<20))
	return c, u.Path, err
}

var gocoapMethods = map[string]codes.Code{"": codes.GET, "GET": codes.GET, "POST": codes.POST, "PUT": codes.PUT, "DELETE": codes.DELETE}

func (gocoap) do(ctx context.Context, at string, r coapRequest) (coapAnswer, error) {
	c, path, err := dialGocoap(ctx, at, r.block)
	if err != nil {
		return coapAnswer{}, err
	}
	defer c.Close()
	return gocoapDo(ctx, c, path, r)
}

func gocoapDo(ctx context.Context, c mux.Conn, path string, r coapRequest) (coapAnswer, error) {
	m := c.AcquireMessage(ctx)
	defer c.ReleaseMessage(m)
	token := message.Token(r.token)
	if r.token == "" {
		var err error
		if token, err = message.GetToken(); err != nil {
			return coapAnswer{}, err
		}
	}
	m.SetToken(token)
	m.SetCode(gocoapMethods[r.method])
	if err := m.SetPath(path); err != nil {
		return coapAnswer{}, err
	}
	if r.payload != "" {
		m.SetBody(strings.NewReader(r.payload))
		if r.format >= 0 {
			m.SetContentFormat(message.MediaType(r.format))
		}
	}
	for _, o := range r.options {
		m.AddOptionBytes(message.OptionID(o.number), []byte(o.value))
	}
	if r.non {
		m.SetType(message.NonConfirmable)
	}
	a, err := c.Do(m)
	if err != nil {
		return coapAnswer{}, err
	}
	b, err := a.ReadBody()
	if !bytes.Equal(a.Token(), token) {
		err = errors.Join(err, fmt.Errorf("the token %x, not %x", a.Token(), token))
	}
	return coapAnswer{code: fmt.Sprintf("%d.%02d", a.Code()>>5, a.Code()&31), payload: string(b)}, err
}

func (gocoap) observe(ctx context.Context, at string, n int) ([]string, error) {
	c, path, err := dialGocoap(ctx, at, 0)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	states := make(chan string, 100)
	o, err := c.Observe(ctx, path, func(m *pool.Message) {
		b, err := m.ReadBody()
		if m.Code() != codes.Content {
			err = fmt.Errorf("the code %v", m.Code())
		}
		if err != nil {
			b = []byte(err.Error())
		}
		states <- string(b)
	})
	if err != nil {
		return nil, err
	}
	var got []string
	for range n {
		select {
		case s := <-states:
			got = append(got, s)
		case <-ctx.Done():
			return got, ctx.Err()
		}
	}
	return got, o.Cancel(ctx)
}

func (gocoap) ping(ctx context.Context, at string) error {
	c, _, err := dialGocoap(ctx, at, 0)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Ping(ctx)
}

// startGocoap runs a server of go-coap.
func startGocoap(t *testing.T) *coapSite {
	t.Helper()
	s := &gocoapServer{texts: make(map[string][]byte)}
	r := mux.NewRouter()
	r.DefaultHandleFunc(s.serve)
	addr := coapPort(t)
	for _, network := range []string{"tcp", "udp"} {
		go func() {
			err := coap.ListenAndServeWithOptions(network, addr, options.WithMux(r), options.WithMaxMessageSize(2<<20))
			if err != nil {
				t.Log(network, err)
			}
		}()
	}
	coapAwait(t, addr)
	return &coapSite{addr: addr, small: "/hello", says: "Hello, World!", fixed: "/hello", store: "/store-", post: "/echo", large: "/large", clock: "/time", still: "/still"}
}

// gocoapServer serves what a coapSite can have.
type gocoapServer struct {
	mu    sync.Mutex
	texts map[string][]byte
}

func (s *gocoapServer) serve(w mux.ResponseWriter, r *mux.Message) {
	path, _ := r.Options().Path()
	path = "/" + strings.TrimPrefix(path, "/")
	body, _ := r.ReadBody()
	answer := func(c codes.Code, b []byte) { w.SetResponse(c, message.TextPlain, bytes.NewReader(b)) }
	s.mu.Lock()
	defer s.mu.Unlock()
	switch code := r.Code(); {
	case path == "/hello" && code == codes.GET:
		answer(codes.Content, []byte("Hello, World!"))
	case path == "/hello":
		answer(codes.MethodNotAllowed, nil)
	case path == "/large":
		answer(codes.Content, []byte(largeText))
	case path == "/echo":
		answer(codes.Changed, body)
	case path == "/still":
		m := w.Conn().AcquireMessage(r.Context())
		defer w.Conn().ReleaseMessage(m)
		m.SetCode(codes.Content)
		m.SetToken(r.Token())
		m.SetBody(strings.NewReader("still"))
		m.SetContentFormat(message.TextPlain)
		m.SetObserve(2)
		w.Conn().WriteMessage(m)
	case path == "/time":
		if n, err := r.Options().Observe(); err == nil && n == 0 {
			c, token := w.Conn(), bytes.Clone(r.Token())
			go tellTime(c, token)
			return
		}
		answer(codes.Content, []byte(time.Now().String()))
	case !strings.HasPrefix(path, "/store-"):
		answer(codes.NotFound, nil)
	case code == codes.PUT:
		_, was := s.texts[path]
		s.texts[path] = body
		w.SetResponse(map[bool]codes.Code{false: codes.Created, true: codes.Changed}[was], message.TextPlain, nil)
	case s.texts[path] == nil:
		answer(codes.NotFound, nil)
	case code == codes.DELETE:
		delete(s.texts, path)
		w.SetResponse(codes.Deleted, message.TextPlain, nil)
	default:
		answer(codes.Content, s.texts[path])
	}
}

// tellTime notifies as the example of go-coap does, more often.
func tellTime(c mux.Conn, token message.Token) {
	for n := uint32(2); n < 200; n++ {
		m := c.AcquireMessage(c.Context())
		m.SetCode(codes.Content)
		m.SetToken(token)
		m.SetBody(strings.NewReader(time.Now().String()))
		m.SetContentFormat(message.TextPlain)
		m.SetObserve(n)
		err := c.WriteMessage(m)
		c.ReleaseMessage(m)
		if err != nil {
			return
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-c.Context().Done():
			return
		}
	}
}
