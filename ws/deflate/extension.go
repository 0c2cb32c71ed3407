package deflate

import (
	"sync"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// Extension is permessage-deflate: a wsconn.Extension. Its methods may be called
// from any goroutine. It must not be copied.
type Extension struct {
	config Config

	mu       sync.Mutex // guards what is below
	reserved int        // contexts, at most config.Contexts

	// What is not in use, the last one used first. None grows beyond the
	// capacity that New gives it.
	deflaters [3]shelf // each for one level
	inflaters []*inflater
	codecs    []*codec // of connections with context takeover
}

// shelf has compressors of a level.
type shelf struct {
	level int
	idle  []*deflater
}

var _ wsconn.Extension = (*Extension)(nil)

// New makes an Extension. The error is that of c.Validate.
func New(c Config) (*Extension, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.fill()
	e := &Extension{config: c}
	e.inflaters = make([]*inflater, 0, c.Idle)
	e.codecs = make([]*codec, 0, c.Contexts)
	contexts := 0
	if c.ServerTakeover || c.ClientTakeover {
		contexts = c.Contexts
	}
	for i, s := range [...]struct{ level, most int }{
		{c.Level, c.Idle},
		{c.level(8, false), c.Idle},
		{c.level(maxWindowBits, true), contexts},
	} {
		j := 0
		for j < i && e.deflaters[j].level != s.level {
			j++
		}
		shelf := &e.deflaters[j]
		shelf.level = s.level
		if j == i || i == 2 {
			s.most += cap(shelf.idle)
			shelf.idle = make([]*deflater, 0, s.most)
		}
	}
	return e, nil
}

// Threshold is Config.Threshold: the least size in bytes of a whole message
// that is worth being compressed.
func (e *Extension) Threshold() int { return e.config.Threshold }

// reserve takes a context, if one is free.
func (e *Extension) reserve() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.reserved == e.config.Contexts {
		return false
	}
	e.reserved++
	return true
}

// free reports whether a context is free.
func (e *Extension) free() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.reserved < e.config.Contexts
}

// Release implements wsconn.Extension. It panics if more is released than was
// reserved.
func (e *Extension) Release(p wsconn.Params) {
	if p&flagsTakeover == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.reserved == 0 {
		panic("deflate: Release of what is not reserved")
	}
	e.reserved--
}

// Stateful implements wsconn.Extension.
func (e *Extension) Stateful(_ ws.Role, p wsconn.Params) bool { return p&flagsTakeover != 0 }

// Shared implements wsconn.Extension. The key is Params itself, of the agreement
// about the messages that are sent alone, fit for Codec.Bind.
func (e *Extension) Shared(role ws.Role, p wsconn.Params) (key wsconn.Params, ok bool) {
	takeover, _ := ends(role, flagServerTakeover, flagClientTakeover)
	switch {
	case p == 0 || p&takeover != 0:
		return 0, false
	case role == ws.RoleClient:
		return agreement(maxWindowBits, clientBits(p), 0), true
	}
	return agreement(serverBits(p), maxWindowBits, 0), true
}

// Codec implements wsconn.Extension. A Codec takes 256 bytes while no
// message is under way, unless it is bound to Params that are Stateful.
func (e *Extension) Codec() wsconn.Codec { return newCodec(e) }

// Take implements wsconn.Extension. What it gives is allocated once, and kept
// by Put for the next connection.
func (e *Extension) Take(role ws.Role, p wsconn.Params) wsconn.Codec {
	e.mu.Lock()
	c := pop(&e.codecs)
	e.mu.Unlock()
	if c == nil {
		c = newCodec(e)
	}
	c.Bind(role, p)
	return c
}

// Put implements wsconn.Extension.
func (e *Extension) Put(taken wsconn.Codec) {
	c := taken.(*codec)
	c.unbind()
	e.mu.Lock()
	push(&e.codecs, c)
	e.mu.Unlock()
}

// pop takes the last one, or nil.
func pop[T any](s *[]*T) *T {
	n := len(*s)
	if n == 0 {
		return nil
	}
	t := (*s)[n-1]
	(*s)[n-1] = nil
	*s = (*s)[:n-1]
	return t
}

// push puts one behind the others, if there is room for it.
func push[T any](s *[]*T, t *T) {
	if len(*s) < cap(*s) {
		*s = append(*s, t)
	}
}

// deflater borrows a compressor that knows nothing.
func (e *Extension) deflater(level int) *deflater {
	s := 0
	for e.deflaters[s].level != level {
		s++
	}
	e.mu.Lock()
	d := pop(&e.deflaters[s].idle)
	e.mu.Unlock()
	if d == nil {
		return newDeflater(s, level)
	}
	d.reset()
	return d
}

// keepDeflater takes a compressor back, in whatever state it is.
func (e *Extension) keepDeflater(d *deflater) {
	e.mu.Lock()
	push(&e.deflaters[d.shelf].idle, d)
	e.mu.Unlock()
}

// inflater borrows a decompressor.
func (e *Extension) inflater() *inflater {
	e.mu.Lock()
	i := pop(&e.inflaters)
	e.mu.Unlock()
	if i == nil {
		i = newInflater()
	}
	return i
}

// keepInflater takes a decompressor back, in whatever state it is.
func (e *Extension) keepInflater(i *inflater) {
	i.in.from = nil
	e.mu.Lock()
	push(&e.inflaters, i)
	e.mu.Unlock()
}
