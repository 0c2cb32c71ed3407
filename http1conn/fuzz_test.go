package http1conn_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
)

// request as a handler saw it, and what it answered.
type seen struct {
	method, content string
	code            int
	body            string
	broken          bool // the content could not be read
}

// fuzzRun serves an input cut by a seed, with handlers that plan chooses, one
// byte a request.
func fuzzRun(t *testing.T, in []byte, plan []byte, size func(int) int, s sizes) (sent string, requests []seen, aborted bool, err error) {
	c := newConn(t, s)
	w := &wire{in: string(in), size: size}
	c.Reset(w)
	n := 0
	handler := func(c *http1conn.Conn) (err error) {
		if n++; n > len(in) {
			t.Fatal("more requests than bytes")
		}
		p := plan[(n-1)%len(plan)]
		h, b := c.Head(), c.Bytes()
		r := seen{method: string(h.MethodName(b)), code: 200}
		head := string(h.MethodName(b)) + string(h.Target(b)) + string(h.Host(b))
		defer func() { requests = append(requests, r) }()
		read := func(most int) error {
			for len(r.content) < most {
				piece, err := c.NextPiece()
				r.content += string(piece)
				if err == io.EOF {
					return nil
				}
				if err != nil {
					r.broken = true
					return err
				}
			}
			return nil
		}
		say := func(text string) error {
			r.body += text
			return c.WriteString(text)
		}
		switch p % 8 {
		case 0: // reads all, answers with a length
			if err := read(1 << 30); err != nil {
				return err
			}
			h, b = c.Head(), c.Bytes()
			if now := string(h.MethodName(b)) + string(h.Target(b)) + string(h.Host(b)); now != head {
				t.Fatalf("the head was %q, and is %q", head, now)
			}
			text := strings.Repeat("answer", int(p))
			if err := c.Status(200, ""); err != nil {
				return err
			}
			if err := c.Length(uint64(len(text))); err != nil {
				return err
			}
			if err := c.EndHead(); err != nil {
				return err
			}
			return say(text)
		case 1: // reads some, streams
			if err := read(int(p)); err != nil {
				return err
			}
			if err := c.Initiate(200, "", http1conn.Field{Name: "X", Value: "y"}); err != nil {
				return err
			}
			for range p {
				if err := say("part"); err != nil {
					return err
				}
			}
		case 2: // ignores content, says nothing
		case 3: // streams while it reads
			if err := c.Initiate(200, ""); err != nil {
				return err
			}
			buf := make([]byte, 1+int(p)/8)
			for {
				k, err := c.Read(buf)
				r.content += string(buf[:k])
				if err == io.EOF {
					return c.Trailer("Sum", "1")
				}
				if err != nil {
					r.broken = true
					return err
				}
				if err := say(string(buf[:k])); err != nil {
					return err
				}
			}
		case 4: // fails
			r.code, r.body = 500, "Internal Server Error\n"
			return errMine
		case 5: // fails behind half a head
			r.code, r.body = 500, "Internal Server Error\n"
			if err := c.Status(200, ""); err != nil {
				return err
			}
			return errMine
		case 6: // takes it back, and answers nothing
			r.code = 204
			if err := c.Initiate(404, "", http1conn.Field{Name: "Bad", Value: "\n"}); err != http1.ErrFieldValue {
				t.Fatal(err)
			}
			return c.Initiate(204, "")
		case 7: // hints first, then does what must not be done
			if err := c.Interim(103); err != nil {
				return err
			}
			if err := ignore(c); err != nil {
				return err
			}
			r.body = "ignored"
			for _, call := range calls {
				if call.name == "Status" || call.name == "Write" || call.name == "Complete" {
					if err := call.do(c); err != http1.ErrState {
						t.Fatalf("%s behind the answer: %v", call.name, err)
					}
				}
			}
		}
		return nil
	}
	err = http1conn.ServeStream(c, handler)
	if w.reads > 2*len(in)+2000 {
		t.Fatalf("%d reads of %d bytes", w.reads, len(in))
	}
	return w.out.String(), requests, err != nil && !c.Finished(), err
}

// FuzzConn gives a connection any bytes in any split, and handlers of all
// kinds. It wants no panic, no loop, answers that net/http understands as they
// were meant, and the same of every split.
func FuzzConn(f *testing.F) {
	for i, v := range vectors {
		if len(v.in) < 2000 {
			f.Add([]byte(v.in+get("/behind")), []byte{byte(i), byte(i + 3)}, uint64(i))
		}
	}
	for i, in := range inputs() {
		f.Add([]byte(in), []byte{byte(i), byte(i + 1), byte(i + 2)}, uint64(i))
	}
	for p := range byte(8) {
		f.Add([]byte(chunked("/", "hello", 2)+post("/", "hello", expect)+request("HEAD", "/", "")+keepAlive10), []byte{p + 16, p + 8, p}, uint64(p))
	}
	// Content that came with a head that expects to be told to go on.
	f.Add([]byte(chunked("/", "hello", 2)+post("/", "hello", expect)[:len(post("/", "hello", expect))-3]), []byte{0, 1, 3}, uint64(3))
	f.Fuzz(func(t *testing.T, in, plan []byte, seed uint64) {
		if len(in) > 1<<14 || len(plan) == 0 {
			return
		}
		whole, requests, aborted, err := fuzzRun(t, in, plan, nil, small)
		check(t, in, whole, requests, aborted, err)
		for _, size := range []func(int) int{byOne, byChance(seed, 1+int(seed%60))()} {
			cut, theirs, aborted, e := fuzzRun(t, in, plan, size, small)
			check(t, in, cut, theirs, aborted, e)
			if len(theirs) != len(requests) {
				t.Fatalf("%q: %d requests, at once %d", in, len(theirs), len(requests))
			}
			for i := range theirs {
				a, b := requests[i], theirs[i]
				if plan[i%len(plan)]%8 == 1 {
					// How much it reads depends on the pieces.
					a.content, b.content = "", ""
				}
				if a != b {
					t.Fatalf("%q: request %d is %+v, at once %+v", in, i, b, a)
				}
			}
			if !sameError(e, err) {
				t.Fatalf("%q ends with %v, at once with %v", in, e, err)
			}
		}
	})
}

func sameError(a, b error) bool { return errors.Is(a, b) || errors.Is(b, a) }

// check reads answers as net/http does. Of the last one, if the connection was
// aborted in its midst, nothing need have been sent, but all of those before.
func check(t *testing.T, in []byte, sent string, requests []seen, aborted bool, err error) {
	src := bufio.NewReader(strings.NewReader(sent))
	for i, r := range requests {
		for {
			resp, e := http.ReadResponse(src, &http.Request{Method: r.method})
			if e != nil {
				if aborted && i == len(requests)-1 {
					return
				}
				t.Fatalf("%q: answer %d of %q: %v (%v)", in, i, sent, e, err)
			}
			if resp.StatusCode < 200 {
				continue
			}
			body, e := io.ReadAll(resp.Body)
			if e != nil {
				if aborted && i == len(requests)-1 {
					return
				}
				t.Fatalf("%q: answer %d of %q: %v (%v)", in, i, sent, e, err)
			}
			if aborted && i == len(requests)-1 {
				return // to HTTP/1.0 it ends where the stream does
			}
			if r.broken {
				if resp.StatusCode < 400 && resp.StatusCode != 200 || !resp.Close {
					t.Fatalf("%q: broken content is answered by %d", in, resp.StatusCode)
				}
			} else if resp.StatusCode != r.code || resp.StatusCode != 204 && r.method != "HEAD" && r.method != "CONNECT" && !bytes.Equal(body, []byte(r.body)) {
				t.Fatalf("%q: answer %d is %d %q, want %d %q", in, i, resp.StatusCode, body, r.code, r.body)
			}
			if resp.Close && i != len(requests)-1 {
				t.Fatalf("%q: close is said before the last answer: %q", in, sent)
			}
			break
		}
	}
	// At most the refusal of the last request is left.
	rest, _ := io.ReadAll(src)
	if len(rest) != 0 {
		resp, e := http.ReadResponse(bufio.NewReader(bytes.NewReader(rest)), nil)
		if e != nil || err == nil || resp.StatusCode < 400 || !resp.Close {
			t.Fatalf("%q: %q is left of %q (%v)", in, rest, sent, err)
		}
	}
}
