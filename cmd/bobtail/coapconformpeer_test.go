package main

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/coap"
)

// A server of CoAP over TCP that keeps to every case of the suite, but for the
// faults that a test gives it.

// fault is something that a server does wrong.
type fault uint

const (
	noCSM            fault = iota // sends none
	waitsForCSM                   // sends its own behind that of the client
	pongFirst                     // says something before its own
	badCSM                        // announces an Extended-Token-Length of 3
	goesWithoutCSM                // takes any message first
	silentBeforeCSM               // says nothing to what comes first, and reads on
	hastyForCSM                   // ends a connection that is late with its CSM
	onlyOneCSM                    // rejects a second CSM
	strictCSM                     // takes a CSM with neither token nor payload
	plainCSM                      // takes a CSM without options only
	deafToOptions                 // takes critical options of signals for elective ones
	rejectsElective               // takes elective options for critical ones
	deafToSettings                // ignores a CSM option that is malformed
	strictSettings                // rejects what it is to ignore in a CSM
	closesSettings                // ends the connection for a malformed CSM option
	oneRegistry                   // has the same options in requests and in all signals
	mutedAbort                    // an Abort without a diagnostic
	namelessAbort                 // an Abort that names no option
	noAbort                       // closes without one
	lateAbort                     // answers what comes behind it before it aborts
	talksOn                       // does not close behind an Abort
	tooBig                        // heeds no Max-Message-Size of the client
	refusesBig                    // rejects messages above 1000 bytes
	readsOn                       // has no limit of its own, and never says so
	noTokens                      // a Pong without the token
	emptyTokens                   // an answer without the token
	noExtendedTokens              // rejects tokens above 8 bytes though it announces more
	anyTokens                     // takes tokens of any length
	noPong                        // never answers a Ping
	onePong                       // answers the first Ping alone
	noCustody                     // a Pong never has the option
	earlyPong                     // a Pong before the answers to what came before
	rejectsPong                   // rejects a Pong
	rejectsEmpty                  // rejects an empty message
	closesEmpty                   // closes for an empty message
	noRelease                     // ignores a Release
	hastyRelease                  // closes before it has answered
	busyRelease                   // says something instead of closing
	noAborted                     // ignores an Abort
	politeAborted                 // answers what came with an Abort
	closesUnknown                 // closes for an unknown signal
	oneASegment                   // drops what comes behind the first message in a segment
	wholeMessages                 // drops what is not whole when it is read
	halfway                       // answers the first of the requests that come together alone
	shortLengths                  // has only one byte for Len
	swallows                      // ignores malformed messages
	deafToClasses                 // ignores codes of reserved classes
	diesOfEnd                     // takes no connection behind one that ends within a message
	hangs                         // never closes behind the end of a client's stream
	diesOfReset                   // takes no connection behind a reset
	refusesResponses              // rejects responses
	wrongCodes                    // every answer is 2.05
	rejectsOptions                // every unknown option is 4.02
	noObserve                     // does not answer who gives an observation up
	refusesSize                   // takes no message of more than 12 bytes behind its token
	dropsUnread                   // drops what a client is slow to read
	refusesGreat                  // reads a message of any length, and never says so
	numFaults
)

var conformAnnounced = coap.Settings{MaxMessage: 70000, BlockWise: true, ExtendedToken: 300}

// peer is such a server.
type peer struct {
	l      net.Listener
	faults map[fault]bool
	over   chan struct{} // closed at the end of the test
	mu     sync.Mutex
	conns  map[net.Conn]bool
}

func startPeer(t *testing.T, faults ...fault) *peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{l: l, faults: map[fault]bool{}, over: make(chan struct{}), conns: map[net.Conn]bool{}}
	for _, f := range faults {
		p.faults[f] = true
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.conns[c] = true
			p.mu.Unlock()
			serve := func() {
				(&peerConn{peer: p, c: c}).serve()
				p.mu.Lock()
				delete(p.conns, c)
				p.mu.Unlock()
				c.Close()
			}
			if p.faults[diesOfEnd] || p.faults[diesOfReset] {
				serve() // or the next would be served already when it dies
			} else {
				all.Go(serve)
			}
		}
	})
	t.Cleanup(func() {
		l.Close()
		close(p.over)
		p.mu.Lock()
		for c := range p.conns {
			c.Close()
		}
		p.mu.Unlock()
		all.Wait()
	})
	return p
}

func (p *peer) uri() string { return "coap+tcp://" + p.l.Addr().String() }

// peerConn is one connection of it.
type peerConn struct {
	*peer
	c       net.Conn
	session coap.Session
	ours    coap.Settings
	csms    int
	pings   int
	out     []byte
	over    bool
}

func (p *peerConn) has(f fault) bool { return p.faults[f] }

func (p *peerConn) serve() {
	p.ours = conformAnnounced
	announced := p.ours
	if p.has(anyTokens) {
		p.ours.ExtendedToken = coap.MaxExtendedToken
	}
	if p.has(readsOn) {
		p.ours.MaxMessage = 1<<32 - 1
	}
	csm := coap.AppendCSM(nil, announced)
	if p.has(badCSM) {
		csm = []byte("\x20\xe1\x61\x03")
	}
	if !p.has(noCSM) && !p.has(waitsForCSM) {
		if p.has(pongFirst) {
			p.c.Write([]byte("\x00\xe3"))
		}
		p.c.Write(csm)
		csm = nil
	}
	var b []byte
	chunk := make([]byte, 1<<16)
	for !p.over {
		if p.has(hastyForCSM) && p.csms == 0 {
			p.c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		} else {
			p.c.SetReadDeadline(time.Time{})
		}
		n, err := p.c.Read(chunk)
		b = append(b, chunk[:n]...)
		if err != nil {
			switch {
			case err != io.EOF && p.has(diesOfReset), err == io.EOF && p.has(diesOfEnd) && (len(b) > 0 || p.csms == 0):
				p.l.Close()
			case err == io.EOF && p.has(hangs):
				<-p.peer.over
			}
			return
		}
		if csm != nil && p.has(waitsForCSM) {
			p.out = append(p.out, csm...)
			csm = nil
		}
		for served := 0; len(b) > 0 && !p.over; served++ {
			if served > 0 && p.has(oneASegment) {
				b = nil
				break
			}
			h, n, err := coap.ParseTCPHeader(b)
			if err == nil && n > 0 {
				err = p.ours.Check(h)
				if p.has(noExtendedTokens) && h.TokenLength > coap.MaxToken {
					err = coap.ErrTokenLong
				}
				if p.has(refusesBig) && h.Size() > 1000 {
					err = coap.ErrMessageTooBig
				}
				if p.has(refusesGreat) && err == coap.ErrMessageTooBig {
					err = nil
				}
				if p.has(shortLengths) && h.Length >= 269 || p.has(refusesSize) && h.Length > 12 {
					err = coap.ErrMessageTooBig
				}
			}
			var m coap.Message
			if err == nil {
				m, n, err = coap.ParseTCP(b)
			}
			if err != nil && p.has(swallows) {
				b = nil
				break
			}
			if err != nil {
				p.abort(0, err)
				break
			}
			if n == 0 {
				if p.has(wholeMessages) {
					b = nil
				}
				break
			}
			if served > 0 && p.has(halfway) && m.Code.IsRequest() {
				b = b[n:]
				continue
			}
			p.take(&m)
			b = b[n:]
		}
		if len(p.out) > 0 {
			if p.has(dropsUnread) {
				p.c.SetWriteDeadline(time.Now().Add(time.Millisecond))
			}
			if _, err := p.c.Write(p.out); err != nil && p.has(diesOfReset) {
				p.l.Close()
				return
			}
		}
		p.out = p.out[:0]
		if p.over && p.has(talksOn) {
			p.over = false
		}
	}
	// What the client still sends is not to become a reset that overtakes the
	// Abort.
	p.c.(*net.TCPConn).CloseWrite()
	for n, err := 0, error(nil); err == nil && n < 1<<26; {
		var got int
		got, err = p.c.Read(chunk)
		n += got
	}
}

// abort sends an Abort and closes.
func (p *peerConn) abort(bad coap.Option, err error) {
	if p.has(namelessAbort) {
		bad = 0
	}
	text := err.Error()
	if p.has(mutedAbort) {
		text = ""
	}
	if !p.has(noAbort) {
		p.out = coap.AppendAbort(p.out, bad, text)
	}
	p.over = true
}

// take does what a message asks for.
func (p *peerConn) take(m *coap.Message) {
	custody := m.Code == coap.CodePing && coap.Custody(m.Options)
	critical := false
	elective := false
	it := m.Options.Iter()
	for it.Next() {
		critical = critical || it.Number.IsCritical()
		elective = elective || it.Number == strangeElective
	}
	first := p.session.State() == coap.StateFresh
	switch {
	case m.Code == coap.CodeEmpty && p.has(rejectsEmpty):
		p.abort(0, coap.ErrMessageCode)
		return
	case m.Code == coap.CodeEmpty && p.has(closesEmpty):
		p.over = true
		return
	case first && p.has(silentBeforeCSM) && m.Code != coap.CodeCSM:
		return
	case m.Code.IsSignal() && p.has(deafToOptions) && critical:
		m.Options = nil
	case m.Code == coap.CodePing && p.has(oneRegistry) && len(m.Options) > 0:
		var s coap.Settings
		if bad, err := s.Update(m.Options); err != nil && bad != coap.OptURIPath {
			p.abort(bad, err)
			return
		}
		m.Options = nil
	case m.Code.IsSignal() && p.has(rejectsElective) && elective:
		p.abort(0, coap.ErrSignalOption)
		return
	case m.Code == coap.CodeCSM:
		if p.csms++; p.csms > 1 && p.has(onlyOneCSM) || p.has(strictCSM) && len(m.Token)+len(m.Payload) > 0 || p.has(plainCSM) && len(m.Options) > 0 {
			p.abort(0, coap.ErrSettings)
			return
		}
		if p.has(strictSettings) && p.odd(m) {
			p.abort(0, coap.ErrSettings)
			return
		}
	case m.Code == coap.CodePong && p.has(rejectsPong):
		p.abort(0, coap.ErrSignalCode)
		return
	case m.Code.IsResponse() && p.has(refusesResponses):
		p.abort(0, coap.ErrMessageCode)
		return
	case m.Code == coap.CodeAbort && p.has(politeAborted):
		p.out = coap.AppendAbort(p.out, 0, "you too")
		p.over = true
		return
	case m.Code == coap.CodeAbort && p.has(noAborted), m.Code == coap.CodeRelease && p.has(noRelease):
		return
	case m.Code.Class() == 1 && p.has(deafToClasses), m.Code.Class() == 6 && p.has(deafToClasses):
		return
	}
	was := p.session
	action, err := p.session.Take(m, !p.has(goesWithoutCSM))
	switch action {
	case coap.ActReject:
		if p.has(deafToSettings) && err == coap.ErrSettings {
			p.session = was
			return
		}
		if p.has(closesSettings) && err == coap.ErrSettings || p.has(closesUnknown) && err == coap.ErrSignalCode {
			p.over = true
			return
		}
		if p.has(lateAbort) {
			p.out = coap.AppendPong(p.out, nil, true)
		}
		p.abort(p.session.Bad, err)
	case coap.ActRequest:
		p.request(m)
	case coap.ActPong:
		if p.pings++; p.has(noPong) || p.pings > 1 && p.has(onePong) {
			return
		}
		if p.has(noTokens) {
			m.Token = nil
		}
		pong := coap.AppendPong(nil, m.Token, custody && !p.has(noCustody))
		if p.has(earlyPong) {
			p.out = append(pong, p.out...)
		} else {
			p.out = append(p.out, pong...)
		}
	case coap.ActRelease:
		if p.has(hastyRelease) {
			p.out = nil
		}
		if p.has(busyRelease) {
			p.out = coap.AppendPong(p.out, nil, false)
		}
		p.over = true
	case coap.ActAborted:
		p.out = nil
		p.over = true
	}
}

// odd reports whether a CSM has something that is to be ignored or taken.
func (p *peerConn) odd(m *coap.Message) bool {
	it := m.Options.Iter()
	last := coap.Option(0)
	for it.Next() {
		if it.Number == last || len(it.Value) > 0 && it.Value[0] == 0 || it.Number == coap.OptExtendedTokenLength || len(it.Value) == 4 && it.Number == coap.OptMaxMessageSize {
			return true
		}
		last = it.Number
	}
	return false
}

// request answers a request.
func (p *peerConn) request(m *coap.Message) {
	code := coap.CodeContent
	_, critical := m.Options.Critical(nil)
	path := string(m.Options.AppendPath(nil))
	observe, observes := m.Options.Uint(coap.OptObserve)
	it := m.Options.Iter()
	unknown := false
	for it.Next() {
		unknown = unknown || it.Number == strangeElective
	}
	switch {
	case p.has(wrongCodes):
	case critical, unknown && p.has(rejectsOptions):
		code = coap.CodeBadOption
	case m.Code > coap.CodeIPATCH:
		code = coap.CodeMethodNotAllowed
	case path != "/.well-known/core":
		code = coap.CodeNotFound
	}
	if observes && observe == 1 && p.has(noObserve) {
		return
	}
	answer := coap.Message{Code: code, Token: m.Token}
	if p.has(emptyTokens) {
		answer.Token = nil
	}
	if code == coap.CodeContent {
		answer.Payload = make([]byte, 200)
		for i := range answer.Payload {
			answer.Payload[i] = 'x'
		}
		if most := int(p.session.Peer.Message()); coap.SizeTCP(answer) > uint64(most) && !p.has(tooBig) {
			answer.Options = coap.AppendUintOption(nil, 0, coap.OptBlock2, uint64(coap.Block{More: true}.Uint()))
			answer.Payload = answer.Payload[:16]
		}
	}
	p.out = coap.AppendTCP(p.out, answer)
}
