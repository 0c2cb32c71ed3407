package coapdial

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coapconn"
	"github.com/bobtail-go/bobtail/resource"
)

// Config is how a server is dialled, and what the client keeps to. The zero
// value is ready. It is not changed, and may serve any number of calls at once.
type Config struct {
	// How the server is reached.

	TLS     *tls.Config                                                          // nil for the default; ALPN always says coap (RFC 8323 section 8.2)
	Connect func(ctx context.Context, network, address string) (net.Conn, error) // nil for that of a net.Dialer; the network is "tcp" or "udp"
	Timeout time.Duration                                                        // for all of Dial; 0 for 30 s

	// What the client keeps to.

	Memory    int           // bytes of the longest message, coap.BaseMessage to 16 MiB; 0 for 16 KiB; over UDP no more than a datagram has
	BlockSize int           // bytes of the largest block, 16 to 1024, a power of two; 0 for as much as both ends can
	MaxBody   int64         // bytes of a Response.Body; 0 for 32 MiB
	Requests  int           // how many are under way at a time, observations included, over TCP; others wait. 0 for 64
	Waiting   int           // how many notifications wait for the loop of Observe, beyond which the oldest are left out; 0 for 16
	Stuck     time.Duration // how long a write over TCP may take, until the connection fails; 0 for 30 s

	// NonConfirmable has requests over UDP sent once, as non-confirmable messages
	// (RFC 7252 section 4.3).
	NonConfirmable bool

	// Resources serves requests that the server sends on the connection, over
	// TCP; nil for none. Handlers run in one goroutine, one after the other.
	Resources *resource.Router
}

// The defaults, and bounds, of a Config.
const (
	defaultTimeout  = 30 * time.Second
	defaultMemory   = 16 << 10
	maxMemory       = 16 << 20
	defaultMaxBody  = 32 << 20
	defaultRequests = 64
	maxRequests     = 1 << 15
	defaultWaiting  = 16
	defaultStuck    = 30 * time.Second
)

// check returns c with its defaults filled in.
func (c Config) check() (Config, error) {
	or(&c.Timeout, defaultTimeout)
	or(&c.Memory, defaultMemory)
	or(&c.MaxBody, defaultMaxBody)
	or(&c.Requests, defaultRequests)
	or(&c.Waiting, defaultWaiting)
	or(&c.Stuck, defaultStuck)
	if c.Timeout < 0 || c.Memory < coapconn.MinIn || c.Memory > maxMemory || c.MaxBody < 0 || c.Requests < 0 || c.Requests > maxRequests ||
		c.Waiting < 0 || c.Stuck < 0 || !isBlockSize(c.BlockSize) {
		return c, ErrConfig
	}
	if c.Connect == nil {
		c.Connect = (&net.Dialer{}).DialContext
	}
	return c, nil
}

// isBlockSize reports whether n is the size of a block, or 0.
func isBlockSize(n int) bool {
	return n == 0 || n >= 16 && n <= 1024 && n&(n-1) == 0
}

func or[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

// Dial connects to the server of a URI: coap+tcp://, coaps+tcp:// or coap://.
// Path and query of the URI are those of requests that name none. Errors are of
// type *OpError. Once ctx is done, Dial fails; a client that it has returned does
// not know ctx.
func Dial(ctx context.Context, uri string, c Config) (*Client, error) {
	u, err := coap.ParseURI(uri)
	if err != nil {
		return nil, &OpError{OpPrepare, "a URI", err}
	}
	u.Host = strings.Clone(u.Host)
	shown := coap.URI{Scheme: u.Scheme, Host: u.Host, Port: u.Port, Path: u.Path}.String()
	fail := func(op string, err error) (*Client, error) {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, &OpError{op, shown, err}
	}
	if c, err = c.check(); err != nil {
		return fail(OpPrepare, err)
	}
	if u.Scheme == "coaps" {
		return fail(OpPrepare, ErrScheme) // DTLS is not here
	}
	if _, err := u.AppendOptions(nil); err != nil {
		return fail(OpPrepare, err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	network := "udp"
	if u.IsTCP() {
		network = "tcp"
	}
	nc, err := c.Connect(ctx, network, string(u.AppendAddress(nil)))
	if err != nil {
		return fail(OpConnect, err)
	}
	if u.IsSecure() {
		secure, err := handshake(ctx, nc, &c, u)
		if err != nil {
			nc.Close()
			return fail(OpTLS, err)
		}
		nc = secure
	}
	var ex exchanger
	if u.IsTCP() {
		ex, err = overTCP(nc, &c)
	} else {
		ex, err = overUDP(nc, &c)
	}
	if err != nil {
		nc.Close()
		return fail(OpConnect, err)
	}
	return newClient(ex, u, c), nil
}

// New makes a client over a stream that is connected already, such as one that
// was accepted from a peer who is to be asked. The client closes it. uri is what
// the peer is known by: coap+tcp://host/ or coaps+tcp://host/. Dial's parts of
// the Config do not matter.
func New(nc net.Conn, uri string, c Config) (*Client, error) {
	u, err := coap.ParseURI(uri)
	if err != nil {
		return nil, &OpError{OpPrepare, "a URI", err}
	}
	if !u.IsTCP() {
		return nil, &OpError{OpPrepare, uri, ErrScheme}
	}
	if c, err = c.check(); err != nil {
		return nil, &OpError{OpPrepare, uri, err}
	}
	ex, err := overTCP(nc, &c)
	if err != nil {
		return nil, &OpError{OpConnect, uri, err}
	}
	return newClient(ex, u, c), nil
}

// handshake performs TLS's handshake over c, which stays open if it fails.
func handshake(ctx context.Context, c net.Conn, config *Config, u coap.URI) (net.Conn, error) {
	t := &tls.Config{}
	if config.TLS != nil {
		t = config.TLS.Clone()
	}
	if t.ServerName == "" {
		host, _, err := net.SplitHostPort(string(u.AppendAddress(nil)))
		if err != nil {
			return nil, err
		}
		t.ServerName = host
	}
	t.NextProtos = []string{"coap"} // RFC 8323 section 8.2
	conn := tls.Client(c, t)
	return conn, conn.HandshakeContext(ctx)
}
