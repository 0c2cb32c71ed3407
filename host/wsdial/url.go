package wsdial

import (
	"net"
	"net/url"
	"strings"
)

// parseURL reads a URL (RFC 6455 section 3). Schemes http and https stand for
// ws and wss, as WHATWG has it.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		// The error of package url quotes all of it, with passwords.
		return nil, &OpError{OpPrepare, "a URL", ErrURL}
	}
	return u, checkURL(u)
}

// checkURL brings a URL into its usual form.
func checkURL(u *url.URL) error {
	switch u.Scheme { // in lower case already
	case "http":
		u.Scheme = "ws"
	case "https":
		u.Scheme = "wss"
	}
	if u.Scheme != "ws" && u.Scheme != "wss" || u.Opaque != "" || u.Hostname() == "" {
		return failure(OpPrepare, u, ErrURL)
	}
	if u.Fragment != "" {
		return failure(OpPrepare, u, ErrFragment)
	}
	for i := range len(u.Host) {
		if u.Host[i] >= 0x80 {
			return failure(OpPrepare, u, ErrHost)
		}
		if u.Host[i] <= ' ' || u.Host[i] == 0x7f {
			return failure(OpPrepare, u, ErrURL)
		}
	}
	return nil
}

// webURL is the URL of the handshake's request.
func webURL(u *url.URL) *url.URL {
	v := *u
	v.Scheme = "http" + strings.TrimPrefix(u.Scheme, "ws")
	v.User = nil
	return &v
}

// usualPort is the port of a scheme (RFC 6455 section 3).
func usualPort(scheme string) string {
	if scheme == "wss" {
		return "443"
	}
	return "80"
}

// address is what is connected to.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = usualPort(u.Scheme)
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// hostField is the value of Host: without the port if it is the usual one (RFC
// 6455 section 4.1), and without the zone of an address, which is this
// machine's business (RFC 6874 section 4).
func hostField(u *url.URL) string {
	host := u.Hostname()
	if i := strings.IndexByte(host, '%'); i >= 0 {
		host = host[:i]
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" && port != usualPort(u.Scheme) {
		host += ":" + port
	}
	return host
}

// sameOrigin reports whether two URLs name the same server, by scheme, host
// and port.
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(address(a), address(b))
}
