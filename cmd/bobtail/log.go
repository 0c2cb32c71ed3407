package main

import (
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/transport"
)

// lineLog writes lines without making whoever logs them wait: lines are put
// into a buffer under a lock, and a goroutine of its own writes that out. When
// the reader of the log is too slow, lines are left out and counted.
type lineLog struct {
	w    io.Writer
	all  bool          // connections are told of, too
	more chan struct{} // has a value when there is something to write
	done chan struct{} // closed when the last line is written

	// speaksCoAP says of each socket whether its connection speaks CoAP; nil if
	// none does. It is made before the server listens.
	speaksCoAP []atomic.Bool

	mu     sync.Mutex
	lines  []byte // never grows beyond its capacity
	lost   int    // lines left out since the last one that was not
	ending bool
}

// The sizes of a log, in bytes. A line has at most maxLine: time, handle,
// address, method, target and numbers.
const (
	logSize   = 64 << 10
	maxLine   = 512
	maxMethod = 32
	maxTarget = 256
)

func newLineLog(w io.Writer, all bool) *lineLog {
	l := &lineLog{
		w: w, all: all,
		more:  make(chan struct{}, 1),
		done:  make(chan struct{}),
		lines: make([]byte, 0, logSize),
	}
	go l.write()
	return l
}

// write writes what is there, until the end.
func (l *lineLog) write() {
	defer close(l.done)
	spare := make([]byte, 0, logSize)
	for range l.more {
		l.mu.Lock()
		lines, lost, ending := l.lines, l.lost, l.ending
		l.lines, l.lost = spare, 0
		l.mu.Unlock()
		l.w.Write(lines)
		if lost > 0 {
			io.WriteString(l.w, plural(uint64(lost), "line")+" left out, since the log was not taken fast enough\n")
		}
		spare = lines[:0]
		if ending {
			return
		}
	}
}

// closeTimeout is how long a log that nobody reads is waited for at the end.
const closeTimeout = time.Second

// close writes what is left.
func (l *lineLog) close() {
	l.mu.Lock()
	l.ending = true
	l.mu.Unlock()
	l.rouse()
	select {
	case <-l.done:
	case <-time.After(closeTimeout):
	}
}

func (l *lineLog) rouse() {
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// begin begins a line with the time. Unless it returns nil, end must follow.
func (l *lineLog) begin() []byte {
	l.mu.Lock()
	if cap(l.lines)-len(l.lines) < maxLine {
		l.lost++
		l.mu.Unlock()
		return nil
	}
	b := time.Now().AppendFormat(l.lines, "2006-01-02T15:04:05.000Z07:00")
	return append(b, ' ')
}

func (l *lineLog) end(b []byte) {
	l.lines = append(b, '\n')
	l.mu.Unlock()
	l.rouse()
}

// request is bobtail.Config.Access.
func (l *lineLog) request(r *bobtail.Request, code int, n, took int64) {
	// The system is asked before the lock is taken.
	remote := r.Remote()
	b := l.begin()
	if b == nil {
		return
	}
	if l.all {
		b = appendHandle(b, r.Handle())
	}
	b = remote.AppendTo(b)
	b = append(b, ' ')
	b = appendVisible(b, r.MethodName(), maxMethod)
	b = append(b, ' ')
	b = appendVisible(b, r.Target(), maxTarget)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(code), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, n, 10)
	b = append(b, ' ')
	b = strconv.AppendFloat(b, float64(took)/1e6, 'f', 3, 64)
	l.end(append(b, "ms"...))
}

// coapTCP is coaptcp.Config.Access.
func (l *lineLog) coapTCP(q coap.Message, remote transport.Addr, peer uint64, code coap.Code, n int, took int64) {
	l.coap("coap+tcp:", q, remote, bobtail.Handle(peer), code, n, took)
}

// coapUDP is coapudp.ServerConfig.Access.
func (l *lineLog) coapUDP(q coap.Message, remote transport.Addr, peer uint64, code coap.Code, n int, took int64) {
	l.coap("coap:", q, remote, 0, code, n, took)
}

// coap writes the line of a request over CoAP, which has the scheme before its
// path, and "later" for the code of an answer that comes later. peer is 0 for one
// who has no connection.
func (l *lineLog) coap(scheme string, q coap.Message, remote transport.Addr, peer bobtail.Handle, code coap.Code, n int, took int64) {
	b := l.begin()
	if b == nil {
		return
	}
	if l.all && peer != 0 {
		b = appendHandle(b, peer)
	}
	b = remote.AppendTo(b)
	b = append(b, ' ')
	b = append(b, q.Code.Name()...)
	b = append(b, ' ')
	b = append(b, scheme...)
	b = appendTarget(b, q.Options, maxTarget)
	if code == 0 {
		b = append(b, " later "...)
	} else {
		b = append(b, ' ')
		b = append(b, code.String()...)
		b = append(b, ' ')
	}
	b = strconv.AppendInt(b, int64(n), 10)
	b = append(b, ' ')
	b = strconv.AppendFloat(b, float64(took)/1e6, 'f', 3, 64)
	l.end(append(b, "ms"...))
}

// appendTarget appends path and query of a request, in at most n bytes and three
// dots.
func appendTarget(b []byte, o coap.Options, n int) []byte {
	from, queries, whole := len(b), false, true
	it := o.Iter()
	for whole && it.Next() {
		mark := byte('/')
		switch it.Number {
		case coap.OptURIPath:
		case coap.OptURIQuery:
			if len(b) == from {
				b = append(b, '/')
			}
			mark = '?'
			if queries {
				mark = '&'
			}
			queries = true
		default:
			continue
		}
		left := n - (len(b) - from) - 1
		if left < 0 {
			return append(b, "..."...)
		}
		b, whole = appendUntil(append(b, mark), it.Value, left)
	}
	if len(b) == from {
		b = append(b, '/')
	}
	return b
}

// event is bobtail.Config.Log.
func (l *lineLog) event(e bobtail.Event) {
	if e.Kind == engine.EventAccepted && l.speaksCoAP != nil {
		// The first listener, 0, is that of HTTP.
		l.speaksCoAP[e.Handle.Index()].Store(e.Code != 0)
	}
	if !l.all && e.Kind != engine.EventBadInput && e.Kind != engine.EventPanic {
		return
	}
	b := l.begin()
	if b == nil {
		return
	}
	if e.Handle != 0 {
		b = appendHandle(b, e.Handle)
	}
	b = append(b, e.Kind.String()...)
	switch e.Kind {
	case engine.EventTimeout, engine.EventClosed, engine.EventAborted:
		b = append(b, " in phase "...)
		b = append(b, engine.Phase(e.Code).String()...)
	case engine.EventBadInput:
		// Such a request has no line of its own, and is answered all the same.
		if l.speaksCoAP != nil && l.speaksCoAP[e.Handle.Index()].Load() {
			b = append(b, ": "...)
			b = append(b, coap.Error(e.Code).Error()...)
			b = append(b, ", aborted"...)
			break
		}
		bad := http1.Error(e.Code)
		b = append(b, ": "...)
		b = append(b, bad.Error()...)
		b = append(b, ", answered "...)
		b = strconv.AppendInt(b, int64(bad.Status()), 10)
	}
	if e.Worker >= 0 {
		b = append(b, ", worker "...)
		b = strconv.AppendInt(b, int64(e.Worker), 10)
	}
	l.end(b)
}

// appendHandle appends the number of a connection: its slot, and which of the
// slot's connections it is.
func appendHandle(b []byte, h bobtail.Handle) []byte {
	b = append(b, '#')
	b = strconv.AppendInt(b, int64(h.Index()), 10)
	b = append(b, '.')
	b = strconv.AppendUint(b, uint64(h.Generation()), 10)
	return append(b, ' ')
}

// appendVisible appends what a peer has sent, in at most n bytes and three
// dots. A terminal is shown nothing that it might obey, and a line stays one
// line.
func appendVisible(dst, b []byte, n int) []byte {
	dst, _ = appendUntil(dst, b, n)
	return dst
}

// appendUntil is appendVisible, and tells whether that was all.
func appendUntil(dst, b []byte, n int) (_ []byte, whole bool) {
	const hex = "0123456789abcdef"
	for _, c := range b {
		size := 1
		plain := c > ' ' && c < 0x7f && c != '\\'
		if !plain {
			size = len(`\x00`)
		}
		if n -= size; n < 0 {
			return append(dst, "..."...), false
		}
		if plain {
			dst = append(dst, c)
		} else {
			dst = append(dst, '\\', 'x', hex[c>>4], hex[c&15])
		}
	}
	return dst, true
}

// Of the longest line, that is maxMethod and maxTarget with the marks of what
// was cut off, an address, a handle, a time, and three numbers.
var _ [maxLine - maxMethod - maxTarget - 2*3 - transport.MaxAddrText - 25 - 29 - 60]byte
