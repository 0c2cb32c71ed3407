package web

import (
	"io"
	"sync"
	"unsafe"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/same"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// This file sends content from a Source. The handler has only said which; what
// is sent, and when, is up to the driver: as much as the peer takes now, and
// for the rest the slot is parked until there is room, with no worker and no
// copy of the content. What is left of it is in a table of fixed size.

// Source is content that the driver sends by itself, such as a file: see
// [Head.Source]. os.File is one, so long as nobody else closes it.
//
// If it has a method File() uintptr too, that is a descriptor of the system's
// from which the same content can be had at the same offsets. A backend that
// can, sends it from there without reading it (sendfile); ReadAt is asked for
// what is little, and by backends that cannot.
type Source interface {
	// ReadAt reads from offset off on, as io.ReaderAt has it. It is called by
	// one worker at a time, not always the same, and keeps it for as long as it
	// takes: from a disk that is slow the worker is gone meanwhile. An error
	// ends the connection, since the length was promised; so does content that
	// ends too early, as that of a file does which is cut short by others.
	ReadAt(p []byte, off int64) (n int, err error)

	// Close is called once, when all is sent or given up, from any goroutine.
	// It must not wait. Its error is not looked at.
	Close() error
}

// Source ends the response with n bytes of src, from offset off on. Its
// Content-Length is n. The handler returns before they are sent: the driver
// does that, as fast as the peer takes them, and holds no worker while it
// does not. Between two turns other connections have theirs.
//
// src is the driver's from here on, also if Source fails: it is closed when the
// content is sent, or the peer is gone or too slow (Timeouts.Write), and at
// once for a request or a status without content.
//
// When as many connections wait with a Source as there may, the worker sends
// this one to its end, and is lent while it waits, for at most the time of a
// handler; so it is outside of a server.
func (h Head) Source(src Source, off, n int64) error {
	x := h.x
	if src == nil {
		return x.keep(ErrMisuse)
	}
	taken, err := x.takeSource(src, off, n)
	if !taken {
		src.Close()
	}
	return err
}

// takeSource stages the head of a Source's response. It reports whether the
// Source is wanted any longer.
func (x *Exchange) takeSource(src Source, off, n int64) (taken bool, err error) {
	if off < 0 || n < 0 || off+n < off {
		return false, x.keep(ErrMisuse)
	}
	if x.err != nil {
		return false, x.err
	}
	if err := x.conn.Length(uint64(n)); err != nil {
		return false, x.keep(err)
	}
	if err := x.conn.EndHead(); err != nil {
		return false, x.keep(err)
	}
	if x.w == nil && x.conn.HasBody() {
		if err := x.copySource(src, off, n); err != nil {
			return false, x.keep(err)
		}
		return false, x.complete()
	}
	for left := n; left > 0; {
		k := min(left, 1<<30) // an int may have 32 bits
		if err := x.conn.Content(int(k)); err != nil {
			return false, x.keep(err)
		}
		left -= k
	}
	if err := x.complete(); err != nil {
		return false, err
	}
	if n == 0 || !x.conn.HasBody() {
		return false, nil
	}
	x.d.use(modeSource, &sourceCalls)
	x.source = openSource{src: src, off: off, left: n}
	return true, nil
}

var sourceCalls = modeCalls{
	leave: (*Exchange).beginSource,
	serve: (*Exchange).serveSource,
	gone:  (*Driver).endSource,
	drop:  (*Exchange).dropSource,
}

// copySource writes a Source's content by way of the output buffer.
func (x *Exchange) copySource(src Source, off, n int64) error {
	for n > 0 {
		b, err := x.conn.Room()
		if err != nil {
			return err
		}
		k, err := src.ReadAt(b[:min(int64(len(b)), n)], off)
		if k <= 0 {
			if err == nil || same.Error(err, io.EOF) {
				err = ErrSource
			}
			return err
		}
		if err = x.conn.Put(k); err != nil {
			return err
		}
		off, n = off+int64(k), n-int64(k)
	}
	return nil
}

// turnBytes is how many bytes are sent for a slot before others have their
// turn: some 110 microseconds by sendfile. With many connections a turn costs a
// look at the ring and at the events besides, and the kernel's TCP costs less
// when a stream goes on: with half of it each byte costs a quarter more, with an
// eighth more than twice as much, and with twice of it no less.
const turnBytes = 512 << 10

// leastRead is the least that is read from a Source at once, in bytes, if there
// is as much.
const leastRead = 512

// openSource is what is left to be sent of a Source.
type openSource struct {
	src       Source
	off, left int64
	queued    int64   // when it began to wait for its turn, 0 if it does not
	fd        uintptr // to send it from, if byFile
	most      int32   // how much is read at once, 0 for as much as there is room for
	next      int32   // of a free entry, the number of the next
	byFile    bool
}

// SourceSize is the size of a place for an open Source in bytes.
const SourceSize = int(unsafe.Sizeof(openSource{}))

// sources is the table of the Sources whose peers are waited for. They are
// numbered from 1. An entry is its slot's owner's.
type sources struct {
	mu   sync.Mutex
	list []openSource
	free int32 // number of the first free entry, 0 if there is none
	used int
}

func (t *sources) init(n int) {
	t.list = make([]openSource, n)
	for i := range t.list {
		t.list[i].next = int32(i + 2)
	}
	if n > 0 {
		t.list[n-1].next = 0
		t.free = 1
	}
}

// at is an entry.
func (t *sources) at(number int32) *openSource { return &t.list[number-1] }

// put puts a Source into the table, and returns 0 if that is full.
func (t *sources) put(q openSource) (number int32) {
	t.mu.Lock()
	number = t.putLocked(q)
	t.mu.Unlock()
	return number
}

// putLocked is put under the lock.
func (t *sources) putLocked(q openSource) (number int32) {
	number = t.free
	if number == 0 {
		return 0
	}
	e := t.at(number)
	t.free = e.next
	*e = q
	t.used++
	return number
}

// take takes a Source out of the table.
func (t *sources) take(number int32) openSource {
	t.mu.Lock()
	e := t.at(number)
	q := *e
	*e = openSource{next: t.free}
	t.free = number
	t.used--
	t.mu.Unlock()
	return q
}

// Sources is the number of connections that wait with a Source.
func (d *Driver) Sources() int {
	d.sources.mu.Lock()
	n := d.sources.used
	d.sources.mu.Unlock()
	return n
}

// closeSource closes a Source. A panic in it ends nothing else.
func (d *Driver) closeSource(src Source, h pool.Handle) {
	defer d.rescue(h)
	src.Close()
}

// dropSource closes the Source of the response at hand, if there is one.
func (x *Exchange) dropSource() {
	if src := x.source.src; src != nil {
		x.source = openSource{}
		x.d.closeSource(src, x.handle)
	}
}

// endSource closes the Source of a slot, which is in no mode from then on.
func (d *Driver) endSource(st *slotState, h pool.Handle) {
	q := d.sources.take(st.which)
	st.mode, st.which, st.flags = modeRequest, 0, 0
	d.closeSource(q.src, h)
}

// readSource reads from a Source, and returns 0 if there is nothing more or it
// has failed, also by a panic.
func (x *Exchange) readSource(src Source, p []byte, off int64) (n int) {
	defer x.d.rescue(x.handle)
	n, _ = src.ReadAt(p, off)
	if n < 0 || n > len(p) {
		return 0
	}
	return n
}

// descriptor asks a Source for its descriptor. If it has none, or panics, it is
// read.
func (x *Exchange) descriptor(q *openSource) {
	if f, ok := q.src.(interface{ File() uintptr }); ok {
		defer x.d.rescue(x.handle)
		q.fd = f.File()
		q.byFile = true
	}
}

// poured is how a turn of sending has ended.
type poured uint8

const (
	pouredAll  poured = iota // all is sent
	pouredFull               // the peer takes no more now
	pouredTurn               // it does, but others wait
	pouredFail               // the peer or the Source has failed
)

// pour sends head, which lies at the beginning of memory, and then what is left
// of a Source, by way of the memory behind it if need be. rest is what is left
// of head.
func (x *Exchange) pour(q *openSource, head, memory []byte) (how poured, rest []byte) {
	free := memory[len(head):]
	for sent := 0; len(head) > 0 || q.left > 0; {
		if sent >= turnBytes {
			return pouredTurn, head
		}
		var n, want int
		var err error
		if q.byFile {
			want = int(min(q.left, int64(turnBytes-sent)))
			n, err = x.w.SendFile(x.s, head, q.fd, q.off, want)
		} else {
			buf := memory
			if len(head) > 0 {
				buf = free
			}
			if q.most > 0 {
				buf = buf[:min(len(buf), int(q.most))]
			}
			want = x.readSource(q.src, buf[:min(int64(len(buf)), q.left)], q.off)
			if want == 0 && q.left > 0 {
				return pouredFail, head
			}
			n, err = x.w.SendNow(x.s, head, buf[:want])
		}
		want += len(head)
		k := min(n, len(head))
		head = head[k:]
		q.off += int64(n - k)
		q.left -= int64(n - k)
		sent += n
		switch {
		case transport.ErrNotSupported.Is(err) && q.byFile:
			q.byFile = false
			continue
		case err != nil:
			return pouredFail, head
		case n < want:
			// What was read and not taken is read again: not much more, then,
			// than such a peer takes.
			q.most = int32(max(2*n, leastRead))
			return pouredFull, head
		}
		q.most = 0
	}
	return pouredAll, nil
}

// spare is the worker's memory that is free while content is sent: all of it,
// but for what was received and belongs to requests to come.
func (x *Exchange) spare() []byte {
	m := x.w.Memory
	if x.conn.Resting() {
		return m
	}
	return m[InSize(len(m)):]
}

// beginSource sends the response that ends in a Source, with what was staged
// before it, and goes on as answered does, at once or when all is sent.
func (x *Exchange) beginSource(err error, _ int64) (next, engine.Verdict, bool) {
	w, s, q := x.w, x.s, &x.source
	head := x.conn.Staged()
	if w.Pending(s) {
		// What waits goes first.
		if x.send(head, nil) != nil {
			x.dropSource()
			return nextEnd, engine.Abort, true
		}
		head = nil
	}
	memory := x.spare()
	head = memory[:copy(memory, head)]
	x.conn.Unstage()
	if w.SendsFiles() && q.left > int64(len(memory)-len(head)) {
		// Less than that is read and sent with the head in one call, which
		// costs no more.
		x.descriptor(q)
	}
	how := pouredFull
	if !w.Pending(s) {
		how, head = x.pour(q, head, memory)
	}
	switch how {
	case pouredAll:
		x.dropSource()
		after, v := x.answered(err)
		return after, v, true
	case pouredFail:
		x.dropSource()
		return nextEnd, engine.Abort, true
	}
	if len(head) > 0 {
		rest, e := w.Send(s, head, nil, false)
		if e != nil {
			x.dropSource()
			return nextEnd, engine.Abort, true
		}
		head = head[len(head)-rest:]
	}
	if len(head) > 0 || !x.leaveSource(how) {
		after, v := x.writeSource(head, err)
		return after, v, true
	}
	if how == pouredTurn {
		return nextEnd, engine.Again, true
	}
	return nextEnd, engine.Await, true
}

// What becomes of a connection when all is sent, in slotState.flags.
const (
	sourceGoesOn uint8 = iota
	sourceFinish       // engine.Finish
	sourceLinger       // engine.Linger
)

// leaveSource puts all away that a slot needs to go on with a Source, and with
// the connection after it. It fails if there is no place.
func (x *Exchange) leaveSource(how poured) bool {
	flags, drains := sourceGoesOn, false
	switch x.conn.State() {
	case http1.StateComplete:
		if x.conn.NeedsClose() {
			flags = sourceLinger
		}
	case http1.StateDrain:
		switch {
		case x.conn.EOF():
			flags = sourceFinish
		case !x.conn.Drains():
			flags = sourceLinger
		default:
			drains = true
		}
	default:
		flags = sourceLinger
	}
	q := x.source
	if how == pouredTurn {
		q.queued = x.w.Now
	}
	number := x.d.sources.put(q)
	if number == 0 {
		return false
	}
	if flags != sourceGoesOn || x.conn.Resting() {
		x.d.e.Pool().Stash.Drop(x.s)
	} else if !x.stash() {
		x.d.sources.take(number)
		return false
	}
	st := pool.StateOf[slotState](x.s)
	st.mode, st.which, st.flags, st.answered = modeSource, number, flags, drains
	x.source = openSource{}
	return true
}

// writeSource sends the rest of head and of the Source, and waits for the peer,
// as a handler that streams would.
func (x *Exchange) writeSource(head []byte, err error) (next, engine.Verdict) {
	w, q := x.w, &x.source
	if !w.BeginHandler(0, true) {
		x.dropSource()
		return nextEnd, engine.Abort
	}
	memory := x.spare()
	t := w.Stream()
	var failed error
	// If output waits, it has the beginning of this response.
	for begun := !w.Pending(x.s); failed == nil && (len(head) > 0 || q.left > 0); begun = true {
		p := head
		if len(head) > 0 {
			head = nil
		} else {
			n := x.readSource(q.src, memory[:min(int64(len(memory)), q.left)], q.off)
			if n == 0 {
				failed = ErrSource
				break
			}
			p = memory[:n]
			q.off, q.left = q.off+int64(n), q.left-int64(n)
		}
		if begun {
			_, failed = t.WriteOn(p)
		} else {
			_, failed = t.Write(p)
		}
	}
	owned := w.EndHandler()
	x.dropSource()
	if !owned {
		x.conn.Reset(nil)
		return nextEnd, engine.Lost
	}
	if failed != nil {
		return nextEnd, engine.Abort
	}
	return x.answered(err)
}

// serveSource goes on sending from a Source. over says that all is sent, so
// that the next request may be served.
func (x *Exchange) serveSource() (v engine.Verdict, over bool) {
	w, s := x.w, x.s
	st := pool.StateOf[slotState](s)
	q := x.d.sources.at(st.which)
	if q.queued != 0 {
		w.Postpone(s, w.Now-q.queued) // it was not the peer who kept us waiting
		q.queued = 0
	}
	left := q.left
	how, _ := x.pour(q, nil, x.spare())
	if q.left < left {
		w.Prompt(s)
	}
	switch how {
	case pouredFull:
		return engine.Await, false
	case pouredTurn:
		q.queued = w.Now
		return engine.Again, false
	}
	flags := st.flags
	x.d.endSource(st, x.handle)
	s.Phase = uint8(engine.PhaseBusy)
	switch {
	case how == pouredFail:
		return engine.Abort, false
	case flags == sourceFinish:
		return engine.Finish, false
	case flags == sourceLinger:
		return engine.Linger, false
	}
	return 0, true
}
