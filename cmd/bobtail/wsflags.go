package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	neturl "net/url"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bobtail-go/bobtail/ws"
)

// calling is what the flags of ws say.
type calling struct {
	url          string
	header       http.Header
	host         string
	origin       string
	subprotocols []string
	compress     bool
	insecure     bool
	ca           *x509.CertPool
	proxy        *neturl.URL
	direct       bool
	redirects    int
	timeout      time.Duration
	binary       bool
	whole        bool
	slash        bool
	quiet        bool
	ping         time.Duration
	code         ws.Code
	reason       string
	wait         time.Duration
	waits        bool // wait was given
}

func wsOptions() (*options, *calling) {
	c := &calling{header: http.Header{}, timeout: 10 * time.Second, code: ws.CodeNormal}
	o := newOptions("ws")
	o.group("What is asked for")
	o.add(field{c}, "header", "'NAME: VALUE'", "a further field of the request; may be given several times")
	o.add(tokens{&c.subprotocols}, "subprotocol", "NAME", "a subprotocol, the most wanted first; may be given several times")
	o.add(text{&c.origin}, "origin", "ORIGIN", "say that a page of this origin asks, such as https://example.com")
	o.add(on{&c.compress}, "compress", "", "offer to compress messages")
	o.group("How the server is reached")
	o.add(on{&c.insecure}, "insecure", "", "accept any certificate")
	o.add(authority{&c.ca}, "ca", "FILE", "trust the certificates in this file (PEM) alone")
	o.add(through{c}, "proxy", "URL", "of scheme http, https or socks5, or none; by default that of the\nenvironment (https_proxy, http_proxy, no_proxy)")
	o.add(count{&c.redirects, "none"}, "redirects", "N", "how many redirects to follow")
	o.add(patience{&c.timeout}, "timeout", "TIME", "how long the server may take until messages can be sent")
	o.group("What is sent")
	o.add(on{&c.binary}, "binary", "", "binary messages instead of text")
	o.add(on{&c.whole}, "whole", "", "all of the input as one message, instead of one each line")
	o.add(on{&c.slash}, "slash", "", "lines that begin with a slash are commands:\n/ping [DATA], /close [CODE [REASON]]")
	o.add(pause{&c.ping, nil}, "ping", "TIME", "ping the server that often while it is silent, and give up if it\ndoes not answer as fast")
	o.group("How it ends")
	o.add(closing{c}, "close", "CODE[:REASON]", "what the server is told at the end")
	o.add(pause{&c.wait, &c.waits}, "wait", "TIME", "how long to listen after the end of the input; by default for as\nmany messages as were sent, until nothing comes for 2s")
	o.add(on{&c.quiet}, "quiet", "", "say nothing but messages and what is wrong")
	return o, c
}

// field is a field of the request, one each time.
type field struct{ c *calling }

func (field) String() string { return "" }

func (f field) Set(s string) error {
	name, value, ok := strings.Cut(s, ":")
	value = strings.TrimSpace(value)
	if !ok || !isToken(name) || !isValue(value) {
		return errors.New("want NAME: VALUE")
	}
	switch {
	case strings.EqualFold(name, "Host"):
		f.c.host = value
	case strings.EqualFold(name, "Origin"):
		f.c.origin = value
	case strings.EqualFold(name, "Sec-WebSocket-Protocol"):
		for p := range strings.SplitSeq(value, ",") {
			if err := (tokens{&f.c.subprotocols}).Set(strings.TrimSpace(p)); err != nil {
				return err
			}
		}
	default:
		f.c.header.Add(name, value)
	}
	return nil
}

// tokens are words of HTTP, one each time.
type tokens struct{ list *[]string }

func (tokens) String() string { return "" }

func (t tokens) Set(s string) error {
	if !isToken(s) {
		return errors.New("want a name without spaces and commas")
	}
	*t.list = append(*t.list, s)
	return nil
}

// authority is a file with certificates.
type authority struct{ pool **x509.CertPool }

func (authority) String() string { return "" }

func (a authority) Set(name string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("%s cannot be read: %v", name, cause(err))
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return fmt.Errorf("%s has no certificate in it", name)
	}
	*a.pool = pool
	return nil
}

// through is a proxy.
type through struct{ c *calling }

func (through) String() string { return "" }

func (p through) Set(s string) error {
	if s == "none" {
		p.c.direct = true
		return nil
	}
	if !strings.Contains(s, "://") {
		s = "http://" + s // as the environment may have it
	}
	u, err := neturl.Parse(s)
	if err != nil || u.Hostname() == "" || !strings.Contains(" http https socks5 socks5h ", " "+u.Scheme+" ") {
		return errors.New("want a URL such as http://host:port or socks5://host:port, or none")
	}
	p.c.proxy = u
	return nil
}

// pause is a time that may be 0.
type pause struct {
	d     *time.Duration
	given *bool // nil if 0 is what it is without the flag
}

func (pause) String() string { return "" }

func (p pause) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return errors.New("want a time with its unit, such as 30s or 500ms")
	}
	*p.d = d
	if p.given != nil {
		*p.given = true
	}
	return nil
}

// closing is a close code with a reason.
type closing struct{ c *calling }

func (c closing) String() string {
	if c.c == nil {
		return ""
	}
	return strconv.Itoa(int(c.c.code))
}

func (c closing) Set(s string) (err error) {
	code, reason, _ := strings.Cut(s, ":")
	c.c.code, c.c.reason, err = closeWith(code, strings.TrimSpace(reason))
	return err
}

// closeWith checks a code and a reason (RFC 6455 sections 5.5 and 7.4).
func closeWith(code, reason string) (ws.Code, string, error) {
	n, err := strconv.ParseUint(code, 10, 16)
	switch {
	case err != nil || !ws.Code(n).MayBeSent():
		return 0, "", errors.New("want a code that may be sent: 1000 to 1003, 1007 to 1014, 3000 to 4999")
	case len(reason) > ws.MaxReason:
		return 0, "", fmt.Errorf("the reason may have %d bytes", ws.MaxReason)
	case !utf8.ValidString(reason):
		return 0, "", errors.New("the reason is not UTF-8")
	}
	return ws.Code(n), reason, nil
}

// isToken reports whether s is a token (RFC 9110 section 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

// isValue reports whether s may be the value of a field (RFC 9110 section 5.5).
func isValue(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
