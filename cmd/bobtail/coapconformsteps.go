package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bobtail-go/bobtail/coap"
)

// The steps of the cases: what is asked, and what must come.

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
func (t *trial) get(token string) string {
	return conformMessage(coap.CodeGET, token, t.uriOptions(), "")
}

// gets is so many of them, each with a token of its own.
func (t *trial) gets(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(t.get(manyToken(i)))
	}
	return b.String()
}

func manyToken(i int) string { return string([]byte{'x', byte(i >> 8), byte(i)}) }

// uriOptions are the options of the URI.
func (t *trial) uriOptions() string {
	o, _ := t.c.uri.AppendOptions(nil) // checked by setURI
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

// again wants the server to serve on, on another connection.
func (t *trial) again() *trial {
	if t.decided() {
		return t
	}
	t.trace.add("=", "another connection")
	return t.connect().hello().ask()
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

// answeredAll wants an answer to each of the requests of gets, once, in any
// order.
func (t *trial) answeredAll(n int) *trial {
	seen := map[string]bool{}
	for len(seen) < n && !t.decided() {
		in := t.next()
		s := string(in.m.Token)
		switch {
		case in.kind != kindMessage || !in.m.Code.IsResponse():
			t.fail("%v behind %s", in, plural(uint64(len(seen)), "answer"))
		case len(s) != 3 || s > manyToken(n-1) || s < manyToken(0):
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
