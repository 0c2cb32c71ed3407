package main

import (
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/bobtail-go/bobtail/coap"
)

// trial is one case against one server, on a connection of its own. Its methods
// are the steps: what is sent, and what must come. Behind the first that decides
// the case the others do nothing, so that a case is a list of steps.
type trial struct {
	*conformCase
	c       *conforming
	conn    net.Conn
	coming  chan arrival
	verdict verdict
	why     string
	trace   trace
	asked   int           // how many requests were sent by ask
	first   *coap.Message // of the server, empty ones aside
	csm     bool          // the server has sent a CSM
	theirs  coap.Settings // what it has announced
	half    []byte        // of the message that was sent last
}

// arrival is what comes from the server.
type arrival struct {
	kind arrivalKind
	m    coap.Message // only of a message
	err  error        // of the end, and of bytes that are none
	wire []byte
}

type arrivalKind uint8

const (
	kindSilent  arrivalKind = iota // nothing, in all the time that there is
	kindMessage                    // a message
	kindEnd                        // the end, in order or by a reset
	kindGarbled                    // bytes that are no message
)

func (in arrival) String() string {
	switch in.kind {
	case kindSilent:
		return "nothing"
	case kindEnd:
		if in.err != nil {
			return "a reset"
		}
		return "the end of the connection"
	case kindGarbled:
		return fmt.Sprintf("no message (%v)", in.err)
	}
	if in.m.Code == coap.CodeAbort && len(in.m.Payload) > 0 {
		return fmt.Sprintf("an Abort, %q", visible(string(in.m.Payload)))
	}
	return codeText(in.m.Code)
}

// trace is what was sent and received, for people.
type trace struct {
	mu sync.Mutex
	b  strings.Builder
}

func (t *trace) add(mark string, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(&t.b, "    %s %s\n", mark, text)
}

func (t *trace) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// wireText is bytes in hexadecimal, with what they say behind others, of which
// the rest is what they leave.
func wireText(before, b []byte) (text string, rest []byte) {
	const most = 64
	s := hex.EncodeToString(b[:min(len(b), most)])
	if len(b) > most {
		s += fmt.Sprintf("... (%d bytes)", len(b))
	}
	var said []string
	b = append(before, b...)
	for len(b) > 0 {
		m, n, err := coap.ParseTCP(b)
		if err != nil {
			return s + "  " + strings.Join(append(said, strings.TrimPrefix(err.Error(), "coap: ")), "; "), nil
		}
		if n == 0 {
			said = append(said, "...")
			break
		}
		if b = b[n:]; len(said) < 4 {
			said = append(said, messageText(&m))
		} else if said[len(said)-1] != "..." {
			said = append(said, "...")
		}
	}
	return s + "  " + strings.Join(said, "; "), b
}

// signalOptions are the names of the options of signals, which each code has of
// its own (RFC 8323 section 5.2).
var signalOptions = map[coap.Code]map[coap.Option]string{
	coap.CodeCSM:     {coap.OptMaxMessageSize: "Max-Message-Size", coap.OptBlockWiseTransfer: "Block-Wise-Transfer", coap.OptExtendedTokenLength: "Extended-Token-Length"},
	coap.CodePing:    {coap.OptCustody: "Custody"},
	coap.CodePong:    {coap.OptCustody: "Custody"},
	coap.CodeRelease: {coap.OptAlternativeAddress: "Alternative-Address", coap.OptHoldOff: "Hold-Off"},
	coap.CodeAbort:   {coap.OptBadCSMOption: "Bad-CSM-Option"},
}

// messageText is a message in one line.
func messageText(m *coap.Message) string {
	s := codeText(m.Code)
	if len(m.Token) > 0 {
		s += " token " + hex.EncodeToString(m.Token[:min(len(m.Token), 16)])
	}
	it := m.Options.Iter()
	for it.Next() {
		if !m.Code.IsSignal() {
			s += ", " + optionText(it.Number, it.Value)
			continue
		}
		name, ok := signalOptions[m.Code][it.Number]
		if !ok {
			name = "option " + strconv.Itoa(int(it.Number))
		}
		s += ", " + name
		switch v, ok := coap.ParseUint(it.Value); {
		case name == "Alternative-Address":
			s += " " + strconv.Quote(string(it.Value))
		case ok && len(it.Value) > 0:
			s += " " + strconv.FormatUint(v, 10)
		}
	}
	switch {
	case len(m.Payload) == 0:
	case len(m.Payload) <= 64 && utf8.Valid(m.Payload):
		s += ", " + strconv.Quote(string(m.Payload))
	default:
		s += ", " + plural(uint64(len(m.Payload)), "byte")
	}
	return s
}

// try runs a case.
func (c *conforming) try(k *conformCase) *trial {
	t := &trial{conformCase: k, c: c}
	t.connect()
	if k.bare {
		k.steps(t)
	} else {
		k.steps(t.hello())
	}
	if t.verdict == undecided {
		t.verdict = passed
	}
	if t.conn != nil {
		t.conn.Close()
	}
	return t
}

// decided reports whether the case is.
func (t *trial) decided() bool { return t.verdict != undecided }

// fail is that the server does not what the section wants.
func (t *trial) fail(format string, args ...any) *trial {
	if t.decided() {
		return t
	}
	t.why = fmt.Sprintf(format, args...)
	t.verdict = failed
	if t.level != must {
		t.verdict = tolerated
	}
	return t
}

// tolerate is that it does what can be defended.
func (t *trial) tolerate(format string, args ...any) *trial {
	if !t.decided() {
		t.why = fmt.Sprintf(format, args...)
		t.verdict = tolerated
	}
	return t
}

// crash is that it does what nobody wants of any server: the case has failed
// whatever its level.
func (t *trial) crash(format string, args ...any) *trial {
	t.fail(format, args...)
	t.verdict = failed
	return t
}

// connect connects, anew if there is a connection.
func (t *trial) connect() *trial {
	if t.decided() {
		return t
	}
	if t.conn != nil {
		t.conn.Close()
	}
	conn, err := t.c.dial()
	if err != nil {
		return t.crash("the server takes no connection: %v", bareDial(err))
	}
	t.conn, t.coming = conn, make(chan arrival, 1024)
	t.first, t.csm, t.theirs, t.half = nil, false, coap.Settings{}, nil
	go t.read(conn, t.coming)
	return t
}

// read reads until the end.
func (t *trial) read(conn net.Conn, coming chan<- arrival) {
	defer close(coming)
	var b []byte
	chunk := make([]byte, 64<<10)
	for {
		m, n, err := coap.ParseTCP(b)
		switch {
		case err != nil:
			t.received(b)
			coming <- arrival{kind: kindGarbled, err: err, wire: b}
			return
		case n > 0:
			t.received(b[:n])
			coming <- arrival{kind: kindMessage, m: m, wire: b[:n:n]}
			b = b[n:]
			continue
		}
		// What was given away is not written over: b grows by append alone.
		n, err = conn.Read(chunk)
		b = append(b[:len(b):len(b)], chunk[:n]...)
		if n > 0 {
			continue
		}
		if len(b) > 0 {
			t.received(b)
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		if errors.Is(err, net.ErrClosed) {
			return // by us
		}
		if err != nil {
			t.trace.add("<", "reset: "+bare(err).Error())
		} else {
			t.trace.add("<", "end")
		}
		coming <- arrival{kind: kindEnd, err: err, wire: b}
		return
	}
}

// hello sends a CSM and awaits that of the server: the beginning of all cases
// that are not about it.
func (t *trial) hello() *trial { return t.send(conformCSM).greeted() }

// greeted awaits the server's CSM, if it is not here yet.
func (t *trial) greeted() *trial {
	for !t.decided() && !t.csm {
		if in := t.any(); in.kind != kindMessage || in.m.Code != coap.CodeCSM {
			t.fail("%v instead of a CSM", in)
		}
	}
	return t
}

// send sends each of some pieces by a write of its own.
func (t *trial) send(pieces ...string) *trial {
	for _, p := range pieces {
		if t.decided() {
			return t
		}
		t.sent(p, "")
		t.write(p)
	}
	return t
}

// sent and received keep what goes either way, for -v.
func (t *trial) sent(p, how string) {
	text, rest := wireText(t.half, []byte(p))
	t.half = rest
	t.trace.add(">", text+how)
}

func (t *trial) received(b []byte) {
	text, _ := wireText(nil, b)
	t.trace.add("<", text)
}

// write is send without a word about it, and reports whether all was taken. That
// the server has closed is seen when something is awaited.
func (t *trial) write(p string) bool {
	t.conn.SetWriteDeadline(time.Now().Add(t.c.timeout))
	_, err := io.WriteString(t.conn, p)
	return err == nil
}

// octets sends a byte at a time, so slowly that each comes alone.
func (t *trial) octets(s string) *trial {
	if t.decided() {
		return t
	}
	t.sent(s, " (byte by byte)")
	for i := range len(s) {
		t.write(s[i : i+1])
		time.Sleep(time.Millisecond)
	}
	return t
}

// next is what comes next, but for what a server may send at any time: empty
// messages, CSMs, Pings, and requests, which are answered.
func (t *trial) next() arrival {
	for {
		if in := t.any(); in.kind != kindMessage || in.m.Code != coap.CodeCSM {
			return in
		}
	}
}

// any is next, with CSMs.
func (t *trial) any() arrival {
	overdue := time.NewTimer(t.c.timeout)
	defer overdue.Stop()
	for {
		var in arrival
		select {
		case got, ok := <-t.coming:
			if in = got; !ok {
				return arrival{kind: kindEnd}
			}
		case <-overdue.C:
			return arrival{kind: kindSilent}
		}
		switch {
		case in.kind != kindMessage:
			return in
		case in.m.Code == coap.CodeEmpty:
			continue // RFC 8323 section 3.4
		}
		if t.first == nil {
			t.first = &in.m
		}
		switch {
		case in.m.Code == coap.CodeCSM:
			t.csm = true
			t.theirs.Update(in.m.Options)
			return in
		case in.m.Code == coap.CodePing:
			t.send(string(coap.AppendPong(nil, in.m.Token, coap.Custody(in.m.Options))))
		case in.m.Code.IsRequest():
			t.send(conformMessage(coap.CodeNotImplemented, string(in.m.Token), "", "")) // RFC 8323 section 3.3
		default:
			return in
		}
	}
}

// pong wants a Pong with a token next.
func (t *trial) pong(token string) *trial {
	if in := t.ponged(); !t.decided() && string(in.Token) != token {
		t.fail("a Pong with the token %q instead of %q", in.Token, token)
	}
	return t
}

// ponged wants a Pong next, whatever its token.
func (t *trial) ponged() coap.Message {
	if t.decided() {
		return coap.Message{}
	}
	in := t.next()
	if in.kind != kindMessage || in.m.Code != coap.CodePong {
		t.fail("%v instead of a Pong", in)
	}
	return in.m
}

// ask sends a GET with a token of its own, and wants an answer.
func (t *trial) ask() *trial {
	if t.decided() {
		return t
	}
	t.asked++
	token := "ask" + strconv.Itoa(t.asked)
	t.send(t.get(token)).answered(token)
	return t
}

// get is a GET of what the URI names.
func (t *trial) get(token string) string { return t.request(coap.CodeGET, token, "") }

// request is a request for what the URI names, with further options behind
// those of the URI, whose numbers count from that of the last: none above
// Uri-Query.
func (t *trial) request(c coap.Code, token string, more string) string {
	return conformMessage(c, token, t.uriOptions()+more, "")
}

// uriOptions are the options of the URI.
func (t *trial) uriOptions() string {
	o, err := t.c.uri.AppendOptions(nil)
	if err != nil {
		t.crash("%v", err)
	}
	return string(o)
}

// with is a request for what the URI names with one more option.
func (t *trial) with(c coap.Code, token string, n coap.Option, value string) string {
	return conformMessage(c, token, string(coap.InsertOption([]byte(t.uriOptions()), n, []byte(value))), "")
}

// answered wants an answer with a token next, whatever it says.
func (t *trial) answered(token string) (m coap.Message) {
	if t.decided() {
		return m
	}
	in := t.next()
	switch {
	case in.kind != kindMessage || !in.m.Code.IsResponse():
		t.fail("%v instead of an answer", in)
	case string(in.m.Token) != token:
		t.fail("an answer with the token %q instead of %q", in.m.Token, token)
	}
	return in.m
}

// answer wants an answer with a code next.
func (t *trial) answer(token string, code coap.Code) *trial {
	if m := t.answered(token); !t.decided() && m.Code != code {
		t.fail("%v instead of %v", codeText(m.Code), codeText(code))
	}
	return t
}

// alive wants the connection to go on: a Ping is answered by a Pong, and by
// nothing before it. That the Pong has the token is for cases of their own.
func (t *trial) alive() *trial {
	t.send(conformPing("alive")).ponged()
	return t
}

// aborted wants an Abort next, and the end behind it (RFC 8323 section 5.6).
func (t *trial) aborted() coap.Message {
	if t.decided() {
		return coap.Message{}
	}
	in := t.next()
	switch {
	case in.kind == kindEnd:
		t.fail("%v without an Abort", in)
	case in.kind == kindSilent:
		// Whether the connection goes on says more.
		if t.send(conformPing("alive?")); t.next().kind == kindMessage {
			t.fail("no Abort: the connection goes on")
		} else {
			t.fail("no Abort: the server says nothing more")
		}
	case in.kind != kindMessage || in.m.Code != coap.CodeAbort:
		t.fail("%v instead of an Abort", in)
	default:
		if end := t.next(); end.kind != kindEnd {
			t.fail("%v behind an Abort, instead of the end", end)
		}
	}
	return in.m
}

// abort is aborted, whatever the Abort says.
func (t *trial) abort() *trial {
	t.aborted()
	return t
}

// outcome is what comes of something that may be rejected or ignored: an Abort,
// or a Pong to a Ping that is sent behind it.
func (t *trial) outcome() arrival {
	t.send(conformPing("alive"))
	in := t.next()
	if in.kind == kindMessage && in.m.Code == coap.CodeAbort {
		if end := t.next(); end.kind != kindEnd {
			t.fail("%v behind an Abort, instead of the end", end)
		}
	}
	return in
}

// abortOr wants an Abort for what was sent, and tolerates that it is ignored.
func (t *trial) abortOr(ignored string) *trial {
	if t.decided() {
		return t
	}
	switch in := t.outcome(); {
	case in.kind == kindMessage && in.m.Code == coap.CodeAbort:
	case in.kind == kindMessage && in.m.Code == coap.CodePong:
		t.tolerate("%s", ignored)
	case in.kind == kindEnd:
		t.fail("%v without an Abort", in)
	default:
		t.fail("%v instead of an Abort", in)
	}
	return t
}

// closed wants the server to close, and nothing before that.
func (t *trial) closed() *trial {
	if t.decided() {
		return t
	}
	switch in := t.next(); in.kind {
	case kindEnd:
	case kindSilent:
		t.fail("the connection is not closed")
	default:
		t.fail("%v instead of the end of the connection", in)
	}
	return t
}

// finish says that no more is sent.
func (t *trial) finish() *trial {
	if c, ok := t.conn.(interface{ CloseWrite() error }); ok && !t.decided() {
		t.trace.add(">", "end")
		c.CloseWrite()
	}
	return t
}

// reset resets the connection.
func (t *trial) reset() *trial {
	if t.decided() {
		return t
	}
	t.trace.add(">", "reset")
	c := t.conn
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
	t.conn.Close()
	return t
}

// again wants the server to serve on, on another connection.
func (t *trial) again() *trial {
	if t.decided() {
		return t
	}
	t.trace.add("=", "another connection")
	return t.connect().hello().ask()
}

// pause waits for as long as somebody takes who is not in a hurry.
func (t *trial) pause() { time.Sleep(min(t.c.timeout/4, 300*time.Millisecond)) }

// pauseShort waits until what was sent is likely to have been read.
func (t *trial) pauseShort() {
	if !t.decided() {
		time.Sleep(2 * time.Millisecond)
	}
}

// withoutCSM wants an Abort for what was sent instead of a CSM, and tolerates an
// answer or a Pong, as if there had been one of no option.
func (t *trial) withoutCSM(token string) *trial {
	if t.decided() {
		return t
	}
	in := t.next()
	switch {
	case in.kind == kindMessage && in.m.Code == coap.CodeAbort:
		if end := t.next(); end.kind != kindEnd {
			t.fail("%v behind an Abort, instead of the end", end)
		}
	case in.kind == kindMessage && string(in.m.Token) == token:
		t.tolerate("it is answered, as if there had been a CSM of no option")
	case in.kind == kindEnd:
		t.fail("%v without an Abort", in)
	case in.kind == kindSilent:
		t.fail("neither an Abort nor an answer")
	default:
		t.fail("%v instead of an Abort", in)
	}
	return t
}

// closedOrAborted wants the end, with an Abort or without.
func (t *trial) closedOrAborted() *trial {
	if t.decided() {
		return t
	}
	in := t.next()
	if in.kind == kindMessage && in.m.Code == coap.CodeAbort {
		in = t.next()
	}
	if in.kind != kindEnd {
		t.fail("%v instead of the end of the connection", in)
	}
	return t
}

// ignoredOrAborted wants one of the two, of which no section says which.
func (t *trial) ignoredOrAborted() *trial {
	if t.decided() {
		return t
	}
	switch in := t.outcome(); {
	case in.kind == kindMessage && (in.m.Code == coap.CodeAbort || in.m.Code == coap.CodePong):
	case in.kind == kindEnd:
		t.fail("%v without an Abort", in)
	default:
		t.fail("%v, where it is to be ignored or to be answered by an Abort", in)
	}
	return t
}

// badSetting sends a CSM with an option that cannot be processed. Whether that
// is an invalid CSM (RFC 8323 section 3.3) or an elective option to be ignored
// (RFC 7252 section 5.4.3) can be read either way.
func badSetting(n int, value string) func(t *trial) {
	return func(t *trial) {
		if t.decided() {
			return
		}
		t.send(csmOf(n, value))
		switch in := t.outcome(); {
		case in.kind == kindMessage && in.m.Code == coap.CodeAbort:
			if bad := coap.ParseAbort(in.m.Options); !t.decided() && int(bad) != n {
				t.tolerate("an Abort that does not name option %d as Bad-CSM-Option: %s", n, messageText(&in.m))
			}
		case in.kind == kindMessage && in.m.Code == coap.CodePong:
			t.tolerate("the option is ignored")
		case in.kind == kindEnd:
			t.fail("%v without an Abort", in)
		default:
			t.fail("%v instead of an Abort", in)
		}
	}
}

// checkTheirCSM looks at the options of the server's CSM.
func checkTheirCSM(t *trial) {
	if t.decided() {
		return
	}
	var s coap.Settings
	if bad, err := s.Update(t.first.Options); err != nil {
		t.fail("option %d: %v", bad, err)
	}
	it := t.first.Options.Iter()
	for it.Next() {
		v, _ := coap.ParseUint(it.Value)
		if it.Number == coap.OptExtendedTokenLength && (v < coap.MaxToken || v > coap.MaxExtendedToken) {
			t.fail("Extended-Token-Length %d, which must be 8 to 65804", v) // RFC 8974 section 2.2.1
		}
	}
}

// answeredWithout wants an answer with a token next, with another code than one.
func (t *trial) answeredWithout(code coap.Code, token string) *trial {
	if m := t.answered(token); !t.decided() && m.Code == code {
		t.fail("%v", codeText(code))
	}
	return t
}

// answeredAll wants answers with tokens of a letter and a number, each once, in
// any order.
func (t *trial) answeredAll(letter string, n int) *trial {
	seen := map[string]bool{}
	for len(seen) < n && !t.decided() {
		in := t.next()
		s := string(in.m.Token)
		switch {
		case in.kind != kindMessage || !in.m.Code.IsResponse():
			t.fail("%v behind %s", in, plural(uint64(len(seen)), "answer"))
		case !strings.HasPrefix(s, letter) || len(s) != len(letter)+1:
			t.fail("an answer with the token %q, which no request has", s)
		case seen[s]:
			t.fail("two answers with the token %q", s)
		}
		seen[s] = true
	}
	return t
}

// answeredWithin asks, and wants an answer in a message of so many bytes at
// most.
func (t *trial) answeredWithin(most int) *trial {
	if t.decided() {
		return t
	}
	t.send(t.get("w"))
	in := t.next()
	switch {
	case in.kind != kindMessage:
		t.fail("%v instead of an answer", in)
	case len(in.wire) > most:
		t.fail("%v in %d bytes, where %d are the most", in, len(in.wire), most)
	case !in.m.Code.IsResponse():
		t.fail("%v instead of an answer", in)
	}
	return t
}

// padded is a GET in a message of so many bytes, most of them a payload, which
// means nothing in a GET. Any answer to it does.
func (t *trial) padded(token, options string, size int) string {
	n := size
	for n > 0 && coap.SizeTCP(coap.Message{Token: []byte(token), Options: coap.Options(options), Payload: make([]byte, n)}) > uint64(size) {
		n--
	}
	s := conformMessage(coap.CodeGET, token, options, strings.Repeat("0", n))
	if len(s) != size {
		t.crash("there is no request of %d bytes with the options of the URI", size)
	}
	return s
}

// sized asks by a message of so many bytes behind its token, if the server takes
// one as long.
func (t *trial) sized(token string, n int) *trial {
	if t.decided() {
		return t
	}
	size := coap.Header{TokenLength: len(token), Length: uint64(n)}.Size()
	if size > uint64(t.theirs.Message()) {
		return t.alive()
	}
	t.send(t.padded(token, "", int(size))).answered(token)
	return t
}

// tooLong sends a message that is longer than the server takes, as far as it
// wants to read it, and wants an Abort.
func (t *trial) tooLong(size uint64) *trial {
	if t.decided() {
		return t
	}
	if size > 1<<32 {
		t.tolerate("the server takes messages of 4 GB")
		return t
	}
	const most = 32 << 20
	rest := size
	for (coap.Header{TokenLength: 1, Length: rest}).Size() > size {
		rest--
	}
	head := string(coap.AppendTCPHeader(nil, coap.CodePOST, []byte("x"), int(rest))) + t.uriOptions() + "\xff"
	t.sent(head, "")
	t.write(head)
	sent := uint64(len(head))
	zeros := strings.Repeat("0", 64<<10)
	for sent < min(size, most) && len(t.coming) == 0 {
		p := zeros[:min(uint64(len(zeros)), size-sent)]
		if !t.write(p) {
			break
		}
		sent += uint64(len(p))
	}
	t.trace.add(">", fmt.Sprintf("... (%d bytes in all)", sent))
	in := t.next()
	// No section says what such a request is answered with, before the Abort or
	// instead of it. RFC 7252 section 5.9.2.9 has a code for it.
	if in.kind == kindMessage && in.m.Code == coap.CodeRequestEntityTooLarge && string(in.m.Token) == "x" {
		return t
	}
	switch {
	case in.kind == kindMessage && in.m.Code == coap.CodeAbort:
	case in.kind == kindEnd:
		t.fail("%v without an Abort", in)
	default:
		t.fail("%v instead of an Abort, or of 4.13", in)
	}
	return t
}
