package wsdial

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Error is what is wrong with what Dial was given, or with what it was
// answered, other than what packages net, crypto/tls and ws find wrong.
type Error uint8

// The errors. Dial wraps them in an [OpError].
const (
	ErrURL          Error = iota + 1 // no URL of scheme ws or wss with a host
	ErrFragment                      // RFC 6455 section 3
	ErrHost                          // names with other than ASCII characters must be given in Punycode
	ErrField                         // a field that the handshake writes itself
	ErrConfig                        // a negative number in the Config
	ErrSilent                        // the server closes the connection instead of answering
	ErrHead                          // an answer, or what should be one, that is too long
	ErrProxy                         // a proxy of a kind that is not known
	ErrProxyAnswer                   // the proxy says what no proxy says
	ErrProxyUser                     // the proxy wants other credentials, or any
	ErrProxyRefused                  // the proxy cannot, or does not want to, reach the server
	ErrRedirects                     // more redirects than Config.Redirects
	ErrLocation                      // a redirect to what is no URL of scheme ws or wss
	ErrDowngrade                     // a redirect from wss to ws
	ErrCloseTimeout                  // the close handshake takes longer than Config.Close
	ErrUnanswered                    // no pong within Config.PongWithin: Read fails with it
	ErrWrongKind                     // a message of another kind than NetConn is for
)

var texts = [...]string{
	ErrURL:          "want a URL such as ws://host/path or wss://host/path",
	ErrFragment:     "a URL with a fragment, which WebSocket does not have",
	ErrHost:         "a host's name with other than ASCII characters, which must be given in Punycode",
	ErrField:        "a header field that the handshake writes itself",
	ErrConfig:       "a negative number in the configuration",
	ErrSilent:       "the server closed the connection without an answer",
	ErrHead:         "the answer's head is too long",
	ErrProxy:        "a proxy that is not of scheme http, https or socks5",
	ErrProxyAnswer:  "the proxy does not answer as one",
	ErrProxyUser:    "the proxy does not accept the credentials, or wants some",
	ErrProxyRefused: "the proxy does not connect to the server",
	ErrRedirects:    "too many redirects",
	ErrLocation:     "a redirect to what is no WebSocket",
	ErrDowngrade:    "a redirect from wss to ws, which would give up secrecy",
	ErrCloseTimeout: "the peer does not answer the close frame",
	ErrUnanswered:   "the peer does not answer pings",
	ErrWrongKind:    "a message of another kind than the stream's",
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if int(e) < len(texts) && texts[e] != "" {
		return "wsdial: " + texts[e]
	}
	return "wsdial: unknown error"
}

// Timeout reports whether e is a timeout, as net.Error says it.
func (e Error) Timeout() bool { return e == ErrUnanswered || e == ErrCloseTimeout }

// Temporary is there for net.Error, and false.
func (e Error) Temporary() bool { return false }

// The steps of Dial, in their order: values of OpError.Op.
const (
	OpPrepare   = "prepare"   // check the URL and the Config
	OpProxy     = "proxy"     // find a proxy, connect to it, and have it connect
	OpConnect   = "connect"   // resolve the host's name and connect
	OpTLS       = "tls"       // TLS's handshake with the server
	OpHandshake = "handshake" // WebSocket's
)

// OpError is how Dial fails: at which step, for which URL, and why.
type OpError struct {
	Op  string // one of the constants Op...
	URL string // without password and query; after redirects the last one
	Err error  // a *StatusError, an Error, a ws.Error, the context's cause, or what packages net and crypto/tls return
}

// Error names the URL, and what Err says.
func (e *OpError) Error() string {
	text := strings.TrimPrefix(e.Err.Error(), "wsdial: ")
	return "wsdial: " + e.URL + ": " + text
}

// Unwrap returns Err.
func (e *OpError) Unwrap() error { return e.Err }

// failure is an OpError for a URL.
func failure(op string, u *url.URL, err error) error {
	return &OpError{Op: op, URL: shown(u), Err: err}
}

// shown is a URL as errors show it: queries and passwords are often secrets.
func shown(u *url.URL) string {
	v := *u
	v.RawQuery, v.ForceQuery, v.Fragment, v.RawFragment = "", false, "", ""
	return v.Redacted()
}

// StatusError is an answer with another status than 101 (RFC 6455 section
// 4.1): the server, or a proxy, refuses or redirects.
type StatusError struct {
	Code   int    // such as 404
	Status string // such as "404 Not Found"
	Header http.Header
	Body   []byte // how the content begins: at most 1024 bytes, of what comes within a second
	Proxy  bool   // a proxy has answered, not the server
}

// Error names the status, and where a redirect leads.
func (e *StatusError) Error() string {
	who := "the server"
	if e.Proxy {
		who = "the proxy"
	}
	text := fmt.Sprintf("wsdial: %s answers %s", who, e.Status)
	if to := e.Location(); to != "" {
		text += ", to be found at " + to
	}
	return text
}

// Location is where a redirect leads (RFC 9110 section 10.2.2), as it was
// sent, and "" if the answer is none.
func (e *StatusError) Location() string {
	switch e.Code {
	case 301, 302, 303, 307, 308:
		return e.Header.Get("Location")
	}
	return ""
}
