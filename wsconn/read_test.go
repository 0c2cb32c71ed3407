package wsconn_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/bobtail-go/bobtail/internal/splittest"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// letters are the opcodes as they are in scripts.
func letter(op ws.Opcode) string {
	if op == ws.OpText {
		return "t="
	}
	return "b="
}

// readers are the ways to read messages until the end. Each returns them, with
// the letter of their opcode before them, and the error that is the end.
var readers = []struct {
	name string
	do   func(c *wsconn.Conn) (got []string, err error)
}{
	{"whole", func(c *wsconn.Conn) (got []string, err error) {
		buf := make([]byte, 300)
		for {
			op, msg, err := c.ReadMessage(buf)
			if err != nil {
				return got, err
			}
			got = append(got, letter(op)+string(msg))
		}
	}},
	{"one byte at a time", readingBy(1)},
	{"16 bytes at a time", readingBy(16)},
	{"more than the buffer", readingBy(5000)},
	{"copied out", func(c *wsconn.Conn) (got []string, err error) {
		for {
			op, err := c.Next()
			if err != nil {
				return got, err
			}
			var b strings.Builder
			n, err := io.Copy(&b, c)
			if err != nil {
				return got, err
			}
			if n != int64(b.Len()) {
				return got, errors.New("WriteTo miscounts")
			}
			got = append(got, letter(op)+b.String())
		}
	}},
}

func readingBy(size int) func(c *wsconn.Conn) (got []string, err error) {
	return func(c *wsconn.Conn) (got []string, err error) {
		buf := make([]byte, size)
		for {
			op, err := c.Next()
			if err != nil {
				return got, err
			}
			var text []byte
			for {
				n, err := c.Read(buf)
				text = append(text, buf[:n]...)
				if err == io.EOF {
					break
				}
				if err != nil {
					return got, err
				}
			}
			if n, err := c.Read(buf); n != 0 || err != io.EOF {
				return got, fmt.Errorf("behind the end of a message: %d, %v", n, err)
			}
			got = append(got, letter(op)+string(text))
		}
	}
}

// outcome is how an error that ends reading is told in the tables: its text, of
// a CloseError the code and the reason.
func outcome(err error) string {
	var closed *wsconn.CloseError
	switch {
	case err == nil:
		return "no error"
	case errors.As(err, &closed) && len(closed.Reason) > 0:
		return fmt.Sprintf("closed %d %s", closed.Code, closed.Reason)
	case errors.As(err, &closed):
		return fmt.Sprintf("closed %d", closed.Code)
	}
	return err.Error()
}

var long = strings.Repeat("long", 70)

// readings are what a peer sends, what is read of it and answered. The errors
// of package ws have tests of their own there; here is one of each code.
var readings = []struct {
	name string
	in   string // frames
	got  string // messages
	sent string // frames
	end  string // outcome
}{
	{"nothing", "", "", "", "wsconn: stream ended without a close frame"},
	{"text", "t=hello x=1000", "t=hello", "x=1000", "closed 1000"},
	{"empty messages", "t b t+ c x", "t= b= t=", "x", "closed 1005"},
	{"binary that is no text", `b=\xff\x00 x=1000`, "b=\xff\x00", "x=1000", "closed 1000"},
	{"longer than a control frame", "t=" + long + " b=" + long + " x=1001,bye", "t=" + long + " b=" + long, "x=1001", "closed 1001 bye"},
	{"fragments", "t+=he c+ c+=ll c=o b+=x c=y x=3000", "t=hello b=xy", "x=3000", "closed 3000"},
	{"a character over fragments", `t+=\xe2\x82 c=\xac x=1000`, "t=€", "x=1000", "closed 1000"},
	{"pings", "p p=a t=m p=b x=1000", "t=m", "o o=a o=b x=1000", "closed 1000"},
	{"pings between fragments", "t+=he p=1 c+=l o=2 p=3 c=lo x=1000", "t=hello", "o=1 o=3 x=1000", "closed 1000"},
	{"long ping", "p=" + long[:125] + " x=1000", "", "o=" + long[:125] + " x=1000", "closed 1000"},
	{"unsolicited pong", "o=x o t=m x=1000", "t=m", "x=1000", "closed 1000"},
	{"longest reason", "x=1000," + long[:123], "", "x=1000", "closed 1000 " + long[:123]},
	{"close within a message", "t+=he x=1000", "", "x=1000", "closed 1000"},
	{"frames behind close", "x=1000 t=hello p=a", "", "x=1000", "closed 1000"},
	{"end within a message", "t=one t+=two", "t=one", "", "wsconn: stream ended without a close frame"},

	{"1002", "t=one c=x", "t=one", "x=1002,ws:_continuation_of_no_message", "ws: continuation of no message"},
	{"1002 within a message", "t=one t+=x t=y", "t=one", "x=1002,ws:_message_before_the_end_of_the_former", "ws: message before the end of the former"},
	{"1002 for compression that was not agreed on", "tz=one", "", "x=1002,ws:_reserved_bit_set", "ws: reserved bit set"},
	{"1002 for a close code", "x=1005", "", "x=1002,ws:_close_code_that_may_not_be_sent", "ws: close code that may not be sent"},
	{"1007", `t=one t=\xff`, "t=one", "x=1007,ws:_text_that_is_not_UTF-8", "ws: text that is not UTF-8"},
	{"1007 at the end", `t+=\xe2\x82 c`, "", "x=1007,ws:_text_that_is_not_UTF-8", "ws: text that is not UTF-8"},
	{"1007 in a reason", `x=1000,\xff`, "", "x=1007,ws:_close_reason_that_is_not_UTF-8", "ws: close reason that is not UTF-8"},
	{"1009 for a frame", "b=" + long + long, "", "x=1009,ws:_frame_too_big", "ws: frame too big"},
	{"1009 for a message", "b+=" + long + " c=" + long, "", "x=1009,ws:_message_too_big", "ws: message too big"},
}

// TestReading reads what peers send in every way: at once, byte by byte and cut
// at every place, into a small buffer and a large one.
func TestReading(t *testing.T) {
	for _, r := range roles {
		for _, v := range readings {
			in := frames(peerOf(r.role), v.in)
			for _, size := range []int{0, 4096} {
				c := newConn(t, r.role, size, size, func(c *wsconn.Config) { c.MaxFrame, c.MaxMessage = 500, 520 })
				for _, reader := range readers {
					for _, way := range splittest.Ways(len(in)) {
						w := &wire{in: in, ends: way.Ends}
						must(t, c.Reset(w, nil))
						got, err := reader.do(c)
						if strings.Join(got, " ") != v.got || outcome(err) != v.end || script(r.role, w.out.Bytes()) != v.sent {
							t.Fatalf("%s, %s, %s, %s, buffer of %d:\ngot  %q, %s, sent %s\nwant %q, %s, sent %s", r.name, v.name, reader.name, way.Name,
								size, got, outcome(err), script(r.role, w.out.Bytes()), v.got, v.end, v.sent)
						}
						after(t, c, w, err)
					}
				}
			}
		}
	}
}

// after wants every call behind the end to fail with it, and nothing to be sent.
func after(t *testing.T, c *wsconn.Conn, w *wire, end error) {
	t.Helper()
	sent, reads := w.out.Len(), w.reads
	_, errNext := c.Next()
	_, errRead := c.Read(make([]byte, 10))
	_, _, errMessage := c.ReadMessage(make([]byte, 10))
	_, errCopy := c.WriteTo(io.Discard)
	_, errBegin := c.Begin(ws.OpText)
	for i, err := range []error{errNext, errRead, errMessage, errCopy, errBegin, c.WriteMessage(ws.OpText, nil), c.Ping(nil), c.StartClose(1000, "")} {
		if err != end {
			t.Fatalf("after %v, call %d returns %v", end, i, err)
		}
	}
	want := end
	if _, ok := end.(*wsconn.CloseError); ok {
		want = nil
	}
	if err := c.CloseWith(1000, ""); err != want {
		t.Fatalf("after %v, CloseWith returns %v", end, err)
	}
	if w.out.Len() != sent || w.reads != reads || c.IsOpen() {
		t.Fatalf("after %v, something was sent or read, or it is open", end)
	}
	switch s := c.State(); {
	case want == nil && s != ws.StateFinished, want == wsconn.ErrAbnormal && s != ws.StateClosed,
		want != nil && want != wsconn.ErrAbnormal && s != ws.StateFailed && s != ws.StateClosed:
		t.Fatalf("after %v the state is %v", end, s)
	}
}

// TestRest begins with bytes that were received with the handshake.
func TestRest(t *testing.T) {
	const text = "t=hello p=a b+=x c=y x=1000"
	for _, r := range roles {
		in := frames(peerOf(r.role), text)
		for i := range len(in) + 1 {
			c := newConn(t, r.role, 0, 0)
			w := &wire{in: in[i:]}
			must(t, c.Reset(w, []byte(in[:i])))
			got, err := readers[0].do(c)
			if strings.Join(got, " ") != "t=hello b=xy" || outcome(err) != "closed 1000" || script(r.role, w.out.Bytes()) != "o=a x=1000" {
				t.Errorf("%s, %d bytes before: %q, %v, sent %s", r.name, i, got, err, script(r.role, w.out.Bytes()))
			}
		}
	}
	c := newConn(t, ws.RoleServer, 0, 0)
	if err := c.Reset(&wire{}, make([]byte, wsconn.MinIn+1)); err != wsconn.ErrBuffer {
		t.Errorf("more than the buffer holds: %v", err)
	}
}

// TestSkip leaves messages that are not read to the end, in any place.
func TestSkip(t *testing.T) {
	in := frames(ws.RoleClient, "t+="+long+" p c="+long+" t=b b+=c"+long+" c t=last x=1000")
	for _, way := range splittest.Ways(len(in)) {
		for size := range 300 {
			c := newConn(t, ws.RoleServer, 0, 0)
			w := &wire{in: in, ends: way.Ends}
			must(t, c.Reset(w, nil))
			var ops string
			for {
				op, err := c.Next()
				if err != nil {
					if outcome(err) != "closed 1000" {
						t.Fatal(err)
					}
					break
				}
				ops += letter(op)
				io.ReadAtLeast(c, make([]byte, size), size)
			}
			if ops != "t=t=b=t=" || script(ws.RoleServer, w.out.Bytes()) != "o x=1000" {
				t.Fatalf("%s, of each %d bytes: %s, sent %s", way.Name, size, ops, script(ws.RoleServer, w.out.Bytes()))
			}
			if size > 10 && way.Name == "byte by byte" {
				break
			}
		}
		if way.Name == "cut at 50" {
			break
		}
	}
}

// TestSkipToFault finds what is wrong in what nobody reads.
func TestSkipToFault(t *testing.T) {
	c := newConn(t, ws.RoleServer, 0, 0)
	w := &wire{in: frames(ws.RoleClient, `t+=hello c+=\xff c=x`), size: byOne}
	must(t, c.Reset(w, nil))
	_, err := c.Next()
	must(t, err)
	if _, err := c.Next(); err != ws.ErrUTF8 {
		t.Error(err)
	}
}

// TestTooLong fails a message that does not fit into its buffer, and takes one
// that just does.
func TestTooLong(t *testing.T) {
	for _, v := range []struct {
		in   string
		room int
		got  string
		end  string
		sent string
	}{
		{"t=hello x=1000", 5, "hello", "closed 1000", "x=1000"},
		{"t+=hel c+=lo c x=1000", 5, "hello", "closed 1000", "x=1000"},
		{"t x=1000", 0, "", "closed 1000", "x=1000"},
		{"t=hello x=1000", 4, "", "wsconn: message does not fit into the buffer", "x=1009,wsconn:_message_does_not_fit_into_the_buffer"},
		{"t+=hell c=o x=1000", 4, "", "wsconn: message does not fit into the buffer", "x=1009,wsconn:_message_does_not_fit_into_the_buffer"},
		{"b=" + long, 279, "", "wsconn: message does not fit into the buffer", "x=1009,wsconn:_message_does_not_fit_into_the_buffer"},
		{"b=" + long + " x=1000", 280, long, "closed 1000", "x=1000"},
	} {
		for _, r := range roles {
			c := newConn(t, r.role, 0, 0)
			w := &wire{in: frames(peerOf(r.role), v.in)}
			must(t, c.Reset(w, nil))
			_, msg, err := c.ReadMessage(make([]byte, 0, v.room))
			if v.got != string(msg) || (err == nil) == strings.Contains(v.sent, "1009") {
				t.Errorf("%s, %s into %d: %q, %v", r.name, v.in, v.room, msg, err)
			}
			_, err = c.Next()
			if outcome(err) != v.end || script(r.role, w.out.Bytes()) != v.sent {
				t.Errorf("%s, %s into %d: %v, sent %s", r.name, v.in, v.room, err, script(r.role, w.out.Bytes()))
			}
			after(t, c, w, err)
		}
	}
}

// TestStreamFails keeps what the stream says.
func TestStreamFails(t *testing.T) {
	for _, v := range []struct {
		name string
		end  error
		want error
	}{
		{"end", io.EOF, wsconn.ErrAbnormal},
		{"error", errRead, errRead},
	} {
		in := frames(ws.RoleClient, "t=one t+=two p=x")
		for i := range len(in) + 1 {
			c := newConn(t, ws.RoleServer, 0, 0)
			w := &wire{in: in[:i], end: v.end}
			must(t, c.Reset(w, nil))
			_, err := readers[1].do(c)
			if err != v.want {
				t.Errorf("%s behind %d bytes: %v", v.name, i, err)
			}
			after(t, c, w, err)
		}
	}
	c := newConn(t, ws.RoleServer, 0, 0)
	must(t, c.Reset(struct {
		io.Reader
		io.Writer
	}{iotest.DataErrReader(strings.NewReader(frames(ws.RoleClient, "t=one"))), io.Discard}, nil))
	if got, err := readers[0].do(c); len(got) != 1 || err != wsconn.ErrAbnormal {
		t.Errorf("an end that comes with data: %q, %v", got, err)
	}
	must(t, c.Reset(nothing{}, nil))
	if _, err := c.Next(); err != io.ErrNoProgress {
		t.Errorf("a stream that gives nothing: %v", err)
	}
}

// nothing is a stream that gives and takes nothing, without an error.
type nothing struct{}

func (nothing) Read([]byte) (int, error)  { return 0, nil }
func (nothing) Write([]byte) (int, error) { return 0, nil }

// TestWriterThatFails stops WriteTo, which may go on.
func TestWriterThatFails(t *testing.T) {
	c := newConn(t, ws.RoleServer, 0, 0)
	must(t, c.Reset(&wire{in: frames(ws.RoleClient, "t=hello t=world"), size: byOne}, nil))
	_, err := c.Next()
	must(t, err)
	w := &wire{fails: true, takes: 2}
	if n, err := c.WriteTo(w); n != 2 || err != errWrite {
		t.Error(n, err)
	}
	if n, err := c.WriteTo(nothing{}); n != 0 || err != io.ErrShortWrite {
		t.Error(n, err)
	}
	_, msg, err := c.ReadMessage(make([]byte, 10))
	if string(msg) != "world" || err != nil {
		t.Errorf("%q %v", msg, err)
	}
}

// TestHooks tells of pings and pongs.
func TestHooks(t *testing.T) {
	for _, r := range roles {
		var told []string
		c := newConn(t, r.role, 0, 0, func(c *wsconn.Config) {
			c.Ping = func(p []byte) { told = append(told, "ping "+string(p)) }
			c.Pong = func(p []byte) { told = append(told, "pong "+string(p)) }
		})
		w := &wire{in: frames(peerOf(r.role), "p=a t+=x o=b p c=y o x=1000"), size: byOne}
		must(t, c.Reset(w, nil))
		readers[0].do(c)
		if got := strings.Join(told, ", "); got != "ping a, pong b, ping , pong " {
			t.Errorf("%s: %s", r.name, got)
		}
		if got := script(r.role, w.out.Bytes()); got != "o=a o x=1000" {
			t.Errorf("%s: sent %s", r.name, got)
		}
	}
}

// TestHooksThatSend answer themselves, before the pong.
func TestHooksThatSend(t *testing.T) {
	var c *wsconn.Conn
	c = newConn(t, ws.RoleServer, 0, 0, func(config *wsconn.Config) {
		config.Ping = func(p []byte) { must(t, c.WriteMessage(ws.OpBinary, p)) }
		config.Pong = func([]byte) { must(t, c.StartClose(1000, "")) }
	})
	w := &wire{in: frames(ws.RoleClient, "p=a o t=dropped x=1000"), size: byOne}
	must(t, c.Reset(w, nil))
	_, err := c.Next()
	if got := script(ws.RoleServer, w.out.Bytes()); got != "b=a o=a x=1000" || outcome(err) != "closed 1000" {
		t.Errorf("sent %s, %v", got, err)
	}
}

// TestDirect reads what is longer than the buffer to where it is wanted.
func TestDirect(t *testing.T) {
	big := strings.Repeat("0123456789", 1000)
	for _, r := range roles {
		c := newConn(t, r.role, 0, 0)
		w := &wire{in: frames(peerOf(r.role), "b="+big+" b+="+big+" c="+big+" p x=1000")}
		must(t, c.Reset(w, nil))
		buf := make([]byte, 2*len(big))
		for _, want := range []string{big, big + big} {
			_, msg, err := c.ReadMessage(buf)
			if string(msg) != want || err != nil {
				t.Fatalf("%s: %d bytes, %v", r.name, len(msg), err)
			}
		}
		if _, err := c.Next(); outcome(err) != "closed 1000" {
			t.Error(err)
		}
		if w.reads > 12 {
			t.Errorf("%s: %d reads", r.name, w.reads)
		}
	}
}

// TestDirectFaults finds what is wrong there, too.
func TestDirectFaults(t *testing.T) {
	in := frames(ws.RoleClient, "t=x"+strings.Repeat("y", 2999)+`\xff`+strings.Repeat("z", 3000))
	for _, v := range []struct {
		in   string
		want error
	}{{in, ws.ErrUTF8}, {in[:2000], wsconn.ErrAbnormal}} {
		c := newConn(t, ws.RoleServer, 0, 0)
		w := &wire{in: v.in, size: func(int) int { return 1000 }}
		must(t, c.Reset(w, nil))
		_, _, err := c.ReadMessage(make([]byte, 10000))
		if err != v.want {
			t.Error(err)
		}
		after(t, c, w, err)
	}
}

// TestNoMessage reads before there is a message, or a connection.
func TestNoMessage(t *testing.T) {
	c := newConn(t, ws.RoleServer, 0, 0)
	use := func() (errs []error) {
		_, err := c.Read(make([]byte, 1))
		errs = append(errs, err)
		_, err = c.WriteTo(io.Discard)
		return append(errs, err)
	}
	for i, err := range use() {
		if err != wsconn.ErrOrder {
			t.Errorf("call %d without a stream: %v", i, err)
		}
	}
	if _, err := c.Next(); err != wsconn.ErrOrder {
		t.Error(err)
	}
	if err := c.WriteMessage(ws.OpText, nil); err != wsconn.ErrOrder {
		t.Error(err)
	}
	if err := c.CloseWith(1000, ""); err != wsconn.ErrOrder {
		t.Error(err)
	}
	must(t, c.Reset(&wire{in: frames(ws.RoleClient, "t=hello x=1000")}, nil))
	for i, err := range use() {
		if err != wsconn.ErrOrder {
			t.Errorf("call %d before the first message: %v", i, err)
		}
	}
	if n, err := c.Read(nil); n != 0 || err != nil {
		t.Error(n, err)
	}
	if got, err := readers[0].do(c); len(got) != 1 || outcome(err) != "closed 1000" {
		t.Error(got, err)
	}
}
