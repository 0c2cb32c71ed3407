package http1conn_test

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/bobtail-go/bobtail/http1conn"
)

// pipe is a listener of one connection, which stays open.
type pipe struct {
	conn chan net.Conn
	done chan struct{}
	once sync.Once
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conn:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipe) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipe) Addr() net.Addr { return &net.UnixAddr{} }

// reply is what a client makes of an answer.
type reply struct {
	status  int
	body    string
	goes    bool // the next request on the connection is answered
	refused bool // no answer at all
}

// exchange sends a request and one behind it over a connection, and reads what
// comes as a client does.
func exchange(t *testing.T, conn net.Conn, method, in string) (r reply) {
	t.Helper()
	sent := make(chan struct{})
	go func() {
		io.WriteString(conn, in+get("/behind", "Connection: close"))
		close(sent)
	}()
	defer func() { conn.Close(); <-sent }()
	src := bufio.NewReader(conn)
	resp, err := http.ReadResponse(src, &http.Request{Method: method})
	for err == nil && resp.StatusCode < 200 {
		resp, err = http.ReadResponse(src, &http.Request{Method: method})
	}
	if err != nil {
		return reply{refused: true}
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("%q: content: %v", in, err)
	}
	r.status, r.body = resp.StatusCode, string(body)
	if r.status >= 400 {
		r.body = "" // both say what they like
	}
	if resp, err = http.ReadResponse(src, nil); err == nil {
		body, _ := io.ReadAll(resp.Body)
		r.goes = resp.StatusCode == 200 && strings.HasPrefix(string(body), "GET /behind")
	}
	return r
}

// TestAgainstNetHTTP asks net/http's server and a connection of ours the same,
// and wants the same answer, or the difference that is listed with its reason.
func TestAgainstNetHTTP(t *testing.T) {
	theirHandler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ignore" {
			io.WriteString(w, "ignored")
			return
		}
		if r.URL.Path == "/none" {
			w.WriteHeader(204)
			return
		}
		if r.URL.Path == "/same" {
			w.WriteHeader(304)
			return
		}
		b, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "", 400)
			return
		}
		text := fmt.Sprintf("%s %s %s [%s]", r.Method, r.RequestURI, r.Host, b)
		if r.URL.Path != "/stream" {
			w.Header().Set("Content-Length", strconv.Itoa(len(text)))
			io.WriteString(w, text)
			return
		}
		for i := range text {
			io.WriteString(w, text[i:i+1])
			w.(http.Flusher).Flush()
		}
	})
	ourHandler := func(c *http1conn.Conn) error {
		h, b := c.Head(), c.Bytes()
		path := string(h.Path(b))
		switch path {
		case "/ignore":
			return ignore(c)
		case "/none":
			return c.Initiate(204, "")
		case "/same":
			return c.Initiate(304, "")
		}
		content, err := io.ReadAll(c)
		if err != nil {
			return err
		}
		text := fmt.Sprintf("%s %s %s [%s]", h.MethodName(b), h.Target(b), h.Host(b), content)
		if path != "/stream" {
			return say(c, text)
		}
		if err := c.Initiate(200, ""); err != nil {
			return err
		}
		for i := range text {
			if err := c.WriteString(text[i : i+1]); err != nil {
				return err
			}
		}
		return nil
	}
	p := &pipe{conn: make(chan net.Conn), done: make(chan struct{})}
	srv := &http.Server{Handler: theirHandler, ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan struct{})
	go func() { srv.Serve(p); close(served) }()
	t.Cleanup(func() { srv.Close(); <-served })

	big := strings.Repeat(long, 100)
	for _, v := range []struct {
		name, method, in string
		differs          string // why, "" if it must not
	}{
		{"GET", "GET", get("/a?b=c"), ""},
		{"HEAD", "HEAD", request("HEAD", "/a", ""), ""},
		{"HEAD of a stream", "HEAD", request("HEAD", "/stream", ""), ""},
		{"stream", "GET", get("/stream"), ""},
		{"204", "GET", get("/none"), ""},
		{"304", "GET", get("/same"), ""},
		{"POST", "POST", post("/a", "hello"), ""},
		{"POST of much", "POST", post("/a", big), ""},
		{"chunks", "POST", chunked("/a", "hello, world", 5), ""},
		{"chunks, streamed back", "POST", chunked("/stream", big, 99), ""},
		{"trailer", "POST", strings.Replace(chunked("/a", "hello", 5), "0\r\n\r\n", "0\r\nA: b\r\n\r\n", 1), ""},
		{"extension", "POST", strings.Replace(chunked("/a", "hello", 5), "5\r\n", "5;a=b\r\n", 1), ""},
		{"expectation", "POST", post("/a", "hello", expect), ""},
		{"content not read", "POST", post("/ignore", "hello"), ""},
		{"chunks not read", "POST", chunked("/ignore", "hello", 2), ""},
		{"content not read, with an expectation", "POST", post("/ignore", "hello", expect), ""},
		{"absolute target", "GET", "GET http://b/a HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"unknown method", "BREW", request("BREW", "/a", ""), ""},
		{"close", "GET", get("/a", "Connection: close"), ""},
		{"HTTP/1.0", "GET", "GET /a HTTP/1.0\r\nHost: a\r\n\r\n", ""},
		{"HTTP/1.0 that persists", "GET", "GET /a HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", ""},
		{"HTTP/1.0 stream", "GET", "GET /stream HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", ""},
		{"no Host", "GET", "GET /a HTTP/1.1\r\n\r\n", ""},
		{"two Hosts", "GET", get("/a", "Host: b"), ""},
		{"two lengths", "POST", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", ""},
		{"length with a sign", "POST", get("/a", "Content-Length: +1") + "a", ""},
		{"white space before the colon", "GET", get("/a", "B : c"), ""},
		{"control in a value", "GET", get("/a", "B: \x01"), ""},
		{"no version", "GET", "GET /a\r\n\r\n", ""},
		{"lower case version", "GET", "GET /a http/1.1\r\nHost: a\r\n\r\n", ""},
		{"HTTP/3.0", "GET", "GET /a HTTP/3.0\r\nHost: a\r\n\r\n", ""},
		{"chunk size that is none", "POST", get("/a", "Transfer-Encoding: chunked") + "x\r\n\r\n", ""},
		{"unknown coding", "POST", get("/a", "Transfer-Encoding: gzip"), ""},
		{"unknown expectation", "POST", post("/a", "hello", "Expect: tea"), ""},

		{"length beside chunks", "POST", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			"RFC 9112 section 6.3, item 3 leaves it to the server; net/http drops the length, we refuse an attempt at smuggling"},
		{"two equal lengths", "POST", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
			"RFC 9110 section 8.6 leaves it to the recipient; somebody on the way may have read only one of them"},
		{"empty lines before", "GET", "\r\n" + get("/a"),
			"RFC 9112 section 2.2: a server should ignore at least one; net/http refuses it"},
		{"bare LF", "GET", "GET /a HTTP/1.1\nHost: a\n\n",
			"RFC 9112 section 2.2 allows both; strict here"},
		{"folded field", "GET", get("/a", "B: c\r\n d"),
			"RFC 9112 section 5.2 allows both; strict here"},
		{"fragment", "GET", get("/a#b"),
			"RFC 9112 section 3.2: no form of a target has a fragment; net/http takes it for part of the path"},
		{"target that cannot be decoded", "GET", get("/%zz"),
			"targets are given as they were sent, and not decoded"},
		{"empty Host", "GET", "GET /a HTTP/1.1\r\nHost:\r\n\r\n",
			"RFC 9110 section 4.2.1: a URI with an empty host is to be rejected"},
	} {
		t.Run(v.name, func(t *testing.T) {
			client, server := net.Pipe()
			p.conn <- server
			theirs := exchange(t, client, v.method, v.in)

			client, server = net.Pipe()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				defer server.Close()
				c := newConn(t, middle)
				c.Reset(server)
				http1conn.ServeStream(c, ourHandler)
			}()
			ours := exchange(t, client, v.method, v.in)
			<-ended
			switch {
			case ours == theirs && v.differs != "":
				t.Errorf("no difference (%s): %+v", v.differs, ours)
			case ours != theirs && v.differs == "":
				t.Errorf("%+v, net/http %+v", ours, theirs)
			}
		})
	}
}
