package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/ws/deflate"
)

// converse talks to a WebSocket server.
func converse(args []string) int {
	o, c := wsOptions()
	flags, words := o.split(args)
	wantsHelp, err := o.parse(flags)
	if wantsHelp {
		fmt.Print("usage: bobtail ws [flags] URL\n\n" +
			"Talks to a WebSocket server: each line of the input is sent as a message, and\n" +
			"messages that come are printed. The end of the input, as Ctrl-D, or Ctrl-C end it.\n\n" +
			"  bobtail ws ws://127.0.0.1:8080/ws\n" +
			"  echo hello | bobtail ws ws://127.0.0.1:8080/ws\n")
		o.help(os.Stdout)
		return exitOK
	}
	if err != nil {
		return refuse("%v", err)
	}
	if len(words) != 1 {
		return refuse("ws takes one URL, and there %s; bobtail ws -h tells more", areWords(words))
	}
	if c.url = words[0]; !strings.Contains(c.url, "://") {
		c.url = "ws://" + c.url
	}
	config, err := c.config()
	if err != nil {
		return refuse("%v", err)
	}
	show := newScreen(c.quiet)
	if c.slash {
		config.Pong = func(p []byte) { show.note("pong %s", visible(string(p))) }
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	conn, err := c.dial(config, signals)
	var step *wsdial.OpError
	switch {
	case errors.As(err, &step) && step.Op == wsdial.OpPrepare:
		return refuse("%v", c.explain(err))
	case err != nil:
		return fail(c.explain(err))
	}
	defer conn.CloseNow()
	t := talk{calling: c, conn: conn, show: show, news: make(chan struct{}, 1)}
	return t.run(signals)
}

// config is what the dialer is told.
func (c *calling) config() (wsdial.Config, error) {
	d := wsdial.Config{
		Header:    c.header,
		Host:      c.host,
		Origin:    c.origin,
		Protocols: c.subprotocols,
		Redirects: c.redirects,
		Timeout:   c.timeout,
		PingEvery: c.ping,
		TLS:       &tls.Config{InsecureSkipVerify: c.insecure, RootCAs: c.ca},
	}
	switch {
	case c.direct:
		d.Proxy = wsdial.Direct
	case c.proxy != nil:
		d.Proxy = http.ProxyURL(c.proxy)
	}
	if c.compress {
		e, err := deflate.New(deflate.Config{ServerTakeover: true, ClientTakeover: true, Contexts: 1, MaxInflated: -1}) // the dialer has a limit
		if err != nil {
			return d, err
		}
		d.Extension = e
	}
	return d, nil
}

// dial dials, until a signal comes.
func (c *calling) dial(config wsdial.Config, signals <-chan os.Signal) (*wsdial.Conn, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	type outcome struct {
		conn *wsdial.Conn
		err  error
	}
	over := make(chan outcome, 1)
	go func() {
		conn, err := wsdial.Dial(ctx, c.url, config)
		over <- outcome{conn, err}
	}()
	select {
	case o := <-over:
		return o.conn, o.err
	case <-signals:
		cancel()
		if o := <-over; o.err == nil {
			o.conn.CloseNow()
		}
		return nil, errors.New("interrupted before it was connected")
	}
}

// explain says in one line why there is no connection.
func (c *calling) explain(err error) error {
	var step *wsdial.OpError
	if !errors.As(err, &step) {
		return err
	}
	why := step.Err
	say := func(format string, args ...any) error {
		return errors.New(step.URL + ": " + fmt.Sprintf(format, args...))
	}
	var (
		refused   *wsdial.StatusError
		unknown   x509.UnknownAuthorityError
		untrusted *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		name      *net.DNSError
		network   *net.OpError
		rule      ws.Error
	)
	switch {
	case errors.Is(why, context.DeadlineExceeded):
		return say("there is no answer within %v; -timeout waits longer", c.timeout)
	case errors.As(why, &refused):
		return say("%s", refusal(refused))
	case errors.As(why, &unknown):
		return say("nobody known vouches for the server's certificate; -insecure accepts any, -ca names who vouches")
	case errors.As(why, &untrusted):
		return say("the server's certificate is not accepted: %v; -insecure accepts any", untrusted.Err)
	case errors.As(why, &record):
		return say("the server does not speak TLS; try %s", strings.Replace(step.URL, "wss:", "ws:", 1))
	case errors.As(why, &name):
		return say("there is no host %s: %s", name.Name, name.Err)
	case errors.As(why, &network) && network.Op == "dial":
		return say("cannot connect to %v: %v", network.Addr, bare(network.Err))
	case errors.Is(why, wsdial.ErrSilent) && strings.HasPrefix(step.URL, "ws:"):
		return say("the server closed the connection without an answer; if it speaks TLS, try %s", strings.Replace(step.URL, "ws:", "wss:", 1))
	case errors.As(why, &rule):
		return say("this is not a WebSocket: %s", strings.TrimPrefix(rule.Error(), "ws: "))
	}
	return say("%s", strings.TrimPrefix(why.Error(), "wsdial: "))
}

// bare is what the system says, without the name of the call.
func bare(err error) error {
	var e *os.SyscallError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// refusal says what a server, or a proxy, has answered, and what may help.
func refusal(e *wsdial.StatusError) string {
	who := "the server"
	if e.Proxy {
		who = "the proxy"
	}
	said := who + " answers " + strings.TrimSpace(e.Status)
	switch to := e.Location(); {
	case to != "":
		return said + ", to be found at " + visible(to) + "; -redirects 1 goes there"
	case e.Code == http.StatusOK:
		return said + ", as if this were a page; it is not a WebSocket"
	case e.Code == http.StatusUnauthorized:
		return said + "; credentials may be given as in ws://user:password@host/"
	case e.Code == http.StatusProxyAuthRequired:
		return said + "; credentials may be given as in -proxy http://user:password@host:port"
	case e.Code == http.StatusUpgradeRequired && e.Header.Get("Sec-WebSocket-Version") != "" && e.Header.Get("Sec-WebSocket-Version") != "13":
		return said + ": it speaks version " + visible(e.Header.Get("Sec-WebSocket-Version")) + " of WebSocket, and this is 13"
	}
	if line := firstLine(e); line != "" {
		return said + ": " + line
	}
	return said
}

// firstLine is how the content of a refusal begins, if it is text to be read.
func firstLine(e *wsdial.StatusError) string {
	const most = 200
	kind := e.Header.Get("Content-Type")
	if kind != "" && !strings.HasPrefix(kind, "text/plain") || !utf8.Valid(e.Body) {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(e.Body)), "\n")
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "..."
	}
	return visible(strings.TrimSpace(line))
}

// visible is a text without what a terminal would obey.
func visible(s string) string {
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case hidden(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hidden are control characters, and those that change the direction of text.
func hidden(r rune) bool {
	return r != '\t' && r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError)
}
