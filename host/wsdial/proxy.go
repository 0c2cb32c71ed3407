package wsdial

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Environment is the proxy that the environment names for a request to a
// server of scheme http, for ws, or https, for wss: as
// http.ProxyFromEnvironment finds it, but for ws that for https is preferred,
// which can be relied on to connect to any port (RFC 6455 section 4.1). It is
// what a Config without Proxy uses.
func Environment(r *http.Request) (*url.URL, error) {
	if r.URL.Scheme == "http" {
		secure, u := *r, *r.URL
		u.Scheme = "https"
		secure.URL = &u
		if p, err := http.ProxyFromEnvironment(&secure); p != nil || err != nil {
			return p, err
		}
	}
	return http.ProxyFromEnvironment(r)
}

// Direct is a Config.Proxy for dialling without one.
func Direct(*http.Request) (*url.URL, error) { return nil, nil }

// proxyFor is the proxy for a URL, nil if there is none. The port is written
// out, since lists of exceptions name some.
func (d *dialing) proxyFor(u *url.URL) (*url.URL, error) {
	find := d.config.Proxy
	if find == nil {
		find = Environment
	}
	as := webURL(u)
	as.Host = address(u)
	return find(&http.Request{Method: "GET", URL: as, Host: as.Host, Header: http.Header{}})
}

// through connects to a server through a proxy.
func (d *dialing) through(ctx context.Context, proxy *url.URL, server string) (net.Conn, error) {
	port := map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[proxy.Scheme]
	if port == "" || proxy.Hostname() == "" {
		return nil, ErrProxy
	}
	if p := proxy.Port(); p != "" {
		port = p
	}
	c, err := d.open(ctx, net.JoinHostPort(proxy.Hostname(), port))
	if err != nil {
		return nil, err
	}
	release := guard(ctx, c)
	way := c
	switch proxy.Scheme {
	case "https":
		if way, err = d.secure(ctx, c, proxy.Hostname(), true); err == nil {
			err = tunnel(way, proxy.User, server)
		}
	case "http":
		err = tunnel(c, proxy.User, server)
	default:
		err = socks(c, proxy.User, server)
	}
	if over := release(); over != nil {
		err = over
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return way, nil
}

// tunnel has a proxy connect c to a server (RFC 9110 section 9.3.6).
func tunnel(c net.Conn, user *url.Userinfo, server string) error {
	ask := &http.Request{Method: "CONNECT", URL: &url.URL{Opaque: server}, Host: server, Header: http.Header{}}
	if user != nil {
		ask.Header.Set("Proxy-Authorization", basic(user))
	}
	var b bytes.Buffer
	if err := ask.Write(&b); err != nil {
		return err
	}
	if _, err := c.Write(b.Bytes()); err != nil {
		return err
	}
	r := bufio.NewReader(io.LimitReader(c, maxHead))
	var answer *http.Response
	for answer == nil || answer.StatusCode < 200 && answer.StatusCode != http.StatusSwitchingProtocols {
		var err error
		if answer, err = http.ReadResponse(r, ask); err != nil {
			if timedOut(err) {
				return err
			}
			return ErrProxyAnswer
		}
	}
	if answer.StatusCode/100 != 2 {
		e := refusal(c, answer)
		e.Proxy = true
		return e
	}
	// Neither TLS nor WebSocket lets the server begin.
	if r.Buffered() > 0 {
		return ErrProxyAnswer
	}
	return nil
}

// basic is the value of a field with credentials (RFC 7617).
func basic(user *url.Userinfo) string {
	password, _ := user.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password))
}

// The bounds of what is kept of a refusal.
const (
	maxBody  = 1024 // bytes
	bodyTime = time.Second
)

// refusal is the error for an answer that was not hoped for. It reads how the
// content begins, from c.
func refusal(c net.Conn, answer *http.Response) *StatusError {
	e := &StatusError{Code: answer.StatusCode, Status: answer.Status, Header: answer.Header}
	c.SetReadDeadline(time.Now().Add(bodyTime))
	e.Body, _ = io.ReadAll(io.LimitReader(answer.Body, maxBody))
	return e
}

func timedOut(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout() || errors.Is(err, net.ErrClosed)
}
