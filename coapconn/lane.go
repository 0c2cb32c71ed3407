package coapconn

// This file is what waits to be sent. Messages are put into lanes by whoever
// has one to send; one goroutine at a time, the one that flushes, writes them.
// So nobody who waits for his turn is in the way of others, a message is whole
// on the wire whoever writes, and what gathers while a write is under way goes
// with the next one.

// lane is a queue of messages in two halves: one is filled while the other is
// being written. All is guarded by the lock of the Conn, but what is being
// written.
type lane struct {
	half [2][]byte
	n    int   // bytes in the half that is filled
	fill uint8 // which it is

	// inside says that what is in the lane ends within a message, of which the
	// rest is still to come.
	inside bool

	// room is told when the half that is filled has become empty: there is one
	// who waits for it at most.
	room chan struct{}
}

// The lanes of a Conn, in the order in which they are looked at.
const (
	laneAnswers  = iota // answers and signals
	lanePushes          // responses to what was asked before: notifications, and answers that come late
	laneRequests        // ours
	numLanes
)

func (l *lane) init(p []byte) {
	k := len(p) / 2
	l.half[0], l.half[1] = p[:k:k], p[k:2*k]
	l.room = make(chan struct{}, 1)
}

func (l *lane) reset() {
	l.n, l.fill, l.inside = 0, 0, false
	drain(l.room)
}

// size is the longest message that fits into a half.
func (l *lane) size() int { return len(l.half[0]) }

// left is the room in the half that is filled.
func (l *lane) left() int { return len(l.half[l.fill]) - l.n }

// free is that room, into which a message may be appended. See used.
func (l *lane) free() []byte { return l.half[l.fill][l.n:l.n] }

// used takes what was appended to free.
func (l *lane) used(b []byte) { l.n += len(b) }

// put adds bytes, as many as there is room for.
func (l *lane) put(p []byte) (n int) {
	n = copy(l.half[l.fill][l.n:], p)
	l.n += n
	return n
}

// take begins the other half, and returns what is in this one.
func (l *lane) take() []byte {
	b := l.half[l.fill][:l.n]
	l.fill, l.n = l.fill^1, 0
	signal(l.room)
	return b
}

// signal tells one who waits, or who will.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// drain forgets what was told.
func drain(c chan struct{}) {
	select {
	case <-c:
	default:
	}
}

// next is the lane that is to be written, nil if there is nothing. A message
// that was begun goes on before anything else.
func (c *Conn) next() *lane {
	if c.broken {
		return nil
	}
	if c.cut != nil {
		if c.cut.n == 0 {
			return nil
		}
		return c.cut
	}
	for i := range c.lanes {
		if c.lanes[i].n != 0 && !(i == lanePushes && c.held) {
			return &c.lanes[i]
		}
	}
	return nil
}

// unlock gives up the lock, and has what waits written: by the Background, or
// else by this goroutine, unless another does so already.
func (c *Conn) unlock() {
	if c.flushing || c.next() == nil {
		c.mu.Unlock()
		return
	}
	c.flushing = true
	c.mu.Unlock()
	if c.config.Background != nil {
		c.config.Background(c.flusher)
		return
	}
	c.flush()
}

// flush writes until nothing is left.
func (c *Conn) flush() {
	c.mu.Lock()
	for {
		l := c.next()
		if l == nil {
			break
		}
		c.cut = nil
		if l.inside {
			c.cut = l
		}
		b := l.take()
		rw := c.rw
		c.mu.Unlock()
		n, err := rw.Write(b)
		c.mu.Lock()
		if err == nil && n < len(b) {
			err = errShort
		}
		if err != nil {
			c.fail(err)
		}
	}
	c.flushing = false
	signal(c.idle)
	c.mu.Unlock()
}

// fail notes that nothing can be sent any more, since nobody knows where in a
// message the peer is. Run reads on, to see whether he has said why.
func (c *Conn) fail(err error) {
	c.broken = true
	if c.over != nil {
		return
	}
	if !c.running {
		c.end(err)
		return
	}
	if !ErrReleased.Is(c.stop) || c.waiting != 0 {
		c.stop = err
	} // else he has closed, as he was asked to, and does not wait for what we write
	for i := range c.lanes {
		signal(c.lanes[i].room)
	}
}

// await waits, without the lock, until a message of n bytes fits into the lane,
// or anything at all if it never does. It returns why it does not, with the lock
// either way. Only one goroutine waits for a lane at a time.
func (c *Conn) await(l *lane, n int, stop <-chan struct{}) error {
	for {
		if c.over != nil {
			return c.over
		}
		if c.broken {
			return c.stop
		}
		if n <= l.left() || n > l.size() && l.n == 0 {
			return nil
		}
		drain(l.room)
		c.unlock()
		// Who flushes, flushes this lane too, sooner or later.
		select {
		case <-l.room:
		default:
			select {
			case <-l.room:
			case <-stop:
				c.mu.Lock()
				return ErrCancelled
			}
		}
		c.mu.Lock()
	}
}

// putAll adds bytes of a message that await has found room for, and waits for
// more where it is longer than a half.
func (c *Conn) putAll(l *lane, p []byte) error {
	for {
		p = p[l.put(p):]
		if len(p) == 0 {
			return nil
		}
		if err := c.await(l, l.size()+1, nil); err != nil {
			return err
		}
	}
}
