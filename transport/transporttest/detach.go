package transporttest

import (
	"io"
	"os"

	"github.com/bobtail-go/bobtail/transport"
)

// detachCases are for backends that are a transport.Detacher.
var detachCases = []testCase{
	{
		"detach/what was not taken",
		"Detach gives a stream with all that was received and not taken yet still to be read, and the stream works on.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			d.peerWrite(p, "taken")
			d.wantReceive(s, "taken")
			d.peerWrite(p, "not taken")
			d.until(s.tag, transport.Readable, "Readable, for bytes that came")
			c := d.detach(s)
			d.wantRead(c, "not taken")
			d.talk(c, p)
		},
	},
	{
		"detach/while nothing is there",
		"A stream that was waited for is free of the backend: what comes then is the caller's to read, and no event tells of it.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			d.peerWrite(p, "taken")
			d.wantReceive(s, "taken")
			c := d.detach(s)
			d.talk(c, p)
			if d.told(s.tag, ^transport.Ready(0)) {
				d.fatalf("an event %b of a stream that was given away", d.ready[s.tag])
			}
		},
	},
	{
		"detach/a full stream",
		"What Send has taken arrives before what the caller writes.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			taken := d.fillUp(s, 3)
			read := d.readPattern(p, 3, taken)
			c := d.detach(s)
			d.while("reading by the peer", func() error { return <-read })
			d.talk(c, p)
		},
	},
	{
		"detach/after the peer's end",
		"The end of the peer's bytes is the caller's to find.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			d.peerWrite(p, "last")
			d.mustNot(p.CloseWrite(), "CloseWrite of the peer")
			d.wantReceive(s, "last")
			c := d.detach(s)
			d.while("reading to the end", func() error {
				if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
					d.t.Errorf("Read = %d, %v, want EOF", n, err)
				}
				_, err := c.Write([]byte("answer"))
				return err
			})
			d.wantPeerRead(p, "answer")
			d.mustNot(c.Close(), "Close")
		},
	},
}

// detach gives a stream away.
func (d *driver) detach(s *stream) io.ReadWriteCloser {
	d.t.Helper()
	b, ok := d.b.(transport.Detacher)
	if !ok {
		d.t.Skip("the backend gives no streams away")
	}
	v, err := b.Detach(s.id)
	d.mustNot(err, "Detach")
	delete(d.opened, s.id)
	d.ready[s.tag] = 0
	switch c := v.(type) {
	case io.ReadWriteCloser:
		return c
	case transport.Descriptor:
		return os.NewFile(uintptr(c), "detached")
	}
	d.fatalf("Detach gives a %T", v)
	return nil
}

// wantRead reads text from a stream that was given away.
func (d *driver) wantRead(c io.Reader, text string) {
	d.t.Helper()
	got := make([]byte, len(text))
	d.while("reading", func() error {
		_, err := io.ReadFull(c, got)
		return err
	})
	if string(got) != text {
		d.fatalf("read %q, want %q", got, text)
	}
}

// talk has a stream that was given away and its peer say something each, and
// closes it.
func (d *driver) talk(c io.ReadWriteCloser, p Peer) {
	d.t.Helper()
	d.peerWrite(p, "question")
	d.wantRead(c, "question")
	d.while("writing", func() error {
		_, err := io.WriteString(c, "answer")
		return err
	})
	d.wantPeerRead(p, "answer")
	d.mustNot(c.Close(), "Close")
	d.wantPeerEOF(p)
}
