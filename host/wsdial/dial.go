package wsdial

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bobtail-go/bobtail/wsconn"
)

// Config is how a connection is dialled, and what it keeps to. The zero value
// is ready. It is not changed, and may serve any number of calls at once.
type Config struct {
	// What the request says.

	Header    http.Header      // further fields; none that the handshake writes itself
	Host      string           // instead of that of the URL
	Origin    string           // "" for programs that are no browsers (RFC 6455 section 10.2)
	Protocols []string         // subprotocols, the most wanted first (RFC 6455 section 1.9)
	Extension wsconn.Extension // compression, such as that of package ws/deflate; nil for none
	Jar       http.CookieJar   // nil for no cookies but those of Header

	// How the server is reached.

	TLS       *tls.Config                                                          // nil for the default; ALPN always says http/1.1
	Proxy     func(*http.Request) (*url.URL, error)                                // for a request of scheme http or https, as in http.Transport; nil for Environment
	Connect   func(ctx context.Context, network, address string) (net.Conn, error) // nil for that of a net.Dialer
	Redirects int                                                                  // how many are followed; 0 for none, as browsers do
	Timeout   time.Duration                                                        // for all of Dial; 0 for 30 s

	// What the connection keeps to.

	Memory     int           // bytes of each of its two buffers, at least 1024; 0 for 4096
	MaxMessage uint64        // bytes of a message, compressed and not; 0 for 32 MiB. More is 1009
	MaxFrame   uint64        // bytes of a frame; 0 for no more limit
	Close      time.Duration // how long Close waits for the peer; 0 for 5 s
	PingEvery  time.Duration // while nothing comes; 0 for never
	PongWithin time.Duration // how long the answer to that may take; 0 for as long as PingEvery
	Rand       io.Reader     // for keys (RFC 6455 section 10.3), safe for use by several goroutines if the connections are; nil for crypto/rand

	// Ping and Pong, if they are not nil, are called by the methods that read
	// with the payload of each such frame that came, valid during the call. A
	// ping is answered in any case. They may send, but not read or close.
	Ping, Pong func(payload []byte)
}

// The defaults, and bounds, of a Config.
const (
	defaultTimeout    = 30 * time.Second
	defaultMemory     = 4096
	minMemory         = 1024
	defaultMaxMessage = 32 << 20
	defaultClose      = 5 * time.Second

	// maxHead is the longest head of an answer in bytes: what curl takes of a
	// line is about as much.
	maxHead = 64 << 10
)

// check returns c with its defaults filled in.
func (c Config) check() (Config, error) {
	if c.Redirects < 0 || c.Timeout < 0 || c.Memory < 0 || c.Close < 0 || c.PingEvery < 0 || c.PongWithin < 0 {
		return c, ErrConfig
	}
	for name := range c.Header {
		if ours(name) {
			return c, ErrField
		}
	}
	or(&c.Timeout, defaultTimeout)
	or(&c.Memory, defaultMemory)
	c.Memory = max(c.Memory, minMemory)
	or(&c.MaxMessage, defaultMaxMessage)
	or(&c.Close, defaultClose)
	or(&c.PongWithin, c.PingEvery)
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Connect == nil {
		c.Connect = (&net.Dialer{}).DialContext
	}
	return c, nil
}

func or[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

// ours reports whether the handshake writes a field itself, or whether it
// would change what a message is.
func ours(name string) bool {
	switch name = http.CanonicalHeaderKey(name); name {
	case "Host", "Origin", "Connection", "Upgrade", "Content-Length", "Transfer-Encoding", "Te", "Trailer":
		return true
	}
	return strings.HasPrefix(name, "Sec-Websocket-")
}

// Dial connects to a server and performs WebSocket's handshake. The URL's
// scheme is ws or wss; a user in it is sent as credentials (RFC 7617) unless
// the Header has some. Errors are of type *OpError. Once ctx is done, Dial
// fails; a connection that it has returned does not know ctx.
//
// It does not know of other calls: that a client has one connection at a time
// in its handshake with an address (RFC 6455 section 4.1) is for a program to
// see to that dials many.
//
// A redirect is an error, a *StatusError that knows where it leads, as
// browsers have it, since WebSocket's handshake has no CORS that would protect
// who is redirected. With Config.Redirects they are followed, but never from
// wss to ws; and from the first one on that leads to another scheme, host or
// port, Authorization, Cookie, the user of the URL and Config.Host are left
// out.
func Dial(ctx context.Context, url string, c Config) (*Conn, error) {
	u, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	if c, err = c.check(); err != nil {
		return nil, failure(OpPrepare, u, err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	d := dialing{config: &c, header: c.Header, host: c.Host, user: u.User}
	for left := c.Redirects; ; left-- {
		conn, err := d.dial(ctx, u)
		if err == nil {
			return conn, nil
		}
		var refused *StatusError
		if !errors.As(err, &refused) || refused.Proxy || refused.Location() == "" || c.Redirects == 0 {
			return nil, err
		}
		if left == 0 {
			return nil, failure(OpHandshake, u, ErrRedirects)
		}
		if u, err = d.redirect(u, refused.Location()); err != nil {
			return nil, err
		}
	}
}

// dialing is a call of Dial.
type dialing struct {
	config *Config
	header http.Header
	host   string // Config.Host, until redirected elsewhere
	user   *url.Userinfo
}

// redirect is where to go on, with less credentials if this is elsewhere.
func (d *dialing) redirect(from *url.URL, location string) (*url.URL, error) {
	to, err := from.Parse(location)
	if err != nil {
		return nil, failure(OpHandshake, from, ErrLocation)
	}
	to.Fragment = "" // RFC 9110 section 10.2.2 lets it be there
	if checkURL(to) != nil {
		return nil, failure(OpHandshake, from, ErrLocation)
	}
	if from.Scheme == "wss" && to.Scheme != "wss" {
		return nil, failure(OpHandshake, from, ErrDowngrade)
	}
	if !sameOrigin(from, to) {
		d.host, d.user, d.header = "", nil, d.header.Clone()
		for name := range d.header {
			switch http.CanonicalHeaderKey(name) {
			case "Authorization", "Cookie":
				delete(d.header, name)
			}
		}
	}
	// A user in the Location is the server's choice, not ours.
	to.User = nil
	return to, nil
}

// dial dials one URL.
func (d *dialing) dial(ctx context.Context, u *url.URL) (*Conn, error) {
	fail := func(op string, err error) (*Conn, error) {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, failure(op, u, err)
	}
	proxy, err := d.proxyFor(u)
	if err != nil {
		return fail(OpProxy, err)
	}
	var nc net.Conn
	if proxy != nil {
		if nc, err = d.through(ctx, proxy, address(u)); err != nil {
			return fail(OpProxy, err)
		}
	} else if nc, err = d.open(ctx, address(u)); err != nil {
		return fail(OpConnect, err)
	}
	if u.Scheme == "wss" {
		under := nc
		if nc, err = d.secure(ctx, nc, u.Hostname(), false); err != nil {
			under.Close()
			return fail(OpTLS, err)
		}
	}
	release := guard(ctx, nc)
	c, err := d.handshake(nc, u)
	if over := release(); over != nil && err == nil {
		err = over
		c.CloseNow()
	}
	if err != nil {
		nc.Close()
		return fail(OpHandshake, err)
	}
	return c, nil
}

func (d *dialing) open(ctx context.Context, address string) (net.Conn, error) {
	return d.config.Connect(ctx, "tcp", address)
}

// secure performs TLS's handshake over c, which stays open if it fails.
func (d *dialing) secure(ctx context.Context, c net.Conn, host string, proxy bool) (net.Conn, error) {
	config := &tls.Config{}
	if d.config.TLS != nil {
		config = d.config.TLS.Clone()
	}
	if config.ServerName == "" || proxy { // the name in the Config is the server's
		config.ServerName = host
	}
	// Over HTTP/2 the handshake would be another one (RFC 8441).
	config.NextProtos = []string{"http/1.1"}
	t := tls.Client(c, config)
	return t, t.HandshakeContext(ctx)
}

// guard closes c once ctx is done, so that nothing waits for longer, until
// release is called. Its error says that c was closed, and why.
func guard(ctx context.Context, c net.Conn) (release func() error) {
	stop := context.AfterFunc(ctx, func() { c.Close() })
	return func() error {
		if stop() {
			return nil
		}
		return context.Cause(ctx)
	}
}
