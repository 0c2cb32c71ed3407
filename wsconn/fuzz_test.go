package wsconn_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// fuzzRead reads all that comes of a stream, in pieces that a seed chooses, and
// in the manner that plan says, a byte for each message.
func fuzzRead(t *testing.T, in, plan []byte, role ws.Role, size func(int) int) (got []string, sent string, err error) {
	c := newConn(t, role, 0, 0, squeezed, func(c *wsconn.Config) { c.MaxFrame, c.MaxMessage = 5000, 8000 })
	w := &wire{in: string(in), size: size}
	must(t, c.Reset(w, nil))
	buf := make([]byte, 16)
	// Where a message is skipped depends on the pieces that it comes in, and with
	// that what is sent meanwhile.
	skipped := false
	for n := 0; ; n++ {
		if n > len(in) {
			t.Fatal("more messages than bytes")
		}
		p := plan[n%len(plan)]
		act := p % 8
		if skipped {
			act = 7
		}
		switch act {
		case 0:
			c.Ping(plan[:min(len(plan), 100)])
		case 1:
			m, err := c.Begin(ws.OpText)
			if err == nil {
				m.Write(plan)
				if p >= 128 {
					m.Flush()
				}
				m.Close()
			}
		case 2:
			if p == 2 {
				c.StartClose(1000, "")
			}
		}
		op, err := c.Next()
		if err != nil {
			return got, w.out.String(), err
		}
		if skipped = p%8 == 3; skipped {
			continue
		}
		text := []byte(letter(op))
		for {
			n, err := c.Read(buf)
			text = append(text, buf[:n]...)
			if err == io.EOF {
				got = append(got, string(text))
				break
			}
			if err != nil {
				return got, w.out.String(), err
			}
			if len(text) > 10000 {
				t.Fatal("a message over the limit")
			}
		}
		if w.reads > 2*len(in)+1000 {
			t.Fatalf("%d reads of %d bytes", w.reads, len(in))
		}
	}
}

// FuzzConn gives a connection of either role any bytes, in any split. It wants
// no panic, no loop, frames that are well formed, and the same of every split.
func FuzzConn(f *testing.F) {
	for i, v := range readings {
		for _, r := range roles {
			f.Add([]byte(frames(peerOf(r.role), v.in)), []byte{byte(i), byte(i * 3)}, uint64(i), r.role == ws.RoleClient)
		}
	}
	f.Add([]byte(frames(ws.RoleClient, `tz=\x14a\x00 tz+=\x01b p c=\x01\xc3\x00`)), []byte{5}, uint64(1), false)
	f.Add([]byte(frames(ws.RoleServer, "b="+long+long+" x=1000")), []byte{3, 0, 129}, uint64(2), true)
	f.Fuzz(func(t *testing.T, in, plan []byte, seed uint64, client bool) {
		if len(in) > 1<<14 || len(plan) == 0 {
			return
		}
		role := ws.RoleServer
		if client {
			role = ws.RoleClient
		}
		got, sent, err := fuzzRead(t, in, plan, role, nil)
		words := strings.Fields(script(role, []byte(sent)))
		for i, word := range words {
			if word == "broken" || word[0] == 'x' && i != len(words)-1 {
				t.Fatalf("%q: sent what is broken, or behind a close frame: %q", in, words)
			}
		}
		for _, size := range []func(int) int{byOne, byChance(seed, 1+int(seed%60))} {
			theirs, s, e := fuzzRead(t, in, plan, role, size)
			if fmt.Sprint(theirs) != fmt.Sprint(got) || outcome(e) != outcome(err) || s != sent {
				t.Fatalf("%q:\nat once %.500q, %v, %q\nsplit %.500q, %v, %q", in, got, err, sent, theirs, e, s)
			}
		}
	})
}

// FuzzTalk has one end do what plan says, a byte for each deed, then the other
// read it and answer, and the first read that. All that is sent must arrive.
func FuzzTalk(f *testing.F) {
	for i := range byte(16) {
		f.Add([]byte{i, 0x53 + i, 0x94, i << 4, 0x27, 0xF1, 0x0E}, uint16(i), uint16(100*uint16(i)), uint16(i), i%2 == 0)
	}
	content := make([]byte, 1<<13)
	new(counter).Read(content)
	f.Fuzz(func(t *testing.T, plan []byte, in, out, fragment uint16, packed bool) {
		if len(plan) > 100 {
			return
		}
		change := func(c *wsconn.Config) {
			c.Fragment = int(fragment)
			if packed {
				squeezed(c)
			}
		}
		for _, r := range roles {
			a := newConn(t, r.role, wsconn.MinIn+int(in%5000), wsconn.MinOut+int(out%5000), change)
			b := newConn(t, peerOf(r.role), wsconn.MinIn+int(out%5000), wsconn.MinOut+int(in%5000), change)
			there := &wire{}
			must(t, a.Reset(there, nil))
			var msgs, pings []string
			closed := false
			for i, p := range plan {
				n := (int(p) >> 4) << (i % 10) // up to 7.5 KB
				text := content[i : i+n]
				op := ws.OpBinary
				if p&1 != 0 {
					op = ws.OpText
					text = bytes.Repeat([]byte("é🙂x"), n/7)
				}
				var err error
				switch p >> 1 & 7 {
				case 0, 1:
					err = a.WriteMessage(op, text)
				case 2:
					err = streamed(a, op, func(w *wsconn.Writer) error {
						_, err := io.Copy(w, &wire{in: string(text), size: byChance(uint64(i), 50)})
						return err
					})
				case 3, 4:
					err = streamed(a, op, func(w *wsconn.Writer) error {
						for k := 0; k < len(text); k += 100 + i {
							if _, err := w.Write(text[k:min(k+100+i, len(text))]); err != nil {
								return err
							}
							if p&32 != 0 {
								a.Pong(plan[:i])
							}
						}
						if p&64 != 0 {
							return w.Flush()
						}
						return nil
					})
				case 5:
					text = nil
					if err = a.Ping(content[i : i+n%126]); err == nil {
						pings = append(pings, string(content[i:i+n%126]))
					}
				case 6:
					text = nil
					if e := a.Ping(content[:126+n]); e != wsconn.ErrControl {
						t.Fatal(e)
					}
				case 7:
					text = nil
					if p&16 != 0 {
						err = a.StartClose(4000, "enough")
						closed = true
					}
				}
				if err != nil && (!closed || err != wsconn.ErrClosed) {
					t.Fatalf("%x: deed %d: %v", plan, i, err)
				}
				if err == nil && p>>1&7 < 5 {
					msgs = append(msgs, letter(op)+string(text))
				}
			}
			back := &wire{in: there.out.String(), size: byChance(uint64(in), 1+int(out))}
			must(t, b.Reset(back, nil))
			got, err := readers[int(in)%3+1].do(b)
			want := "wsconn: stream ended without a close frame"
			if closed {
				want = "closed 4000 enough"
			}
			if strings.Join(got, " ") != strings.Join(msgs, " ") || outcome(err) != want {
				t.Fatalf("%x: %d messages come as %d, and then %v", plan, len(msgs), len(got), err)
			}
			pongs := strings.Fields(script(peerOf(r.role), back.out.Bytes()))
			if n := len(pongs); closed {
				if n == 0 || pongs[n-1] != "x=4000" {
					t.Fatalf("%x: sent back %q", plan, pongs)
				}
				pongs = pongs[:n-1]
			}
			if len(pongs) != len(pings) {
				t.Fatalf("%x: %d pings are answered by %q", plan, len(pings), pongs)
			}
			there.in = back.out.String()
			there.out.Reset()
			want = strings.TrimSuffix(want, " enough")
			if _, err := a.Next(); outcome(err) != want || there.out.Len() != 0 {
				t.Fatalf("%x: at the end %v, and %d bytes sent", plan, err, there.out.Len())
			}
		}
	})
}
