package http1conn_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
)

// places are the places in the life of a connection that calls tell apart,
// with a way to get to each. All but the first have a response of an earlier
// request behind them, as far as there can be one.
var places = []struct {
	name  string
	state http1.State
	reach func(t *testing.T, c *http1conn.Conn, w *wire)
}{
	{"new", http1.StateIllegal, func(t *testing.T, c *http1conn.Conn, w *wire) {}},
	{"idle", http1.StateIdle, func(t *testing.T, c *http1conn.Conn, w *wire) {
		c.Reset(w)
	}},
	{"idle between requests", http1.StateIdle, func(t *testing.T, c *http1conn.Conn, w *wire) {
		first(t, c, w)
		must(t, c.Flush())
		if done, err := c.Parse(); done || err != nil {
			t.Fatal(done, err)
		}
	}},
	{"head", http1.StateHead, func(t *testing.T, c *http1conn.Conn, w *wire) {
		first(t, c, w)
		feed(c, "GET /a HT")
		if done, err := c.Parse(); done || err != nil {
			t.Fatal(done, err)
		}
	}},
	{"body", http1.StateBody, func(t *testing.T, c *http1conn.Conn, w *wire) {
		first(t, c, w)
		parse(t, c, post("/a", "hello"))
	}},
	{"respond", http1.StateRespond, func(t *testing.T, c *http1conn.Conn, w *wire) {
		first(t, c, w)
		parse(t, c, get("/a"))
	}},
	{"early, in the head", http1.StateEarly, func(t *testing.T, c *http1conn.Conn, w *wire) {
		first(t, c, w)
		parse(t, c, post("/a", "hello"))
		must(t, c.Status(200, ""))
	}},
	{"early", http1.StateEarly, func(t *testing.T, c *http1conn.Conn, w *wire) {
		first(t, c, w)
		parse(t, c, post("/a", "hello"))
		must(t, c.Initiate(200, ""))
	}},
	{"content, in the head", http1.StateContent, func(t *testing.T, c *http1conn.Conn, w *wire) {
		first(t, c, w)
		parse(t, c, get("/a"))
		must(t, c.Status(200, ""))
	}},
	{"content", http1.StateContent, func(t *testing.T, c *http1conn.Conn, w *wire) {
		first(t, c, w)
		parse(t, c, get("/a"))
		must(t, c.Initiate(200, ""))
	}},
	{"trailers", http1.StateContent, func(t *testing.T, c *http1conn.Conn, w *wire) {
		first(t, c, w)
		parse(t, c, get("/a"))
		must(t, c.Initiate(200, ""))
		must(t, c.Trailer("A", "b"))
	}},
	{"drain", http1.StateDrain, func(t *testing.T, c *http1conn.Conn, w *wire) {
		first(t, c, w)
		parse(t, c, strings.TrimSuffix(post("/a", "hello"), "lo"))
		must(t, ignore(c))
	}},
	{"complete", http1.StateComplete, func(t *testing.T, c *http1conn.Conn, w *wire) {
		first(t, c, w)
		parse(t, c, get("/a"))
		must(t, ignore(c))
	}},
	{"complete, to close", http1.StateComplete, func(t *testing.T, c *http1conn.Conn, w *wire) {
		first(t, c, w)
		parse(t, c, get("/a", "Connection: close")+get("/b"))
		must(t, ignore(c))
	}},
	{"complete, a tunnel", http1.StateComplete, func(t *testing.T, c *http1conn.Conn, w *wire) {
		first(t, c, w)
		parse(t, c, get("/a")+get("/b"))
		must(t, c.Initiate(101, "", http1conn.Field{Name: "Connection", Value: "upgrade"}))
		must(t, c.Complete())
	}},
	{"fault", http1.StateFault, func(t *testing.T, c *http1conn.Conn, w *wire) {
		first(t, c, w)
		feed(c, "GET /a\n")
		if _, err := c.Parse(); err != http1.ErrBareLF {
			t.Fatal(err)
		}
	}},
	{"last, in the head", http1.StateLast, func(t *testing.T, c *http1conn.Conn, w *wire) {
		first(t, c, w)
		feed(c, "GET /a\n")
		c.Parse()
		must(t, c.Status(400, ""))
	}},
	{"last", http1.StateLast, func(t *testing.T, c *http1conn.Conn, w *wire) {
		first(t, c, w)
		feed(c, "GET /a\n")
		c.Parse()
		must(t, c.Initiate(400, ""))
	}},
	{"linger", http1.StateLinger, func(t *testing.T, c *http1conn.Conn, w *wire) {
		first(t, c, w)
		feed(c, "GET /a\n")
		_, err := c.Parse()
		must(t, c.CompleteErr(err))
	}},
	{"unbound", http1.StateClosed, func(t *testing.T, c *http1conn.Conn, w *wire) {
		first(t, c, w)
		if _, _, err := c.Unbind(); err != nil {
			t.Fatal(err)
		}
	}},
	{"unbound for another protocol", http1.StateUpgraded, func(t *testing.T, c *http1conn.Conn, w *wire) {
		first(t, c, w)
		parse(t, c, get("/a")+"x")
		must(t, c.Initiate(101, ""))
		must(t, c.Complete())
		if _, _, err := c.Unbind(); err != nil {
			t.Fatal(err)
		}
	}},
}

// first serves a request, whose response stays in Out.
func first(t *testing.T, c *http1conn.Conn, w *wire) {
	t.Helper()
	c.Reset(w)
	parse(t, c, get("/first"))
	must(t, say(c, "first"))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// feed gives a connection bytes, which must find room.
func feed(c *http1conn.Conn, s string) { c.Feed(copy(c.Space(), s)) }

// parse feeds a request and wants it complete.
func parse(t *testing.T, c *http1conn.Conn, s string) {
	t.Helper()
	feed(c, s)
	if done, err := c.Parse(); !done || err != nil {
		t.Fatalf("Parse of %q: %v, %v", s, done, err)
	}
}

var errMine = errors.New("mine")

// calls are the methods whose order matters, and the places where each may be
// called. What is not legal fails with http1.ErrState.
var calls = []struct {
	name  string
	do    func(c *http1conn.Conn) error
	legal string // places, separated by ";"
}{
	{"Parse", func(c *http1conn.Conn) error { _, err := c.Parse(); return err },
		"idle;idle between requests;head;complete"},
	{"Next", func(c *http1conn.Conn) error { return c.Next() },
		"idle;idle between requests;head;complete"},
	{"Status", func(c *http1conn.Conn) error { return c.Status(200, "") },
		"body;respond;fault"},
	{"Initiate", func(c *http1conn.Conn) error { return c.Initiate(200, "", http1conn.Field{Name: "A", Value: "b"}) },
		"body;respond;fault"},
	{"Field", func(c *http1conn.Conn) error { return c.Field("A", "b") },
		"early, in the head;content, in the head;last, in the head"},
	{"FieldBytes", func(c *http1conn.Conn) error { return c.FieldBytes("A", []byte("b")) },
		"early, in the head;content, in the head;last, in the head"},
	{"Length", func(c *http1conn.Conn) error { return c.Length(5) },
		"early, in the head;content, in the head;last, in the head"},
	{"EndHead", func(c *http1conn.Conn) error { return c.EndHead() },
		"early, in the head;content, in the head;last, in the head"},
	{"Write", func(c *http1conn.Conn) error { _, err := c.Write([]byte("abc")); return err },
		"early;content;last"},
	{"Write of much", func(c *http1conn.Conn) error { _, err := c.Write(make([]byte, 5000)); return err },
		"early;content;last"},
	{"WriteString", func(c *http1conn.Conn) error { return c.WriteString("abc") },
		"early;content;last"},
	{"Content", func(c *http1conn.Conn) error { return c.Content(3) },
		"early;content;last"},
	{"Trailer", func(c *http1conn.Conn) error { return c.Trailer("A", "b") },
		"early;content;trailers;last"},
	{"Complete", func(c *http1conn.Conn) error { return c.Complete() },
		"body;respond;early, in the head;early;content, in the head;content;trailers;fault;last, in the head;last"},
	{"Fail", func(c *http1conn.Conn) error { return c.Fail(503, errMine) },
		"head;body;respond;early, in the head;early;content, in the head;content;trailers;fault;last, in the head;last"},
	{"CompleteErr", func(c *http1conn.Conn) error { return c.CompleteErr(errMine) },
		"head;body;respond;early, in the head;early;content, in the head;content;trailers;fault;last, in the head;last"},
	{"Interim", func(c *http1conn.Conn) error { return c.Interim(103, http1conn.Field{Name: "A", Value: "b"}) },
		"body;respond"},
	{"TryPiece", func(c *http1conn.Conn) error { _, err := c.TryPiece(); return err },
		"body;respond;early, in the head;early;content, in the head;content;trailers;drain;complete;complete, to close;complete, a tunnel;fault;last, in the head;last;linger"},
	{"NextPiece", func(c *http1conn.Conn) error { _, err := c.NextPiece(); return err },
		"body;respond;early, in the head;early;content, in the head;content;trailers;drain;complete;complete, to close;complete, a tunnel;fault;last, in the head;last;linger"},
	{"Read", func(c *http1conn.Conn) error { _, err := c.Read(make([]byte, 3)); return err },
		"body;respond;early, in the head;early;content, in the head;content;trailers;drain;complete;complete, to close;complete, a tunnel;fault;last, in the head;last;linger"},
	{"Unbind", func(c *http1conn.Conn) error { _, _, err := c.Unbind(); return err },
		"idle;idle between requests;complete;complete, to close;complete, a tunnel"},
	{"Save", func(c *http1conn.Conn) error {
		if _, ok := c.Save(make([]byte, 4096)); !ok {
			return http1.ErrState
		}
		return nil
	}, "idle;idle between requests;head;body;respond;drain;complete"},
}

// TestOrder calls every method in every place: where it is not legal it fails
// with http1.ErrState and nothing has changed.
func TestOrder(t *testing.T) {
	for _, call := range calls {
		legal := strings.Split(call.legal, ";")
		for _, p := range places {
			t.Run(call.name+"/"+p.name, func(t *testing.T) {
				w := &wire{}
				c := newConn(t, middle)
				p.reach(t, c, w)
				if c.State() != p.state {
					t.Fatalf("state %v, want %v", c.State(), p.state)
				}
				before := lookAt(c, w)
				err := call.do(c)
				after := lookAt(c, w)
				if slices.Contains(legal, p.name) {
					if err == http1.ErrState {
						t.Error("fails with ErrState, though legal")
					}
					return
				}
				if err != http1.ErrState || after != before {
					t.Errorf("%v\nbefore %+v\nafter  %+v", err, before, after)
				}
			})
		}
	}
}

// TestEveryCallIsLegalSomewhere holds the table of calls to the names of the
// places.
func TestEveryCallIsLegalSomewhere(t *testing.T) {
	for _, call := range calls {
		for _, name := range strings.Split(call.legal, ";") {
			found := false
			for _, p := range places {
				found = found || p.name == name
			}
			if !found {
				t.Errorf("%s: there is no place %q", call.name, name)
			}
		}
	}
}

// look is what can be seen of a connection.
type look struct {
	state                                http1.State
	staged, sent                         string
	buffered, code                       int
	headDone, needsClose, finished, keep bool
	err                                  error
}

func lookAt(c *http1conn.Conn, w *wire) look {
	return look{c.State(), string(c.Staged()), w.out.String(), c.Buffered(), c.Code(), c.HeadDone(), c.NeedsClose(), c.Finished(), c.KeepAlive(), c.Err()}
}

// TestRollbackPlaces takes a head back where that can be done, and does
// nothing where it cannot.
func TestRollbackPlaces(t *testing.T) {
	can := map[string]http1.State{
		"early, in the head": http1.StateBody, "content, in the head": http1.StateRespond, "last, in the head": http1.StateFault,
	}
	for _, p := range places {
		w := &wire{}
		c := newConn(t, middle)
		p.reach(t, c, w)
		before := lookAt(c, w)
		want, ok := can[p.name]
		if !ok {
			if c.Rollback() && c.Code() != 0 {
				t.Errorf("%s: Rollback says that it could", p.name)
			}
			if after := lookAt(c, w); after.state != before.state || after.staged != before.staged || after.sent != before.sent {
				t.Errorf("%s: Rollback\nbefore %+v\nafter  %+v", p.name, before, after)
			}
			continue
		}
		if !c.Rollback() || c.State() != want || strings.Contains(string(c.Staged()), "400") || c.Code() != 0 {
			t.Errorf("%s: after Rollback %v, %q", p.name, c.State(), c.Staged())
		}
		if err := c.Initiate(204, ""); err != nil || !strings.Contains(string(c.Staged()), "HTTP/1.1 204 No Content\r\n") {
			t.Errorf("%s: after Rollback: %v, %q", p.name, err, c.Staged())
		}
	}
}

// TestNeedsClosePlaces says where a connection may go on.
func TestNeedsClosePlaces(t *testing.T) {
	for _, p := range places {
		w := &wire{}
		c := newConn(t, middle)
		p.reach(t, c, w)
		switch p.name {
		case "idle", "idle between requests", "complete":
			if c.NeedsClose() {
				t.Errorf("%s: NeedsClose", p.name)
			}
		default:
			if !c.NeedsClose() {
				t.Errorf("%s: not NeedsClose", p.name)
			}
		}
		if resting := p.name == "idle" || p.name == "idle between requests" || p.state == http1.StateComplete && c.Buffered() == 0; c.Resting() != resting {
			t.Errorf("%s: Resting is %v", p.name, c.Resting())
		}
		if c.Partial() != (p.name == "head") {
			t.Errorf("%s: Partial is %v", p.name, c.Partial())
		}
	}
}

// TestEOFInEachPlace ends the stream everywhere, and reads on.
func TestEOFInEachPlace(t *testing.T) {
	for _, p := range places {
		switch p.state {
		case http1.StateIllegal, http1.StateClosed, http1.StateUpgraded:
			continue
		}
		w := &wire{}
		c := newConn(t, middle)
		p.reach(t, c, w)
		for range 2 {
			var err error
			var want error
			switch p.state {
			case http1.StateIdle:
				err, want = c.Next(), io.EOF
			case http1.StateComplete:
				err, want = c.Next(), io.EOF
				if p.name != "complete" && want != nil {
					want = http1.ErrState
				} else {
					p.state = http1.StateIdle
				}
			case http1.StateHead:
				err, want = c.Next(), http1conn.ErrTruncated
			case http1.StateRespond, http1.StateContent:
				_, err = c.NextPiece()
				want = io.EOF
			case http1.StateBody, http1.StateEarly:
				var b []byte
				b, err = io.ReadAll(c)
				if len(b) != 0 && string(b) != "hello" {
					t.Errorf("%s: %q", p.name, b)
				}
			case http1.StateDrain:
				_, err = c.NextPiece()
				want = http1conn.ErrTruncated
				p.state = http1.StateLinger
			case http1.StateFault, http1.StateLast, http1.StateLinger:
				_, err = c.NextPiece()
				want = c.Err()
			}
			if err != want {
				t.Errorf("%s: %v, want %v", p.name, err, want)
			}
		}
	}
}
