// Package recorder runs a handler of Bobtail for one request, without a
// network, and tells what it has answered: for the tests of programs.
//
// The handler is run as a server would run it, and the answer goes through
// bytes: what the recorder tells is what a client would have read. What only a
// server has is missing: routes, workers, deadlines, the peer's address, an
// answer given later. For those, a test starts a server on a port that is free,
// or on a network in memory (package transport/memory).
package recorder

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/web"
)

// Memory is what a handler has, in bytes, as web.NewExchange divides it.
const Memory = 64 << 10

// Field is a field of a request.
type Field struct{ Name, Value string }

// Request is what a handler is asked. The zero value is GET / with a Host of
// example.org.
type Request struct {
	Method string  // "" is GET
	Target string  // path and query, or another form; "" is "/"
	Fields []Field // a Host and the length of the content are added if there are none
	Body   string

	// Version10 makes it a request of HTTP/1.0.
	Version10 bool
}

// Result is what a handler has answered.
type Result struct {
	Status  int
	Fields  http.Header // in canonical form; there is no Date
	Body    []byte
	Trailer http.Header
	Interim []int // status of each interim response before

	// Close says that the connection ends with the answer.
	Close bool

	// Err is what the handler has returned, and the reason that an answer is
	// cut short.
	Err error

	// Raw is all that was sent.
	Raw []byte
}

// Get runs a handler for GET of a target.
func Get(h web.Handler, target string) *Result { return Run(h, Request{Target: target}) }

// Post runs a handler for POST of content to a target.
func Post(h web.Handler, target, contentType, body string) *Result {
	return Run(h, Request{Method: "POST", Target: target, Fields: []Field{{"Content-Type", contentType}}, Body: body})
}

// Run runs a handler for a request. A panic of the handler is the caller's.
// Status is 0 if nothing was answered.
func Run(h web.Handler, q Request) *Result {
	p := http1.Parser{Limits: http1.Limits{Target: Memory / 4}, Keep: http1.AllFields()}
	x, err := web.NewExchange(&p, make([]byte, Memory), nil)
	if err != nil {
		panic("BUG: recorder: " + err.Error())
	}
	res := new(Result)
	s := &stream{in: bytes.NewReader(q.bytes())}
	_, err = x.ServeRequest(s, func(w web.Response, r *web.Request) error {
		res.Err = h(w, r)
		return res.Err
	})
	if res.Err == nil {
		res.Err = err
	}
	res.Raw = s.out.Bytes()
	res.read(q.Method)
	return res
}

// stream is the two sides of a connection.
type stream struct {
	in  io.Reader
	out bytes.Buffer
}

func (s *stream) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s *stream) Write(p []byte) (int, error) { return s.out.Write(p) }

// bytes is the request as it is sent. Nothing is checked, so that a test can
// send what no client would.
func (q *Request) bytes() []byte {
	var b bytes.Buffer
	b.WriteString(orElse(q.Method, "GET") + " " + orElse(q.Target, "/"))
	if q.Version10 {
		b.WriteString(" HTTP/1.0\r\n")
	} else {
		b.WriteString(" HTTP/1.1\r\n")
	}
	framed, host := q.Body == "" && q.Method != "POST" && q.Method != "PUT", false
	for _, f := range q.Fields {
		switch http.CanonicalHeaderKey(f.Name) {
		case "Host":
			host = true
		case "Content-Length", "Transfer-Encoding":
			framed = true
		}
	}
	if !host {
		b.WriteString("Host: example.org\r\n")
	}
	for _, f := range q.Fields {
		b.WriteString(f.Name + ": " + f.Value + "\r\n")
	}
	if !framed {
		b.WriteString("Content-Length: " + strconv.Itoa(len(q.Body)) + "\r\n")
	}
	b.WriteString("\r\n" + q.Body)
	return b.Bytes()
}

func orElse(s, d string) string {
	if s == "" {
		return d
	}
	return s
}

// read takes the answer apart.
func (res *Result) read(method string) {
	in := bufio.NewReader(bytes.NewReader(res.Raw))
	for {
		resp, err := http.ReadResponse(in, &http.Request{Method: orElse(method, "GET")})
		if err != nil {
			if res.Err == nil && !errors.Is(err, io.EOF) {
				res.Err = err
			}
			return
		}
		if resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
			res.Interim = append(res.Interim, resp.StatusCode)
			continue
		}
		res.Status, res.Fields, res.Close = resp.StatusCode, resp.Header, resp.Close
		body, err := io.ReadAll(resp.Body)
		if err != nil && res.Err == nil {
			res.Err = err
		}
		res.Body, res.Trailer = body, resp.Trailer
		return
	}
}
