package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/bobtail-go/bobtail/coap"
)

// conformCase is a rule of RFC 8323, or of one that it stands on, and how it is
// tried.
type conformCase struct {
	name    string
	section string // where the rule is
	level   level
	bare    bool // the steps begin behind the connection; else our CSM is sent, and the server's is here
	steps   func(t *trial)
}

// What is sent in many cases.
const (
	conformCSM   = "\x00\xe1"
	conformEmpty = "\x00\x00"
)

// conformMessage is a whole message.
func conformMessage(c coap.Code, token, options, payload string) string {
	return string(coap.AppendTCP(nil, coap.Message{Code: c, Token: []byte(token), Options: coap.Options(options), Payload: []byte(payload)}))
}

func conformPing(token string) string { return string(coap.AppendPing(nil, []byte(token), false)) }

// optionsOf is options with values, in the order of their numbers.
func optionsOf(pairs ...any) string {
	var b []byte
	prev := coap.Option(0)
	for i := 0; i < len(pairs); i += 2 {
		n := coap.Option(pairs[i].(int))
		b = coap.AppendOption(b, prev, n, []byte(pairs[i+1].(string)))
		prev = n
	}
	return string(b)
}

func csmOf(pairs ...any) string { return conformMessage(coap.CodeCSM, "", optionsOf(pairs...), "") }

// Options that nobody has registered, of either kind.
const (
	strangeElective = 65000
	strangeCritical = 65001
)

// conformCases are the cases, in the order of RFC 8323.
func conformCases() []conformCase {
	const (
		s33   = "RFC 8323 3.3"
		s34   = "RFC 8323 3.4"
		s52   = "RFC 8323 5.2"
		s53   = "RFC 8323 5.3"
		s531  = "RFC 8323 5.3.1"
		s532  = "RFC 8323 5.3.2"
		s54   = "RFC 8323 5.4"
		s541  = "RFC 8323 5.4.1"
		s55   = "RFC 8323 5.5"
		s56   = "RFC 8323 5.6"
		token = "RFC 8974 2.2.1"
	)
	cases := []conformCase{
		{"CSM: the first message of the server", s33, must, true, func(t *trial) {
			if t.send(conformCSM).greeted(); !t.decided() && t.first.Code != coap.CodeCSM {
				t.fail("%v is the first message", codeText(t.first.Code))
			}
		}},
		{"CSM: not held back until ours is there", s33, may, true, func(t *trial) { t.greeted() }},
		{"CSM: options as they are defined", s53, must, false, checkTheirCSM},
		{"CSM: a request behind ours, before the server's", s33, must, true, func(t *trial) { t.send(conformCSM + t.get("x")).answered("x") }},
		{"CSM: byte by byte", s53, must, true, func(t *trial) { t.octets(csmOf(2, "\x20\x00", 4, "")).greeted().ask() }},
		{"CSM: with every option", s53, must, true, func(t *trial) { t.send(csmOf(2, "\x20\x00", 4, "", 6, "\x40")).greeted().ask() }},
		{"CSM: after a while", s33, should, true, func(t *trial) {
			t.pause()
			t.send(conformCSM).greeted().ask()
		}},
		{"CSM: none before a request", s33, must, true, func(t *trial) { t.send(t.get("x")).withoutCSM("x") }},
		{"CSM: none before a Ping", s33, must, true, func(t *trial) { t.send(conformPing("x")).withoutCSM("x") }},
		{"CSM: none before a Release", s33, may, true, func(t *trial) {
			t.send(conformMessage(coap.CodeRelease, "", "", "")).closedOrAborted()
		}},
		{"CSM: late, behind a request", s33, must, true, func(t *trial) {
			t.send(t.get("x")).withoutCSM("x")
			if t.verdict == tolerated { // what follows is served too
				why := t.why
				t.verdict, t.why = undecided, ""
				if t.send(conformCSM).ask(); !t.decided() {
					t.tolerate("%s", why)
				}
			}
		}},
		{"CSM: empty messages before it", s34, should, true, func(t *trial) { t.send(conformEmpty + conformEmpty + conformCSM).greeted().ask() }},
		{"CSM: a second one, of no option", s53, must, false, func(t *trial) { t.ask().send(conformCSM).ask() }},
		{"CSM: many of them between requests", s53, must, false, func(t *trial) {
			for i := range 8 {
				t.send(csmOf(2, string([]byte{0x10, byte(i)}))).ask()
			}
		}},
		{"CSM: a token", s53, should, true, func(t *trial) { t.send(conformMessage(coap.CodeCSM, "token", "", "")).greeted().ask() }},
		{"CSM: a diagnostic payload", "RFC 8323 5.1", should, true, func(t *trial) { t.send(conformMessage(coap.CodeCSM, "", "", "hello")).greeted().ask() }},
		{"CSM: an unknown elective option", s52, must, true, func(t *trial) {
			t.send(csmOf(2, "\x20\x00", 8, "what", strangeElective, "is this")).greeted().ask()
		}},
		{"CSM: an unknown critical option", s52, must, true, func(t *trial) { t.send(csmOf(strangeCritical, "?")).abort() }},
		{"CSM: an unknown critical option of number 1", s52, must, true, func(t *trial) { t.send(csmOf(1, "?")).abort() }},
		{"CSM: an unknown critical option behind known ones", s52, must, true, func(t *trial) { t.send(csmOf(2, "\x20\x00", 4, "", 7, "")).abort() }},
		{"CSM: an unknown critical option in a later one", s52, must, false, func(t *trial) { t.ask().send(csmOf(9, "?")).abort() }},
		{"CSM: Bad-CSM-Option for an unknown critical option", s56, should, false, func(t *trial) {
			t.send(csmOf(2, "\x20\x00", 301, "?"))
			if m := t.aborted(); !t.decided() && coap.ParseAbort(m.Options) != 301 {
				t.fail("an Abort that does not name option 301 as Bad-CSM-Option: %s", messageText(&m))
			}
		}},
		{"CSM: a diagnostic in the Abort", s56, should, false, func(t *trial) {
			t.send(csmOf(strangeCritical, "?"))
			switch m := t.aborted(); {
			case t.decided():
			case len(m.Payload) == 0:
				t.fail("an Abort without a diagnostic")
			case !utf8.Valid(m.Payload):
				t.fail("a diagnostic that is not UTF-8: %q", m.Payload)
			}
		}},
		{"CSM: nothing behind the Abort is answered", s56, should, false, func(t *trial) { t.send(csmOf(strangeCritical, "?") + t.get("x") + conformPing("y")).abort() }},
		{"CSM: a known option twice", "RFC 7252 5.4.5", must, false, func(t *trial) { t.send(csmOf(2, "\x20\x00", 2, "\x30\x00", 4, "", 4, "")).ask() }},
		{"Max-Message-Size: five bytes", s531, should, false, badSetting(2, "\x00\x00\x00\x20\x00")},
		{"Max-Message-Size: 0, in which nothing fits", s531, may, false, badSetting(2, "")},
		{"Max-Message-Size: leading zeros", "RFC 7252 3.2", must, false, func(t *trial) { t.send(csmOf(2, "\x00\x00\x20\x00")).ask() }},
		{"Max-Message-Size: the greatest", s531, must, false, func(t *trial) { t.send(csmOf(2, "\xff\xff\xff\xff", 4, "")).ask() }},
		{"Max-Message-Size: ours, before the first request", s531, must, true, func(t *trial) {
			t.send(csmOf(2, "\x40", 4, "")).greeted().answeredWithin(64)
		}},
		{"Max-Message-Size: ours, made less between requests", s531, must, false, func(t *trial) { t.ask().send(csmOf(2, "\x40", 4, "")).answeredWithin(64) }},
		{"Max-Message-Size: ours, without Block-Wise-Transfer", s531, must, true, func(t *trial) { t.send(csmOf(2, "\x40")).greeted().answeredWithin(64) }},
		{"Max-Message-Size: a message as long as the server's", s531, must, false, func(t *trial) {
			t.send(t.padded("x", t.uriOptions(), int(min(t.theirs.Message(), 1<<20)))).answered("x")
		}},
		{"Max-Message-Size: a message of 1152 bytes", s531, must, false, func(t *trial) {
			if t.theirs.Message() < coap.BaseMessage {
				t.tolerate("the server takes %d bytes only", t.theirs.Message())
				return
			}
			t.send(t.padded("x", t.uriOptions(), coap.BaseMessage)).answered("x")
		}},
		{"Max-Message-Size: a longer message than the server's", s531, should, false, func(t *trial) { t.tooLong(uint64(t.theirs.Message()) + 1) }},
		{"Max-Message-Size: a message of 4 GB", s531, should, false, func(t *trial) { t.tooLong(1 << 32) }},
		{"Block-Wise-Transfer: a value", s532, should, false, badSetting(4, "x")},
		{"Extended-Token-Length: four bytes", token, should, false, badSetting(6, "\x00\x00\x00\x20")},
		{"Extended-Token-Length: less than 8 is ignored", token, must, false, func(t *trial) { t.send(csmOf(6, "\x02")).ask().send(csmOf(6, "")).ask() }},
		{"Extended-Token-Length: more than 65804 is that", token, must, false, func(t *trial) { t.send(csmOf(6, "\xff\xff\xff")).ask() }},
		{"Extended-Token-Length: a token as long as the server's", token, must, false, func(t *trial) {
			for _, n := range []int{9, 12, 13, 14, 268, 269, 270, int(t.theirs.Token())} {
				if uint32(n) <= t.theirs.Token() && n > coap.MaxToken {
					s := strings.Repeat("t", n)
					t.send(t.get(s)).answered(s)
				}
			}
			if !t.decided() && t.theirs.Token() == coap.MaxToken {
				t.alive()
			}
		}},
		{"Extended-Token-Length: a longer token than the server's", token, must, false, func(t *trial) {
			if n := int(t.theirs.Token()) + 1; n <= coap.MaxExtendedToken {
				t.send(t.get(strings.Repeat("t", n))).abort()
			}
		}},
	}

	for n := range coap.MaxToken + 1 {
		s := "12345678"[:n]
		cases = append(cases, conformCase{fmt.Sprintf("Ping: a token of %d bytes", n), s54, must, false, func(t *trial) { t.send(conformPing(s)).pong(s) }})
	}
	cases = append(cases, []conformCase{
		{"Ping: a token of zeros", s54, must, false, func(t *trial) { t.send(conformPing("\x00\x00\x00")).pong("\x00\x00\x00") }},
		{"Ping: byte by byte", s54, must, false, func(t *trial) { t.octets(conformPing("12345678")).pong("12345678") }},
		{"Ping: 64 in one segment, in their order", s54, must, false, func(t *trial) {
			var all string
			for i := range 64 {
				all += conformPing(string([]byte{'p', byte(i)}))
			}
			t.send(all)
			for i := range 64 {
				t.pong(string([]byte{'p', byte(i)}))
			}
		}},
		{"Ping: while a request is under way", s54, should, false, func(t *trial) {
			// In which order the two are answered is not said.
			t.send(t.get("x") + conformPing("y"))
			for range 2 {
				switch in := t.next(); {
				case in.kind == kindMessage && in.m.Code == coap.CodePong:
				case in.kind == kindMessage && in.m.Code.IsResponse() && string(in.m.Token) == "x":
				default:
					t.fail("%v instead of a Pong or an answer", in)
				}
			}
		}},
		{"Ping: a payload", s54, should, false, func(t *trial) { t.send(conformMessage(coap.CodePing, "x", "", "hello")).ponged() }},
		{"Ping: an unknown elective option", s54, must, false, func(t *trial) {
			t.send(conformMessage(coap.CodePing, "x", optionsOf(strangeElective, "?"), "")).ponged()
		}},
		{"Ping: an unknown critical option", s52, must, false, func(t *trial) {
			t.send(conformMessage(coap.CodePing, "x", optionsOf(strangeCritical, "?"), "")).abort()
		}},
		{"Ping: options of a CSM's numbers, which mean nothing here", s52, must, false, func(t *trial) {
			t.send(conformMessage(coap.CodePing, "x", optionsOf(4, "value", 6, "four"), "")).ponged()
		}},
		{"Ping: a critical option of a request's number", s52, must, false, func(t *trial) {
			t.send(conformMessage(coap.CodePing, "x", optionsOf(int(coap.OptURIPath), "path"), "")).abort()
		}},
		{"Custody: a Pong at all", s541, must, false, func(t *trial) { t.send(string(coap.AppendPing(nil, []byte("x"), true))).ponged() }},
		{"Custody: the token of the Pong", s54, must, false, func(t *trial) { t.send(string(coap.AppendPing(nil, []byte("x"), true))).pong("x") }},
		{"Custody: in the Pong", s541, should, false, func(t *trial) {
			if m := t.send(string(coap.AppendPing(nil, []byte("x"), true))).ponged(); !coap.Custody(m.Options) {
				t.fail("a Pong without Custody")
			}
		}},
		{"Custody: behind the answers to all requests before", s541, should, false, func(t *trial) {
			t.send(t.gets(8) + string(coap.AppendPing(nil, []byte("p"), true)))
			t.answeredAll(8).ponged()
		}},
		{"Custody: a value", "RFC 7252 5.4.3", must, false, func(t *trial) {
			t.send(conformMessage(coap.CodePing, "x", optionsOf(2, "?"), "")).ponged()
		}},
		{"Pong: unasked for", s54, should, false, func(t *trial) { t.send(string(coap.AppendPong(nil, []byte("x"), false))).alive() }},
		{"Pong: an unknown elective option", s54, must, false, func(t *trial) {
			t.send(conformMessage(coap.CodePong, "x", optionsOf(strangeElective, "?"), "")).alive()
		}},
		{"Pong: an unknown critical option", s52, must, false, func(t *trial) {
			t.send(conformMessage(coap.CodePong, "x", optionsOf(strangeCritical, "?"), "")).abort()
		}},
		{"Empty message: ignored", s34, must, false, func(t *trial) { t.send(conformEmpty).ask() }},
		{"Empty message: a hundred in one segment", s34, must, false, func(t *trial) { t.send(strings.Repeat(conformEmpty, 100) + t.get("x")).answered("x") }},
		{"Empty message: between the bytes of others", s34, must, false, func(t *trial) { t.octets(conformEmpty + t.get("x") + conformEmpty).answered("x"); t.alive() }},
		{"Empty message: a token", s34, may, false, func(t *trial) { t.send("\x01\x00x").ignoredOrAborted() }},

		{"Release: the connection is closed", s55, should, false, func(t *trial) { t.ask().send(conformMessage(coap.CodeRelease, "", "", "")).closed() }},
		{"Release: what was asked before is answered", s55, should, false, func(t *trial) {
			t.send(t.gets(8) + conformMessage(coap.CodeRelease, "", "", "")).answeredAll(8)
			t.closed()
		}},
		{"Release: byte by byte", s55, should, false, func(t *trial) { t.octets(string(coap.AppendRelease(nil, "a.test", 9))).closed() }},
		{"Release: Hold-Off", s55, should, false, func(t *trial) { t.send(string(coap.AppendRelease(nil, "", 60))).closed() }},
		{"Release: Alternative-Address", s55, should, false, func(t *trial) { t.send(string(coap.AppendRelease(nil, "other.test:5683", 0))).closed() }},
		{"Release: three addresses and Hold-Off", s55, should, false, func(t *trial) {
			t.send(conformMessage(coap.CodeRelease, "", optionsOf(2, "a.test", 2, "b.test:1", 2, "[::1]", 4, "\x01\x00"), "")).closed()
		}},
		{"Release: a diagnostic payload", s55, should, false, func(t *trial) { t.send(conformMessage(coap.CodeRelease, "", "", "enough")).closed() }},
		{"Release: an unknown elective option", s52, should, false, func(t *trial) {
			t.send(conformMessage(coap.CodeRelease, "", optionsOf(strangeElective, "?"), "")).closed()
		}},
		{"Release: an unknown critical option", s52, must, false, func(t *trial) {
			t.send(conformMessage(coap.CodeRelease, "", optionsOf(strangeCritical, "?"), "")).abort()
		}},
		{"Release: a request behind it", s55, may, false, func(t *trial) {
			t.send(conformMessage(coap.CodeRelease, "", "", "") + t.get("x"))
			if in := t.next(); in.kind == kindMessage && in.m.Code.IsResponse() {
				t.closed()
			} else if in.kind != kindEnd {
				t.fail("%v instead of the end of the connection", in)
			}
		}},
		{"Abort: the connection is closed", s56, should, false, func(t *trial) { t.ask().send(conformMessage(coap.CodeAbort, "", "", "")).closed() }},
		{"Abort: Bad-CSM-Option and a diagnostic", s56, should, false, func(t *trial) { t.send(string(coap.AppendAbort(nil, 2, "no"))).closed() }},
		{"Abort: an unknown critical option", s56, should, false, func(t *trial) {
			t.send(conformMessage(coap.CodeAbort, "", optionsOf(strangeCritical, "?"), "")).closedOrAborted()
		}},
		{"Abort: what follows is not processed", s56, should, false, func(t *trial) {
			t.send(conformMessage(coap.CodeAbort, "", "", "") + t.get("x") + conformPing("y")).closed()
		}},
		{"Abort: before the CSM", s56, should, true, func(t *trial) { t.send(conformMessage(coap.CodeAbort, "", "", "")).closed() }},

		{"Signal 7.00", "RFC 8323 5.1", may, false, func(t *trial) { t.send("\x00\xe0").ignoredOrAborted() }},
		{"Signal 7.06", "RFC 8323 5.1", may, false, func(t *trial) { t.send("\x01\xe6x").ignoredOrAborted() }},
		{"Signal 7.31", "RFC 8323 5.1", may, false, func(t *trial) { t.send("\x00\xff").ignoredOrAborted() }},
	}...)
	return append(append(cases, framingCases()...), requestCases()...)
}

// framingCases are those of messages in a stream.
func framingCases() []conformCase {
	const (
		s32    = "RFC 8323 3.2"
		s56    = "RFC 8323 5.6"
		syntax = "RFC 7252 3.1"
	)
	// broken is a message that is to be rejected (RFC 8323 section 5.6).
	broken := func(name, section, wire string) conformCase {
		return conformCase{"Message: " + name, section, must, false, func(t *trial) { t.ask().send(wire).abort() }}
	}
	return []conformCase{
		{"Stream: two messages in one segment", s32, must, false, func(t *trial) { t.send(t.gets(2)).answeredAll(2) }},
		{"Stream: a message byte by byte", s32, must, false, func(t *trial) { t.octets(t.get("12345678")).answered("12345678") }},
		{"Stream: a message cut at each of its bytes", s32, must, false, func(t *trial) {
			whole := t.get("cut")
			for i := 1; i < len(whole) && !t.decided(); i++ {
				t.send(whole[:i])
				t.pauseShort()
				t.send(whole[i:]).answered("cut")
			}
		}},
		{"Stream: the end of one message and the beginning of the next together", s32, must, false, func(t *trial) {
			a, b := t.get(manyToken(0)), t.get(manyToken(1))
			t.send(a[:1])
			t.pauseShort()
			t.send(a[1:] + b[:1])
			t.pauseShort()
			t.send(b[1:]).answeredAll(2)
		}},
		{"Stream: 64 requests at once", "RFC 8323 3.3", must, false, func(t *trial) {
			t.send(t.gets(64)).answeredAll(64)
			t.alive()
		}},
		{"Stream: requests until nothing more is taken, and then their answers", "RFC 8323 3.3", must, false, func(t *trial) {
			t.answeredAll(t.unread(40000)).alive()
		}},
		{"Stream: two requests of one token", "RFC 8323 3.3", may, false, func(t *trial) {
			t.send(t.get("same") + t.get("same")).answered("same")
			t.answered("same")
		}},
		{"Length: 13 and 268, which have a byte of their own", s32, must, false, func(t *trial) { t.sized("x", 13).sized("y", 268) }},
		{"Length: 269 and 1000, which have two bytes", s32, must, false, func(t *trial) { t.sized("x", 269).sized("y", 1000) }},
		{"Length: 65805, which has four bytes", s32, must, false, func(t *trial) { t.sized("x", 65805) }},
		broken("a token length of 15", "RFC 8974 2.1", "\x0f\x01\x00\x00\x00"),
		broken("an option delta of 15", syntax, "\x21\x01x\xf1y"),
		broken("an option length of 15", syntax, "\x21\x01x\x1fy"),
		broken("a payload marker without a payload", "RFC 7252 3", "\x11\x01x\xff"),
		broken("an option that goes on behind the end", syntax, "\x31\x01x\xb5ab"),
		broken("an extended delta that goes on behind the end", syntax, "\x11\x01x\xd0"),
		broken("an extended length that goes on behind the end", syntax, "\x21\x01x\x0e\x01"),
		broken("a Ping that is malformed", s56, "\x11\xe2x\xff"),
		broken("a response that is malformed", s56, "\x11\x45x\xff"),
		{"Message: an option of a number above 65535", "RFC 7252 12.2", should, false, func(t *trial) {
			t.send("\x71\x01x\xe0\xff\xff\xe0\xff\xff\x00").abort()
		}},
		{"Message: a code of class 1", "RFC 7252 4.2", should, false, func(t *trial) { t.send("\x01\x21x").abortOr("the message is ignored") }},
		{"Message: a code of class 6", "RFC 7252 4.2", should, false, func(t *trial) { t.send("\x01\xc1x").abortOr("the message is ignored") }},
		{"End: within a message", s32, must, false, func(t *trial) { t.send(t.get("x")[:4]).finish().closedOrAborted().again() }},
		{"End: within a header", s32, must, false, func(t *trial) { t.send("\xd1").finish().closedOrAborted().again() }},
		{"End: behind a request, which is answered still", "RFC 9293 3.6", may, false, func(t *trial) { t.send(t.get("x")).finish().answered("x"); t.closed() }},
		{"End: behind the CSM", "RFC 8323 3.4", should, false, func(t *trial) { t.finish().closed() }},
		{"End: before the CSM", "RFC 8323 3.4", must, true, func(t *trial) { t.finish().closedOrAborted().again() }},
		{"Reset: within a message", "RFC 8323 3.4", must, false, func(t *trial) { t.send(t.get("x")[:4]).reset().again() }},
		{"Reset: behind requests", "RFC 8323 3.4", must, false, func(t *trial) { t.send(strings.Repeat(t.get("x"), 64)).reset().again() }},
		{"Reset: before the CSM", "RFC 8323 3.4", must, true, func(t *trial) { t.reset().again() }},
	}
}

// requestCases are those of what is asked.
func requestCases() []conformCase {
	const (
		s33      = "RFC 8323 3.3"
		critical = "RFC 7252 5.4.1"
	)
	var cases []conformCase
	for n := range coap.MaxToken + 1 {
		s := "87654321"[:n]
		cases = append(cases, conformCase{fmt.Sprintf("Request: a token of %d bytes", n), "RFC 7252 5.3.1", must, false, func(t *trial) { t.send(t.get(s)).answered(s) }})
	}
	for _, c := range []coap.Code{coap.CodeContent, coap.CodeNotFound, coap.CodeInternalServerError, 3 << 5} {
		cases = append(cases, conformCase{"Response to nothing: " + c.String(), s33, should, false, func(t *trial) { t.send(conformMessage(c, "x", "", "hello")).ask() }})
	}
	return append(cases, []conformCase{
		{"Request: an unknown elective option", critical, must, false, func(t *trial) {
			t.send(t.with(coap.CodeGET, "x", strangeElective, "?")).answeredWithout(coap.CodeBadOption, "x")
		}},
		{"Request: an unknown critical option", critical, must, false, func(t *trial) {
			t.send(t.with(coap.CodeGET, "x", strangeCritical, "?")).answer("x", coap.CodeBadOption).ask()
		}},
		{"Request: a critical option of a wrong length", "RFC 7252 5.4.3", must, false, func(t *trial) {
			t.send(t.with(coap.CodeGET, "x", coap.OptAccept, "\x00\x00\x00")).answer("x", coap.CodeBadOption)
		}},
		{"Request: a critical option twice", "RFC 7252 5.4.5", must, false, func(t *trial) {
			options := coap.InsertOption(coap.InsertOption([]byte(t.uriOptions()), coap.OptURIPort, []byte("\x16\x33")), coap.OptURIPort, []byte("\x16\x33"))
			t.send(conformMessage(coap.CodeGET, "x", string(options), "")).answer("x", coap.CodeBadOption)
		}},
		{"Request: an unknown method", "RFC 7252 5.8", must, false, func(t *trial) {
			t.send(conformMessage(31, "x", t.uriOptions(), "")).answer("x", coap.CodeMethodNotAllowed).ask()
		}},
		{"Request: what there is not", "RFC 7252 5.9.2.5", should, false, func(t *trial) {
			t.send(conformMessage(coap.CodeGET, "x", optionsOf(11, "there", 11, "is", 11, "nothing"), "")).answer("x", coap.CodeNotFound)
		}},
		{"Request: an observation that is given up", "RFC 8323 7.4", should, false, func(t *trial) {
			t.send(t.with(coap.CodeGET, "o", coap.OptObserve, "")).answered("o")
			t.send(t.with(coap.CodeGET, "o", coap.OptObserve, "\x01"))
			for !t.decided() { // notifications may be under way
				if m := t.answered("o"); t.decided() || !m.Options.Has(coap.OptObserve) {
					break
				}
			}
		}},
	}...)
}
