package resource

import (
	"sync/atomic"
	"unsafe"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/opaque"
)

// Exchange is a worker's place for one request and its answer. One goroutine
// uses it at a time.
//
// A driver either calls Serve, or its stages: Route, which may have the answer
// already; else Run, with the handler's right around it; then Finish. Busy
// stands for both if no handler may run now. After a handler that has lost its
// right, or has panicked, comes Abandon, and nothing of what it has staged
// counts. One of Finish, Busy and Abandon follows each Route.
type Exchange struct {
	r      *Router
	worker int
	arena  []byte
	used   int
	links  links

	// Of the request.
	m       coap.Message
	t       *Terms
	req     Request
	route   *route
	path    path
	has     has
	block1  coap.Block
	block2  coap.Block
	key     keys
	size1   uint64
	silent  uint8 // the value of No-Response
	part    Part
	payload []byte
	value   any

	// Of what outlasts it.
	transfer int  // -1 is none
	reads    bool // it is a Source that is kept, of which Run reads a block
	told     bool // Data has had the last part: nobody need be told of the end
	observer place
	seq      int32 // of the observation, -1 if there is none
	ticket   Ticket

	// Of the answer.
	out       []byte // options, then marker and payload, within what there is room for
	code      coap.Code
	stage     stage
	formatted bool
	tag       tag
	keep      keep
	err       error
	scratch   [8]byte
}

// has says which options a request has.
type has uint16

const (
	hasBlock1 has = 1 << iota
	hasBlock2
	hasSize2
	hasETag
	hasObserve // to observe
	hasForget  // not to observe any more
	hasTypes   // Content-Format or Accept, which the route may refuse
	hasProxy   // for somebody else
	hasOther   // some that this package does not know, or not in this form
)

// stage is how far the answer is.
type stage uint8

const (
	stageFresh stage = iota
	stageHead
	stageDone  // the handler can do nothing more
	stageLater // a ticket was taken
)

// keep says what becomes of the transfer.
type keep uint8

const (
	keepNone   keep = iota // it ends
	keepUpload             // it goes on
	keepAnswer             // the answer is kept there
)

// NewExchange makes the Exchange of a worker, and freezes the router. memory is
// the requests' arena; it may be nil.
func NewExchange(r *Router, worker int, memory []byte) *Exchange {
	r.Freeze()
	x := &Exchange{r: r, worker: worker, arena: memory, transfer: -1}
	x.req.x, x.links.x = x, x
	x.links.scratch = memory
	x.links.source.Pointer = opaque.To(&x.links)
	if len(memory) < r.longest {
		x.links.scratch = make([]byte, r.longest)
	}
	return x
}

// Memory is how many bytes the Exchange holds, beside the memory that it was
// given.
func (x *Exchange) Memory() int {
	n := int(unsafe.Sizeof(*x))
	if len(x.arena) < x.r.longest {
		n += len(x.links.scratch)
	}
	return n
}

// Serve answers a request: it is Route, Run and Finish. The answer's body is
// appended to dst within its capacity.
func (x *Exchange) Serve(m coap.Message, t *Terms, dst []byte) Answer {
	if !x.Route(m, t, dst) {
		x.Run()
	}
	return x.Finish()
}

// Route finds the route of a request and looks at its options. It returns true
// if Finish has the answer already, and false if a handler is to Run. The answer
// is put behind dst, within its capacity. m, t and dst must stay as they are
// until Finish, Busy or Abandon.
func (x *Exchange) Route(m coap.Message, t *Terms, dst []byte) (done bool) {
	x.m = m
	return x.RouteHere(t, dst)
}

// Message is where the Exchange keeps its request. A driver may put it there
// itself, between two exchanges, and calls RouteHere then: copying a message costs
// as much as looking at it.
func (x *Exchange) Message() *coap.Message { return &x.m }

// RouteHere is Route of the request that is in Message.
func (x *Exchange) RouteHere(t *Terms, dst []byte) (done bool) {
	room := cap(dst) - len(dst)
	if t.Max > 0 {
		room = min(room, t.Max)
	}
	x.t, x.out = t, dst[len(dst):len(dst):len(dst)+room]
	x.route, x.value, x.payload, x.used = nil, nil, x.m.Payload, 0
	x.transfer, x.reads, x.told, x.seq, x.ticket, x.observer = -1, false, false, -1, Ticket{}, place{}
	x.part.Offset, x.part.Last, x.part.P, x.part.Size = 0, true, x.m.Payload, 0
	x.begin()
	if c := x.look(); c != 0 {
		x.refuse(c)
		if c == coap.CodeServiceUnavailable {
			x.insertUint(coap.OptMaxAge, stalled/1e9) // no place in the table of transfers
		}
	}
	return x.stage == stageDone
}

// begin begins the answer, of which nothing was said.
func (x *Exchange) begin() {
	x.out = x.out[:0]
	x.code, x.stage, x.formatted, x.tag, x.keep, x.err = 0, stageFresh, false, tag{}, keepNone, nil
}

// look looks at the request. It returns what to refuse it with, or 0.
func (x *Exchange) look() coap.Code {
	if c := x.readOptions(); c != 0 {
		return c
	}
	if x.m.Code > coap.CodeIPATCH || x.m.Code == 0 {
		return coap.CodeMethodNotAllowed // RFC 7252 section 5.8
	}
	x.path.method, x.path.wilds = x.m.Code, 0
	x.route = x.find()
	understood := conditional
	if x.route != nil {
		understood = x.route.understood
	}
	if x.has&hasOther != 0 {
		if o, bad := x.m.Options.Critical(understood); bad {
			x.refuseOption(o)
			return 0
		}
	}
	switch {
	case x.has&hasProxy != 0:
		return coap.CodeProxyingNotSupported // RFC 7252 section 5.10.2
	case x.route != nil:
	default:
		if x.path.method, x.path.wilds = anyMethod, 0; x.find() != nil {
			return coap.CodeMethodNotAllowed
		}
		return coap.CodeNotFound
	}
	if x.has&hasTypes != 0 {
		// RFC 7252 sections 5.10.3 and 5.10.4
		if f, ok := x.req.Format(); ok && !isIn(x.route.Accepts, f) {
			return coap.CodeUnsupportedContentFormat
		}
		if f, ok := x.req.Accept(); ok && !isIn(x.route.Formats, f) {
			return coap.CodeNotAcceptable
		}
	}
	if x.has&hasForget != 0 {
		x.r.Cancel(x.t.Pusher, x.t.Peer, x.m.Token)
	}
	switch {
	case x.has&hasBlock1 != 0:
		return x.upload()
	case x.has&hasBlock2 != 0 && x.block2.Num != 0 && !x.asksAgain():
		return x.serveKept()
	}
	return 0
}

func (x *Exchange) find() *route {
	if x.path.n > MaxSegments {
		return nil
	}
	return x.r.tree.find(&x.path, 0)
}

func isIn(list []coap.Format, f coap.Format) bool {
	for _, g := range list {
		if f == g {
			return true
		}
	}
	return len(list) == 0
}

// readOptions reads the options that this package minds, in one pass.
func (x *Exchange) readOptions() coap.Code {
	p := &x.path
	p.n, x.has, x.silent, x.size1 = 0, 0, 0, 0
	c := coap.Code(0)
	last := coap.Option(0)
	it := x.m.Options.Iter()
	for it.Next() {
		n, v := it.Number, it.Value
		// RFC 7252 sections 5.4.3 and 5.4.5: what has a length that it cannot
		// have, and what is there again though not repeatable, is nothing. If
		// it is critical, that is refused below.
		if !n.Fits(len(v)) || n == last && n != coap.OptURIPath {
			x.has |= hasOther
			continue
		}
		last = n
		switch n {
		case coap.OptURIPath:
			if isDots(v) {
				c = coap.CodeBadRequest // RFC 7252 section 5.10.1
			}
			if p.n < MaxSegments {
				p.segments[p.n] = v
			}
			if p.n <= MaxSegments {
				p.n++
			}
		case coap.OptBlock1:
			if x.has |= hasBlock1; !x.readBlock(&x.block1, v) {
				c = coap.CodeBadRequest
			}
		case coap.OptBlock2:
			if x.has |= hasBlock2; !x.readBlock(&x.block2, v) {
				c = coap.CodeBadRequest
			}
		case coap.OptObserve:
			if x.m.Code != coap.CodeGET && x.m.Code != coap.CodeFETCH {
				break
			}
			switch u, ok := coap.ParseUint(v); {
			case ok && u == 0:
				x.has |= hasObserve
			case ok && u == 1:
				x.has |= hasForget
			}
		case coap.OptETag:
			x.has |= hasETag
		case coap.OptContentFormat, coap.OptAccept:
			x.has |= hasTypes
		case coap.OptSize1:
			x.size1, _ = coap.ParseUint(v)
		case coap.OptSize2:
			x.has |= hasSize2
		case coap.OptNoResponse:
			u, _ := coap.ParseUint(v)
			x.silent = uint8(u)
		case coap.OptProxyURI, coap.OptProxyScheme:
			x.has |= hasProxy
		default:
			x.has |= hasOther
		}
	}
	if p.n == 0 {
		// The path "/" has no options (RFC 7252 section 6.4).
		p.segments[0], p.n = nil, 1
	}
	if x.has&hasBlock2 != 0 && x.block2.Num != 0 {
		x.has &^= hasObserve // RFC 7959 section 2.6: further blocks are no registrations
	}
	return c
}

// isDots reports whether a segment is one that a path cannot have, as it would
// not be itself when somebody resolves it.
func isDots(s []byte) bool {
	return len(s) == 1 && s[0] == '.' || len(s) == 2 && s[0] == '.' && s[1] == '.'
}

// readBlock reads an option of a block. One that is too long is left to the look
// at critical options.
func (x *Exchange) readBlock(b *coap.Block, v []byte) bool {
	*b, _ = coap.ParseBlock(v)
	return b.SZX != coap.BERT || x.t.BERT // RFC 7959 section 2.2, RFC 8323 section 6
}

// Timeout is the deadline of the route's handler in nanoseconds, 0 if it has
// none of its own. It is for between Route and Run.
func (x *Exchange) Timeout() int64 { return x.route.Timeout }

// Slow is a number that belongs to the route, zero at first, for the driver to
// note in it that the route's handler was found slow. It is nil if the request
// has no route.
func (x *Exchange) Slow() *atomic.Int32 {
	if x.route == nil {
		return nil
	}
	return &x.route.slow
}

// Observes reports, between Route and Run, whether the request asks to observe.
// If its handler agrees, notifications may be pushed from that moment on. Where
// the peer takes the order of messages for the order of states, as over TCP (RFC
// 8323 section 7.1), what is pushed to it must wait from before Run until the
// answer is sent.
func (x *Exchange) Observes() bool {
	return x.has&hasObserve != 0 && x.t.Pusher != nil && len(x.m.Token) <= x.r.Token
}

// Pattern is the pattern of the request's route, for logs; empty if there is
// none.
func (x *Exchange) Pattern() string {
	if x.route == nil {
		return ""
	}
	return x.route.Pattern
}

// Run calls the handler. Panics are not caught.
func (x *Exchange) Run() {
	if x.reads {
		x.writeKept()
		return
	}
	var err error
	if x.route.Data != nil {
		if x.told = x.part.Last; !x.told {
			x.stage = stageDone // there is nothing to be answered yet
		}
		err = x.route.Data(Response{x}, &x.req, x.part)
	} else {
		err = x.route.Handler(Response{x}, &x.req)
	}
	if err == nil {
		err = x.err
	}
	switch {
	case err != nil:
		x.fail(err)
	case !x.part.Last:
		x.goOn()
	case x.stage == stageFresh && x.ticket.r != nil:
		x.stage = stageLater
	case x.stage == stageFresh:
		x.code, x.stage = successes[x.m.Code], stageHead
		x.finishEmpty()
	case x.stage == stageHead:
		x.finishEmpty()
	}
}

// finishEmpty ends the response of a handler that has not done so.
func (x *Exchange) finishEmpty() {
	if err := x.end(nil, nil, nil); err != nil {
		x.fail(err)
	}
}

// successes are what a method answers if its handler says nothing (RFC 7252
// section 5.8, RFC 8132 section 2).
var successes = [...]coap.Code{
	coap.CodeGET: coap.CodeContent, coap.CodePOST: coap.CodeChanged, coap.CodePUT: coap.CodeChanged, coap.CodeDELETE: coap.CodeDeleted,
	coap.CodeFETCH: coap.CodeContent, coap.CodePATCH: coap.CodeChanged, coap.CodeIPATCH: coap.CodeChanged,
}

// Finish is the answer. What Run has meant for others is done now: uploads go
// on, and observations that were not to be end.
func (x *Exchange) Finish() (a Answer) {
	x.FinishTo(&a)
	return a
}

// FinishTo is Finish into memory of the caller's.
func (x *Exchange) FinishTo(a *Answer) {
	if x.ticket.r != nil && x.stage != stageLater && !x.r.takeBack(x.ticket) {
		x.stage = stageLater // somebody was faster
	}
	if a.Later = x.stage == stageLater; a.Later {
		a.Code, a.Body, a.None = 0, nil, false
	} else {
		a.Code, a.Body = x.code, x.out
		// RFC 7967 section 2.1. What an upload needs to go on is always said.
		a.None = x.code != coap.CodeContinue && x.silent>>(x.code.Class()-1)&1 != 0
		if x.code.IsError() {
			x.unobserve() // RFC 7641 section 4.1
		}
	}
	x.letGo(x.keep)
}

// Busy answers 5.03 with a Max-Age in seconds, instead of Run and Finish.
func (x *Exchange) Busy(maxAge uint32) Answer {
	k := keepUpload // it may be tried again
	if x.part.Offset == 0 && !x.reads {
		k = keepNone
	}
	x.begin()
	x.refuse(coap.CodeServiceUnavailable)
	x.keep = k
	x.insertUint(coap.OptMaxAge, uint64(maxAge))
	x.part.P = nil
	return x.Finish()
}

// Abandon ends the exchange instead of Finish: the handler's right has passed,
// or it has panicked. The answer, 5.00, is for the latter.
func (x *Exchange) Abandon() Answer {
	x.begin()
	x.refuse(coap.CodeInternalServerError)
	return x.Finish()
}

// unobserve ends the observation that the request has begun.
func (x *Exchange) unobserve() {
	if x.seq >= 0 {
		x.seq = -1
		x.r.endPlace(x.observer)
	}
}

// letGo gives the transfer back.
func (x *Exchange) letGo(k keep) {
	if x.transfer < 0 {
		return
	}
	e := &x.r.transfers.list[x.transfer]
	if !e.kept {
		e.value = x.value
		e.next = x.part.Offset + uint64(len(x.part.P))
	}
	x.r.release(x.transfer, k == keepNone, x.told)
	x.transfer = -1
}

// fail answers what a handler has failed with.
func (x *Exchange) fail(err error) {
	c, text := coap.CodeInternalServerError, ""
	// Error is asked for with Code, so that a small program keeps the texts of
	// such errors, and not those of all.
	if e, ok := err.(interface {
		Code() coap.Code
		Error() string
	}); ok {
		if c = e.Code(); !c.IsError() {
			c = coap.CodeInternalServerError
		}
		text = e.Error()
	}
	x.begin()
	x.refuse(c)
	x.payloadText(text)
}

// refuse answers with a code alone.
func (x *Exchange) refuse(c coap.Code) {
	x.code, x.stage, x.keep = c, stageDone, keepNone
	x.addBlock1(false)
}

// refuseOption answers that an option is not understood, and which (RFC 7252
// section 5.4.1).
func (x *Exchange) refuseOption(o coap.Option) {
	x.refuse(coap.CodeBadOption)
	const text, digits = "option ", len("65535")
	if 1+len(text)+digits <= cap(x.out)-len(x.out) {
		x.payloadText(text)
		x.out = ascii.AppendUint(x.out, uint64(o))
	}
}

// payloadText ends the answer with a diagnostic payload (RFC 7252 section
// 5.5.2), if there is room.
func (x *Exchange) payloadText(s string) {
	if s != "" && 1+len(s) <= cap(x.out)-len(x.out) {
		x.out = coap.AppendPayload(x.out, ascii.Bytes(s))
	}
}

// insert adds an option to the answer, if there is room.
func (x *Exchange) insert(n coap.Option, v []byte) bool {
	if coap.SizeOption(0, n, len(v)) > cap(x.out)-len(x.out) { // the most that it takes, whatever is before it
		return false
	}
	x.out = coap.InsertOption(x.out, n, v)
	return true
}

func (x *Exchange) insertUint(n coap.Option, v uint64) bool {
	return x.insert(n, x.number(v))
}

// number is a number as the value of an option, valid until the next one.
func (x *Exchange) number(v uint64) []byte {
	n := coap.SizeUint(v)
	for i := n - 1; i >= 0; i-- {
		x.scratch[i] = byte(v)
		v >>= 8
	}
	return x.scratch[:n]
}
