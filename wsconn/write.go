package wsconn

import (
	"io"

	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/opaque"
	"github.com/bobtail-go/bobtail/internal/same"
	"github.com/bobtail-go/bobtail/ws"
)

// This file puts messages together. What is lower case wants the lock writing
// held.

// WriteMessage sends a message, text or binary; text must be UTF-8, which is
// the caller's to see to. It returns when the stream has taken all of it. A
// message that fits into the buffer is one Write of the stream; a server's
// longer one is not copied.
//
// It waits for a message that another goroutine is sending. After the
// connection has ended it returns why: ErrClosed, a *CloseError, or what has
// failed.
func (c *Conn) WriteMessage(op ws.Opcode, p []byte) error {
	pack := c.codec != nil && c.config.Threshold >= 0 && len(p) >= c.config.Threshold
	if err := c.lockMessage(op, pack); err != nil {
		return err
	}
	err := c.writeMessage(p)
	c.writing.Unlock()
	return err
}

func (c *Conn) writeMessage(p []byte) error {
	if c.pack {
		if err := c.compress(p, true); err != nil {
			return err
		}
		p = nil
	}
	for len(p) > c.config.Fragment {
		if err := c.flush(p[:c.config.Fragment], false); err != nil {
			return err
		}
		p = p[c.config.Fragment:]
	}
	return c.flush(p, true)
}

// WriteText sends a text, as WriteMessage does.
func (c *Conn) WriteText(s string) error {
	return c.WriteMessage(ws.OpText, ascii.Bytes(s))
}

// Begin begins a message of any size, text or binary, whose content is given to
// the Writer bit by bit. Until that is closed, others who send messages wait.
func (c *Conn) Begin(op ws.Opcode) (*Writer, error) {
	if err := c.lockMessage(op, c.codec != nil && c.config.Threshold >= 0); err != nil {
		return nil, err
	}
	c.writer.open = true
	return &c.writer, nil
}

// lockMessage takes the lock writing, if a message may begin.
func (c *Conn) lockMessage(op ws.Opcode, pack bool) error {
	if op != ws.OpText && op != ws.OpBinary {
		return ErrOpcode
	}
	c.writing.Lock()
	if c.over.Load() {
		c.lock()
		err := c.stop
		c.unlock()
		c.writing.Unlock()
		return err
	}
	c.sendOp, c.pack, c.size = op, pack, 0
	return nil
}

// flush sends a frame with what is gathered, and then p.
func (c *Conn) flush(p []byte, fin bool) error {
	c.lock()
	err := c.putData(p, fin)
	c.unlock()
	c.size = 0
	return err
}

// gather puts payload behind what waits to be sent, and sends frames when it
// must. What just fits waits, since it may be the last.
func (c *Conn) gather(p []byte) error {
	for {
		room := c.most - c.size
		k := 0
		if len(p)-room > c.most {
			// Rather one long frame than many.
			k = min(len(p), c.config.Fragment-c.size)
		} else {
			n := copy(c.data[ws.MaxHeader+c.size:ws.MaxHeader+c.most], p)
			c.size += n
			p = p[n:]
		}
		if k == 0 && len(p) == 0 {
			return nil
		}
		if err := c.flush(p[:k], false); err != nil {
			return err
		}
		p = p[k:]
	}
}

// compress gives a piece of the message to the codec, which gathers what comes
// of it.
func (c *Conn) compress(p []byte, last bool) error {
	err := c.codec.Compress(&c.gatherer, p, last)
	if err == nil {
		return nil
	}
	c.lock()
	stop := c.stop
	if stop == nil {
		// Half of a message is sent, or the codec no longer knows what the peer
		// knows: there is no way on.
		stop = ErrCodec
		_ = c.putClose(ws.CodeInternalError, stop.Error())
		c.sent.Store(true)
		c.advance(ws.EventSendClose)
		c.finish(stop)
	}
	c.unlock()
	return stop
}

// gatherer is where a codec writes.
type gatherer struct{ opaque.Pointer[Conn] }

// Write is gather.
func (g *gatherer) Write(p []byte) (int, error) {
	if err := g.Get().gather(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Writer is a message that is being sent: an io.WriteCloser. It is used by one
// goroutine at a time, and no more after Close: it is part of its Conn, and
// others get the same for their messages.
type Writer struct {
	c    *Conn
	open bool
}

// Write adds to the message. Content is gathered in the buffer Out, and sent in
// frames when that is full; what is longer is not copied by a server.
func (w *Writer) Write(p []byte) (int, error) {
	c := w.c
	if !w.open {
		return 0, ErrOrder
	}
	var err error
	if c.pack {
		err = c.compress(p, false)
	} else {
		err = c.gather(p)
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteString is Write for a string.
func (w *Writer) WriteString(s string) (int, error) { return w.Write(ascii.Bytes(s)) }

// ReadFrom adds what r gives until io.EOF to the message, without another
// buffer; io.Copy calls it.
func (w *Writer) ReadFrom(r io.Reader) (total int64, err error) {
	c := w.c
	if !w.open {
		return 0, ErrOrder
	}
	if c.pack {
		return w.readPacked(r)
	}
	for empty := 0; empty < emptyReads; empty++ {
		if c.size == c.most {
			if err := c.flush(nil, false); err != nil {
				return total, err
			}
		}
		n, err := r.Read(c.data[ws.MaxHeader+c.size : ws.MaxHeader+c.most])
		c.size += n
		total += int64(n)
		if same.Error(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		if n > 0 {
			empty = 0
		}
	}
	return total, io.ErrNoProgress
}

// readPacked is ReadFrom of a message that is compressed: it reads into one
// half of the buffer, and what comes of that is gathered in the other.
func (w *Writer) readPacked(r io.Reader) (total int64, err error) {
	c := w.c
	data, most := c.data, c.most
	half := ws.MaxHeader + (len(data)-ws.MaxHeader)/2
	if c.size > half-ws.MaxHeader {
		if err := c.flush(nil, false); err != nil {
			return 0, err
		}
	}
	c.data, c.most = data[:half], min(most, half-ws.MaxHeader)
	total, err = w.packFrom(r, data[half:])
	c.data, c.most = data, most
	return total, err
}

func (w *Writer) packFrom(r io.Reader, in []byte) (total int64, err error) {
	for empty := 0; empty < emptyReads; empty++ {
		n, err := r.Read(in)
		total += int64(n)
		if n > 0 {
			empty = 0
			if err := w.c.compress(in[:n], false); err != nil {
				return total, err
			}
		}
		if same.Error(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
	return total, io.ErrNoProgress
}

// Flush sends what was written so far, so that the peer need not wait for more
// to see it. What a codec holds back stays with it.
func (w *Writer) Flush() error {
	c := w.c
	if !w.open {
		return ErrOrder
	}
	if c.size == 0 {
		c.lock()
		err := c.stop
		c.unlock()
		return err
	}
	return c.flush(nil, false)
}

// Close ends the message and sends what is left of it. It returns ErrOrder if
// there is none.
//
// A message cannot be given up: who has begun one and cannot go on calls
// StartClose before Close, so that the peer does not take half of it for the
// whole.
func (w *Writer) Close() error {
	c := w.c
	if !w.open {
		return ErrOrder
	}
	var err error
	if c.pack {
		err = c.compress(nil, true)
	}
	if err == nil {
		err = c.flush(nil, true)
	}
	w.open = false
	c.writing.Unlock()
	return err
}
