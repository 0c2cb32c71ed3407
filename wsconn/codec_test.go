package wsconn_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/internal/splittest"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// runs is a Codec for tests: a run of equal bytes becomes its length and the
// byte, and a message ends with a run of none. The byte is that of the message
// before less, so that a message which is not inflated makes the next wrong.
type runs struct {
	out    [64]byte
	n      int
	last   byte // of the run that is not written yet
	count  byte
	sent   byte // how many messages were compressed
	broken error
	src    io.Reader
	ahead  [16]byte // that was read and not looked at
	from   int
	to     int
	pair   [2]byte
	have   int
	left   byte
	seen   byte
	role   ws.Role
	params wsconn.Params
	bound  int
	ended  bool
}

func (r *runs) Bind(role ws.Role, p wsconn.Params) {
	*r = runs{role: role, params: p, bound: r.bound + 1}
}

func (r *runs) put(w io.Writer, b byte) error {
	r.out[r.n] = b
	if r.n++; r.n == len(r.out) {
		return r.flush(w)
	}
	return nil
}

func (r *runs) flush(w io.Writer) error {
	n, err := w.Write(r.out[:r.n])
	if err == nil && n != r.n {
		err = io.ErrShortWrite
	}
	r.n = 0
	return err
}

func (r *runs) run(w io.Writer) error {
	if r.count == 0 {
		return nil
	}
	if err := r.put(w, r.count); err != nil {
		return err
	}
	r.count = 0
	return r.put(w, r.last+r.sent)
}

func (r *runs) Compress(w io.Writer, b []byte, last bool) error {
	if r.broken != nil {
		return r.broken
	}
	for _, x := range b {
		if r.count > 0 && x != r.last || r.count == 255 {
			if err := r.run(w); err != nil {
				return err
			}
		}
		r.last = x
		r.count++
	}
	if !last {
		return nil
	}
	if err := r.run(w); err != nil {
		return err
	}
	if err := r.put(w, 0); err != nil {
		return err
	}
	r.sent++
	return r.flush(w)
}

func (r *runs) Decompress(src io.Reader) {
	r.src, r.have, r.left, r.ended, r.from, r.to = src, 0, 0, false, 0, 0
}

func (r *runs) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if r.left > 0 {
			p[n] = r.pair[1] - r.seen
			r.left--
			n++
			continue
		}
		if r.ended {
			return n, io.EOF
		}
		if r.from == r.to {
			k, err := r.src.Read(r.ahead[:])
			if r.from, r.to = 0, k; k == 0 {
				if err == io.EOF {
					err = ws.ErrCompressed
				}
				return n, err
			}
		}
		r.pair[r.have] = r.ahead[r.from]
		r.have++
		r.from++
		if r.pair[0] == 0 {
			r.ended = true
			r.seen++
			return n, io.EOF
		}
		if r.have == 2 {
			r.left, r.have = r.pair[0], 0
		}
	}
	return n, nil
}

// extension is an Extension of such Codecs. Params are 1, with no state, and 2.
type extension struct {
	offer             string
	agree             wsconn.Params
	err               error
	made, taken, held int // Codecs made, and taken and not put back; Params not released
}

func (x *extension) Accept([]byte) wsconn.Params                              { panic("not for clients") }
func (x *extension) AppendAccept(dst []byte, p wsconn.Params) []byte          { panic("not for clients") }
func (x *extension) Shared(ws.Role, wsconn.Params) (_ wsconn.Params, ok bool) { return }
func (x *extension) AppendOffer(dst []byte) []byte                            { return append(dst, x.offer...) }
func (x *extension) Stateful(_ ws.Role, p wsconn.Params) bool                 { return p == 2 }
func (x *extension) Codec() wsconn.Codec                                      { x.made++; return new(runs) }

func (x *extension) Agree(answer []byte) (wsconn.Params, error) {
	if x.err != nil {
		return 0, x.err
	}
	if string(answer) != x.offer {
		return 0, ws.ErrAnswerExtension
	}
	if x.agree != 0 {
		x.held++
	}
	return x.agree, nil
}

func (x *extension) Release(p wsconn.Params) {
	if p != x.agree || x.taken > 0 {
		panic("Release before Put")
	}
	x.held--
}

func (x *extension) Take(role ws.Role, p wsconn.Params) wsconn.Codec {
	x.taken++
	c := x.Codec()
	c.Bind(role, p)
	return c
}

func (x *extension) Put(wsconn.Codec) { x.taken-- }

func squeezed(c *wsconn.Config) { c.Codec, c.Params, c.Threshold = new(runs), 1, 10 }

var aaa = strings.Repeat("a", 1000)

// TestCompressed sends messages over the threshold compressed, whole and
// streamed, and reads them in every way.
func TestCompressed(t *testing.T) {
	for _, r := range roles {
		c := newConn(t, r.role, 0, 512, squeezed)
		if c.Params() != 0 {
			t.Errorf("Params before Reset: %d", c.Params())
		}
		w := &wire{}
		must(t, c.Reset(w, nil))
		if c.Params() != 1 {
			t.Errorf("Params: %d", c.Params())
		}
		must(t, c.WriteText("tooshort"))
		must(t, c.WriteText("justenough"))
		must(t, c.WriteMessage(ws.OpBinary, []byte(aaa)))
		if w.writes != 3 {
			t.Errorf("%d calls of the stream", w.writes)
		}
		must(t, streamed(c, ws.OpText, func(w *wsconn.Writer) error { return nil }))
		must(t, streamed(c, ws.OpText, func(w *wsconn.Writer) error {
			for range 10 {
				if _, err := w.WriteString("ab"); err != nil {
					return err
				}
			}
			return w.Flush()
		}))
		must(t, streamed(c, ws.OpText, func(w *wsconn.Writer) error {
			if _, err := w.WriteString("much: "); err != nil {
				return err
			}
			_, err := io.Copy(w, struct{ io.Reader }{strings.NewReader(strings.Repeat("0123456789", 100))})
			return err
		}))
		must(t, c.WriteText("plain"))
		must(t, c.StartClose(1000, ""))
		wants := []string{"t=tooshort", "t=justenough", "b=" + aaa, "t=", "t=" + strings.Repeat("ab", 10), "t=much: " + strings.Repeat("0123456789", 100), "t=plain"}
		if got := script(r.role, w.out.Bytes()); !strings.HasPrefix(got, `t=tooshort tz=`) || strings.Count(got, "z") != 5 || !strings.HasSuffix(got, "t=plain x=1000") {
			t.Errorf("%s: sent %s", r.name, got)
		}

		peer := newConn(t, peerOf(r.role), 0, 0, squeezed)
		for _, reader := range readers[1:] {
			for _, size := range []func(int) int{nil, byOne, byChance(1, 50)} {
				must(t, peer.Reset(&wire{in: w.out.String(), size: size}, nil))
				peer.Release() // undone by the next line
				peer = newConn(t, peerOf(r.role), 0, 0, squeezed)
				must(t, peer.Reset(&wire{in: w.out.String(), size: size}, nil))
				got, err := reader.do(peer)
				if outcome(err) != "closed 1000" || strings.Join(got, " ") != strings.Join(wants, " ") {
					t.Fatalf("%s, %s: %.2000q, %v", r.name, reader.name, got, err)
				}
			}
		}

		// Who skips messages must be able to read the next.
		peer = newConn(t, peerOf(r.role), 0, 0, squeezed)
		must(t, peer.Reset(&wire{in: w.out.String(), size: byOne}, nil))
		for i := range 5 {
			_, err := peer.Next()
			must(t, err)
			if i == 2 {
				_, err := peer.Read(make([]byte, 10))
				must(t, err)
			}
		}
		if _, msg, err := peer.ReadMessage(make([]byte, 2000)); err != nil || "t="+string(msg) != wants[5] {
			t.Errorf("%s: after messages that were skipped: %q, %v", r.name, msg, err)
		}
	}
}

// TestCompressedOff compresses nothing if the threshold says so, but reads
// what is compressed.
func TestCompressedOff(t *testing.T) {
	c := newConn(t, ws.RoleServer, 0, 0, squeezed, func(c *wsconn.Config) { c.Threshold = -1 })
	w := &wire{in: frames(ws.RoleClient, `tz=\x05a\x00 x=1000`)}
	must(t, c.Reset(w, nil))
	got, err := readers[0].do(c)
	if len(got) != 1 || got[0] != "t=aaaaa" || outcome(err) != "closed 1000" {
		t.Errorf("%q, %v", got, err)
	}
	must(t, c.Reset(w, nil))
	w.out.Reset()
	must(t, c.WriteText(aaa))
	must(t, streamed(c, ws.OpText, func(w *wsconn.Writer) error { _, err := w.WriteString(aaa); return err }))
	if got := script(ws.RoleServer, w.out.Bytes()); strings.Contains(got, "z") {
		t.Errorf("sent %s", got)
	}
	// 0 is the default, 1 compresses all.
	for _, v := range []struct{ threshold, least int }{{0, wsconn.DefaultThreshold}, {1, 1}} {
		for n, want := range map[int]bool{v.least - 1: false, v.least: true} {
			c := newConn(t, ws.RoleServer, 0, 1024, squeezed, func(c *wsconn.Config) { c.Threshold = v.threshold })
			w := &wire{}
			must(t, c.Reset(w, nil))
			must(t, c.WriteText(aaa[:n]))
			if got := strings.HasPrefix(script(ws.RoleServer, w.out.Bytes()), "tz"); got != want {
				t.Errorf("threshold %d, %d bytes: compressed %v", v.threshold, n, got)
			}
		}
	}
}

// TestCompressedFaults fails what is wrong in what is compressed, with the
// right code.
func TestCompressedFaults(t *testing.T) {
	for _, v := range []struct {
		name, in, got, end, sent string
	}{
		{"cut off", `tz=\x05a`, "", "ws: malformed compressed message", "x=1007,ws:_malformed_compressed_message"},
		{"no text", `tz=\x01\xff\x00`, "", "ws: text that is not UTF-8", "x=1007,ws:_text_that_is_not_UTF-8"},
		{"half a character", `tz=\x01\xc3\x00`, "", "ws: text that is not UTF-8", "x=1007,ws:_text_that_is_not_UTF-8"},
		{"binary that is no text", `bz=\x01\xff\x00 x=1000`, "b=\xff", "closed 1000", "x=1000"},
		{"a character over fragments", `tz+=\x01\xc3\x01 c+ c=\xa9\x00 x=1000`, "t=é", "closed 1000", "x=1000"},
		{"just the limit", `bz=\xc8a\x00 x=1000`, "b=" + aaa[:200], "closed 1000", "x=1000"},
		{"one more than the limit", `bz=\xc9a\x00 x=1000`, "", "ws: message too big when inflated", "x=1009,ws:_message_too_big_when_inflated"},
		{"bytes behind the end", `tz+=\x01a\x00xxx c+=yyy p c=zzz tz=\x01a\x00 x=1000`, "t=a t=`", "closed 1000", "o x=1000"},
		{"a rule broken behind the end", `tz+=\x01a\x00xxx t=x`, "", "ws: message before the end of the former", "x=1002,ws:_message_before_the_end_of_the_former"},
		{"end of the stream", `tz+=\x01a`, "", "wsconn: stream ended without a close frame", ""},
		{"close", `tz+=\x01a x=1001`, "", "closed 1001", "x=1001"},
		{"a rule broken", `tz+=\x01a t=x`, "", "ws: message before the end of the former", "x=1002,ws:_message_before_the_end_of_the_former"},
	} {
		for _, r := range roles {
			in := frames(peerOf(r.role), v.in)
			for _, way := range splittest.Ways(len(in)) {
				for _, reader := range readers {
					c := newConn(t, r.role, 0, 0, squeezed, func(c *wsconn.Config) { c.MaxMessage = 200 })
					w := &wire{in: in, ends: way.Ends}
					must(t, c.Reset(w, nil))
					got, err := reader.do(c)
					if strings.Join(got, " ") != v.got || outcome(err) != v.end || script(r.role, w.out.Bytes()) != v.sent {
						t.Fatalf("%s, %s, %s, %s:\ngot  %q, %s, sent %s\nwant %q, %s, sent %s", r.name, v.name, way.Name, reader.name,
							got, outcome(err), script(r.role, w.out.Bytes()), v.got, v.end, v.sent)
					}
					after(t, c, w, err)
				}
			}
		}
	}
}

// TestCodecFails ends the connection, since half of a message cannot be taken
// back.
func TestCodecFails(t *testing.T) {
	for name, do := range map[string]func(c *wsconn.Conn) error{
		"whole": func(c *wsconn.Conn) error { return c.WriteText(aaa) },
		"streamed": func(c *wsconn.Conn) error {
			m, err := c.Begin(ws.OpText)
			must(t, err)
			_, err = m.WriteString(aaa)
			if e := m.Close(); e != err {
				t.Error("Close: ", e)
			}
			return err
		},
		"copied": func(c *wsconn.Conn) error {
			m, err := c.Begin(ws.OpText)
			must(t, err)
			_, err = m.ReadFrom(strings.NewReader(aaa))
			m.Close()
			return err
		},
	} {
		codec := &runs{broken: errors.New("broken")}
		c := newConn(t, ws.RoleServer, 0, 0, squeezed, func(c *wsconn.Config) { c.Codec = codec })
		w := &wire{in: frames(ws.RoleClient, "t=x x=1011")}
		must(t, c.Reset(w, nil))
		if err := do(c); err != wsconn.ErrCodec {
			t.Errorf("%s: %v", name, err)
		}
		if err := c.WriteText("x"); err != wsconn.ErrCodec || c.IsOpen() {
			t.Errorf("%s: then %v", name, err)
		}
		if got := script(ws.RoleServer, w.out.Bytes()); got != "x=1011,wsconn:_codec_cannot_compress" {
			t.Errorf("%s: sent %s", name, got)
		}
		if _, err := c.Next(); outcome(err) != "closed 1011" {
			t.Errorf("%s: %v", name, err)
		}
	}
	// If it is the stream that fails, that is said.
	c := newConn(t, ws.RoleServer, 0, 0, squeezed)
	for _, takes := range []int{0, 10} {
		must(t, c.Reset(&wire{fails: true, takes: takes}, nil))
		if err := c.WriteText(strings.Repeat("ab", 500)); err != errWrite {
			t.Error(err)
		}
		must(t, c.Reset(&wire{fails: true, takes: takes}, nil))
		m, err := c.Begin(ws.OpText)
		must(t, err)
		for err == nil { // until the codec has something to send
			_, err = m.WriteString("abcdefgh")
			if err == nil {
				_, err = m.ReadFrom(strings.NewReader("ijklmnop"))
			}
		}
		if err != errWrite {
			t.Error(err)
		}
		if _, err := m.ReadFrom(strings.NewReader("x")); err != nil && err != errWrite {
			t.Error(err)
		}
		if err := m.Close(); err != errWrite {
			t.Error(err)
		}
	}
	// A source that fails in the middle of a message that is compressed.
	must(t, c.Reset(&wire{}, nil))
	m, err := c.Begin(ws.OpText)
	must(t, err)
	if n, err := m.ReadFrom(io.MultiReader(strings.NewReader(aaa), &wire{end: errRead})); n != 1000 || err != errRead {
		t.Error(n, err)
	}
	if n, err := m.ReadFrom(nothing{}); n != 0 || err != io.ErrNoProgress {
		t.Error(n, err)
	}
	must(t, m.Close())
}

// TestCodecBehindGathered copies into a message of which much is gathered: the
// half of the buffer that is read into must be free.
func TestCodecBehindGathered(t *testing.T) {
	const out = wsconn.MinOut + 200
	for n := range 130 {
		c := newConn(t, ws.RoleServer, 0, out, squeezed)
		w := &wire{}
		must(t, c.Reset(w, nil))
		m, err := c.Begin(ws.OpText)
		must(t, err)
		text := strings.Repeat("ab", n)
		_, err = m.WriteString(text) // twice as long when it is compressed
		must(t, err)
		_, err = m.ReadFrom(strings.NewReader("and more"))
		must(t, err)
		must(t, m.Close())
		peer := newConn(t, ws.RoleClient, 0, 0, squeezed)
		must(t, peer.Reset(&wire{in: w.out.String()}, nil))
		if _, msg, err := peer.ReadMessage(make([]byte, 300)); string(msg) != text+"and more" || err != nil {
			t.Fatalf("%d bytes before: %q, %v", len(text), msg, err)
		}
	}
}
