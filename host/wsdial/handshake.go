package wsdial

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// handshake performs WebSocket's handshake over nc (RFC 6455 section 4.1).
// Whoever called closes nc if it fails.
func (d *dialing) handshake(nc net.Conn, u *url.URL) (*Conn, error) {
	q, err := d.request(u)
	if err != nil {
		return nil, err
	}
	b, err := ws.AppendRequest(nil, q)
	if err != nil {
		return nil, err
	}
	if _, err := nc.Write(b); err != nil {
		return nil, err
	}
	a, head, rest, err := d.answer(nc, u)
	if err != nil {
		return nil, err
	}
	protocol, err := a.Check(q)
	if err != nil {
		return nil, err
	}
	c := &Conn{patience: d.config.Close, header: head}
	if protocol >= 0 {
		c.protocol = q.Protocols[protocol]
	}
	if lines := a.Extensions(); lines.Len() > 0 {
		// Check refuses extensions that were not offered.
		p, err := d.config.Extension.Agree(lines.Joined(nil))
		if err != nil {
			return nil, err
		}
		c.lease = take(d.config.Extension, p)
	}
	if err := d.begin(c, nc, rest); err != nil {
		c.lease.free()
		return nil, err
	}
	return c, nil
}

// begin begins the connection, which has received rest already.
func (d *dialing) begin(c *Conn, nc net.Conn, rest []byte) (err error) {
	config := wsconn.Config{
		Role:       ws.RoleClient,
		In:         make([]byte, max(d.config.Memory, len(rest))),
		Out:        make([]byte, d.config.Memory),
		Rand:       d.config.Rand,
		MaxFrame:   d.config.MaxFrame,
		MaxMessage: d.config.MaxMessage,
		Ping:       d.config.Ping,
		Pong:       d.config.Pong,
		Background: func(f func()) { go f() },
	}
	if c.lease != nil {
		config.Codec, config.Params = c.lease, c.lease.params
		config.Extension = d.config.Extension // knows what is worth compressing
	}
	if c.Conn, err = wsconn.New(config); err != nil {
		return err
	}
	c.stream.Conn = nc
	c.stream.heard.Store(clock())
	if err := c.Conn.Reset(&c.stream, rest); err != nil {
		return err
	}
	if d.config.PingEvery > 0 {
		c.keeper = keep(c, d.config.PingEvery, d.config.PongWithin)
	}
	return nil
}

// request is what the server is asked.
func (d *dialing) request(u *url.URL) (*ws.ClientRequest, error) {
	var nonce [16]byte
	if _, err := io.ReadFull(d.config.Rand, nonce[:]); err != nil {
		return nil, err
	}
	q := &ws.ClientRequest{
		Host:      d.host,
		Target:    u.RequestURI(),
		Origin:    d.config.Origin,
		Key:       ws.AppendKey(nil, nonce),
		Protocols: d.config.Protocols,
	}
	if q.Host == "" {
		q.Host = hostField(u)
	}
	if d.config.Extension != nil {
		q.Extensions = d.config.Extension.AppendOffer(nil)
	}
	header := d.header
	if d.user != nil && header.Get("Authorization") == "" {
		header = clone(header)
		header.Set("Authorization", basic(d.user))
	}
	if d.config.Jar != nil {
		if cookies := d.config.Jar.Cookies(webURL(u)); len(cookies) > 0 {
			header = clone(header)
			r := http.Request{Header: header}
			for _, cookie := range cookies {
				r.AddCookie(cookie)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			q.Fields = append(q.Fields, ws.Field{Name: name, Value: value})
		}
	}
	return q, nil
}

func clone(h http.Header) http.Header {
	if h == nil {
		return http.Header{}
	}
	return h.Clone()
}

// answer waits for the head of the server's answer. One with a status other
// than 101 is a *StatusError. rest is what came behind the head.
func (d *dialing) answer(nc net.Conn, u *url.URL) (a ws.Answer, header http.Header, rest []byte, err error) {
	b := make([]byte, 0, 2048)
	for {
		if len(b) == cap(b) {
			b = slices.Grow(b, len(b))
		}
		n, err := nc.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if n == 0 && err != nil {
			return a, nil, nil, unanswered(b, err)
		}
		a, n, err = ws.ParseAnswer(b)
		if n == 0 && err == nil {
			continue
		}
		if err == nil {
			rest = b[n:]
		}
		// A server that refuses need not be as strict as one that accepts.
		r := lenient(nc, b)
		if r != nil && d.config.Jar != nil {
			if cookies := r.Cookies(); len(cookies) > 0 {
				d.config.Jar.SetCookies(webURL(u), cookies)
			}
		}
		switch {
		case r != nil && r.StatusCode != http.StatusSwitchingProtocols:
			return a, nil, nil, refusal(nc, r)
		case err != nil:
			return a, nil, nil, err
		case r == nil:
			return a, nil, nil, ws.ErrAnswerField // what one reads and the other does not
		}
		return a, r.Header, rest, nil
	}
}

// unanswered is the error of a read within the answer.
func unanswered(b []byte, err error) error {
	switch {
	case !errors.Is(err, io.EOF):
		return err
	case len(b) == 0:
		return ErrSilent
	}
	return wsconn.ErrTruncated
}

// lenient reads an answer as package net/http does, whose content may follow,
// nil if it is none. b is what was received of it.
func lenient(nc net.Conn, b []byte) *http.Response {
	if !bytes.HasPrefix(b, []byte("HTTP/")) {
		return nil
	}
	nc.SetReadDeadline(time.Now().Add(bodyTime))
	defer nc.SetReadDeadline(time.Time{})
	in := bufio.NewReader(io.MultiReader(bytes.NewReader(b), io.LimitReader(nc, maxHead)))
	for {
		r, err := http.ReadResponse(in, &http.Request{Method: "GET"})
		if err != nil {
			return nil
		}
		if r.StatusCode >= 200 || r.StatusCode == http.StatusSwitchingProtocols {
			return r
		}
	}
}
