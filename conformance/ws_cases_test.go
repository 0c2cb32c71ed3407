package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// wsCase is one of the cases of the Autobahn test suite, by its number there,
// in groups 1 to 7 and 10. It is sent to an end that echoes messages, and want
// is all that may come back. Where the suite takes several outcomes for good,
// the strictest is wanted: a failed connection is told by a close frame with
// the code of the rule that was broken, at once, after the echo of what came
// before.
type wsCase struct {
	id   string
	cut  cut
	send []frame
	want []string
}

const hi = "Hello, world!"

// wsCases are the cases that have no payload of their own kind.
func wsCases() []wsCase {
	var (
		odd      = "\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
		closed   = gotClose(1000)
		broken   = gotClose(1002)
		notText  = gotClose(1007)
		pings    []frame
		pongs    []string
		greeting = "Hello-µ@ßöäüàá-UTF-8!!"
		greek    = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"
		edited   = greek + "\xed\xa0\x80edited"
		tooHigh  = greek + "\xf4\x90\x80\x80edited"
		reason   = strings.Repeat("*", 123)
	)
	for i := range 10 {
		p := fmt.Sprintf("payload-%d", i)
		pings = append(pings, ping(p))
		pongs = append(pongs, gotPong(p))
	}
	got := func(events ...string) []string { return events }
	all := []wsCase{
		{"2.1", together, []frame{ping("")}, got(gotPong(""), closed)},
		{"2.2", together, []frame{ping(hi)}, got(gotPong(hi), closed)},
		{"2.3", together, []frame{ping(odd)}, got(gotPong(odd), closed)},
		{"2.4", together, []frame{ping(strings.Repeat("\xfe", 125))}, got(gotPong(strings.Repeat("\xfe", 125)), closed)},
		{"2.5", together, []frame{ping(strings.Repeat("\xfe", 126))}, got(broken)},
		{"2.6", octets, []frame{ping(strings.Repeat("\xfe", 125))}, got(gotPong(strings.Repeat("\xfe", 125)), closed)},
		{"2.7", together, []frame{pong(""), closing(1000, "")}, got(closed)},
		{"2.8", together, []frame{pong("unsolicited pong payload"), closing(1000, "")}, got(closed)},
		{"2.9", together, []frame{pong("unsolicited pong payload"), ping("ping payload")}, got(gotPong("ping payload"), closed)},
		{"2.10", together, pings, append(pongs, closed)},
		{"2.11", octets, pings, append(pongs, closed)},

		{"3.1", together, []frame{txt(hi).reserved(rsv3)}, got(broken)},
		{"3.2", together, []frame{txt(hi), txt(hi).reserved(rsv2), ping("")}, got(gotText(hi), broken)},
		{"3.3", framed, []frame{txt(hi), txt(hi).reserved(rsv2 | rsv3), ping("")}, got(gotText(hi), broken)},
		{"3.4", octets, []frame{txt(hi), txt(hi).reserved(rsv1), ping("")}, got(gotText(hi), broken)},
		{"3.5", together, []frame{bin(odd).reserved(rsv1 | rsv3)}, got(broken)},
		{"3.6", together, []frame{ping(hi).reserved(rsv1 | rsv2)}, got(broken)},
		{"3.7", together, []frame{control(opClose, "").reserved(rsv1 | rsv2 | rsv3)}, got(broken)},

		{"4.1.1", together, []frame{control(3, "")}, got(broken)},
		{"4.1.2", together, []frame{control(4, "reserved opcode payload")}, got(broken)},
		{"4.1.3", together, []frame{txt(hi), control(5, ""), ping("")}, got(gotText(hi), broken)},
		{"4.1.4", together, []frame{txt(hi), control(6, hi), ping("")}, got(gotText(hi), broken)},
		{"4.1.5", octets, []frame{txt(hi), control(7, hi), ping("")}, got(gotText(hi), broken)},
		{"4.2.1", together, []frame{control(11, "")}, got(broken)},
		{"4.2.2", together, []frame{control(12, "reserved opcode payload")}, got(broken)},
		{"4.2.3", together, []frame{txt(hi), control(13, ""), ping("")}, got(gotText(hi), broken)},
		{"4.2.4", together, []frame{txt(hi), control(14, hi), ping("")}, got(gotText(hi), broken)},
		{"4.2.5", octets, []frame{txt(hi), control(15, hi), ping("")}, got(gotText(hi), broken)},

		{"5.1", together, []frame{begin(opPing, "fragment1"), last("fragment2")}, got(broken)},
		{"5.2", together, []frame{begin(opPong, "fragment1"), last("fragment2")}, got(broken)},
		{"5.3", together, []frame{begin(opText, "fragment1"), last("fragment2")}, got(gotText("fragment1fragment2"), closed)},
		{"5.4", framed, []frame{begin(opText, "fragment1"), last("fragment2")}, got(gotText("fragment1fragment2"), closed)},
		{"5.5", octets, []frame{begin(opText, "fragment1"), last("fragment2")}, got(gotText("fragment1fragment2"), closed)},
		{"5.6", together, []frame{begin(opText, "fragment1"), ping("ping payload"), last("fragment2")}, got(gotPong("ping payload"), gotText("fragment1fragment2"), closed)},
		{"5.7", framed, []frame{begin(opText, "fragment1"), ping("ping payload"), last("fragment2")}, got(gotPong("ping payload"), gotText("fragment1fragment2"), closed)},
		{"5.8", octets, []frame{begin(opText, "fragment1"), ping("ping payload"), last("fragment2")}, got(gotPong("ping payload"), gotText("fragment1fragment2"), closed)},
		{"5.9", together, []frame{last("non-continuation payload"), txt(hi)}, got(broken)},
		{"5.10", framed, []frame{last("non-continuation payload"), txt(hi)}, got(broken)},
		{"5.11", octets, []frame{last("non-continuation payload"), txt(hi)}, got(broken)},
		{"5.12", together, []frame{more("non-continuation payload"), txt(hi)}, got(broken)},
		{"5.13", framed, []frame{more("non-continuation payload"), txt(hi)}, got(broken)},
		{"5.14", octets, []frame{more("non-continuation payload"), txt(hi)}, got(broken)},
		{"5.15", together, []frame{begin(opText, "fragment1"), last("fragment2"), more("fragment3"), txt("fragment4")}, got(gotText("fragment1fragment2"), broken)},
		{"5.16", together, []frame{more("fragment1"), begin(opText, "fragment2"), last("fragment3"), more("fragment1"), begin(opText, "fragment2"), last("fragment3")}, got(broken)},
		{"5.17", together, []frame{last("fragment1"), begin(opText, "fragment2"), last("fragment3"), last("fragment1"), begin(opText, "fragment2"), last("fragment3")}, got(broken)},
		{"5.18", together, []frame{begin(opText, "fragment1"), txt("fragment2")}, got(broken)},

		{"6.1.1", together, []frame{txt("")}, got(gotText(""), closed)},
		{"6.1.2", together, []frame{begin(opText, ""), more(""), last("")}, got(gotText(""), closed)},
		{"6.1.3", together, []frame{begin(opText, ""), more("middle frame payload"), last("")}, got(gotText("middle frame payload"), closed)},
		{"6.2.1", together, []frame{txt(greeting)}, got(gotText(greeting), closed)},
		{"6.2.2", together, []frame{begin(opText, greeting[:12]), last(greeting[12:])}, got(gotText(greeting), closed)},
		{"6.2.3", together, fragments(opText, greeting, 1), got(gotText(greeting), closed)},
		{"6.2.4", together, fragments(opText, greek, 1), got(gotText(greek), closed)},
		{"6.3.1", together, []frame{txt(edited)}, got(notText)},
		{"6.3.2", together, fragments(opText, edited, 1), got(notText)},
		// What follows the octet that makes it no text is never sent. The ping
		// tells that what came before it was taken.
		{"6.4.1", together, []frame{begin(opText, greek), ping(""), more(tooHigh[11:15]).after(1)}, got(gotPong(""), notText)},
		{"6.4.2", together, []frame{begin(opText, tooHigh[:12]), ping(""), more(tooHigh[12:13]).after(1)}, got(gotPong(""), notText)},
		{"6.4.3", together, []frame{txt(tooHigh[:15]).claiming(len(tooHigh))}, got(notText)},
		{"6.4.4", octets, []frame{txt(tooHigh[:13]).claiming(len(tooHigh))}, got(notText)},

		{"7.1.1", together, []frame{txt("Hello World!"), closing(1000, "")}, got(gotText("Hello World!"), closed)},
		{"7.1.2", together, []frame{closing(1000, ""), control(opClose, "")}, got(closed)},
		{"7.1.3", together, []frame{closing(1000, ""), ping("")}, got(closed)},
		{"7.1.4", together, []frame{closing(1000, ""), txt("Hello World!")}, got(closed)},
		{"7.1.5", together, []frame{begin(opText, "fragment1"), closing(1000, ""), last("fragment2")}, got(closed)},
		{"7.1.6", together, []frame{txt(strings.Repeat("BAsd7&jh23", 26215)[:256<<10]), txt("Hello World!"), closing(1000, ""), ping("")},
			got(gotText(strings.Repeat("BAsd7&jh23", 26215)[:256<<10]), gotText("Hello World!"), closed)},
		{"7.3.1", together, []frame{control(opClose, "")}, got(gotClose(0))},
		{"7.3.2", together, []frame{control(opClose, "a")}, got(broken)},
		{"7.3.3", together, []frame{closing(1000, "")}, got(closed)},
		{"7.3.4", together, []frame{closing(1000, "Hello World!")}, got(closed)},
		{"7.3.5", together, []frame{closing(1000, reason)}, got(closed)},
		{"7.3.6", together, []frame{closing(1000, reason+"*")}, got(broken)},
		{"7.5.1", together, []frame{closing(1000, edited)}, got(notText)},
		{"7.13.1", together, []frame{closing(5000, "")}, got(broken)},
		{"7.13.2", together, []frame{closing(65535, "")}, got(broken)},

		{"10.1.1", together, fragments(opText, strings.Repeat("*", 65536), 1300), got(gotText(strings.Repeat("*", 65536)), closed)},
	}
	for i, n := range []int{0, 125, 126, 127, 128, 65535, 65536, 65536} {
		c := together
		if i == 7 {
			c = 997
		}
		stars, bytes := strings.Repeat("*", n), strings.Repeat("\xfe", n)
		all = append(all, wsCase{fmt.Sprintf("1.1.%d", i+1), c, []frame{txt(stars)}, got(gotText(stars), closed)},
			wsCase{fmt.Sprintf("1.2.%d", i+1), c, []frame{bin(bytes)}, got(gotBin(bytes), closed)})
	}
	// The second part waits for the answer to the ping of the first.
	for i, c := range []cut{together, framed} {
		all = append(all, wsCase{fmt.Sprintf("5.%d", 19+i), c, []frame{begin(opText, "fragment1"), more("fragment2"), ping("pongme 1!"),
			more("fragment3").after(1), more("fragment4"), ping("pongme 2!"), last("fragment5")},
			got(gotPong("pongme 1!"), gotPong("pongme 2!"), gotText("fragment1fragment2fragment3fragment4fragment5"), closed)})
	}
	for group, texts := range utf8Texts() {
		for i, s := range texts {
			want := got(notText)
			if s.valid {
				want = got(gotText(s.text), closed)
			}
			all = append(all, wsCase{fmt.Sprintf("6.%d.%d", group+5, i+1), together, []frame{txt(s.text)}, want})
		}
	}
	for i, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999} {
		all = append(all, wsCase{fmt.Sprintf("7.7.%d", i+1), together, []frame{closing(code, "")}, got(gotClose(code))})
	}
	for i, code := range []int{0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999} {
		all = append(all, wsCase{fmt.Sprintf("7.9.%d", i+1), together, []frame{closing(code, "")}, got(broken)})
	}
	return all
}

type utf8Text struct {
	valid bool
	text  string
}

// utf8Texts are those of Markus Kuhn's stress test of decoders
// (https://www.cl.cam.ac.uk/~mgk25/ucs/examples/UTF-8-test.txt), by subgroup.
func utf8Texts() [][]utf8Text {
	many := func(valid bool, texts ...string) (all []utf8Text) {
		for _, s := range texts {
			all = append(all, utf8Text{valid, s})
		}
		return all
	}
	const greek = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"
	var prefixes, lonely, others []utf8Text
	for i := range len(greek) {
		// The characters end before these.
		prefixes = append(prefixes, utf8Text{slices.Contains([]int{2, 5, 7, 9, 11}, i+1), greek[:i+1]})
	}
	run := func(from, to int, between string) string {
		var b []byte
		for c := from; c < to; c++ {
			b = append(append(b, byte(c)), between...)
		}
		return string(b)
	}
	for _, m := range [][2]int{{0xc0, 0xdf}, {0xe0, 0xef}, {0xf0, 0xf7}, {0xf8, 0xfb}, {0xfc, 0xfd}} {
		lonely = append(lonely, utf8Text{false, run(m[0], m[1], " ")})
	}
	cutOff := []string{"\xc0", "\xe0\x80", "\xf0\x80\x80", "\xf8\x80\x80\x80", "\xfc\x80\x80\x80\x80", "\xdf", "\xef\xbf", "\xf7\xbf\xbf", "\xfb\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf"}
	others = many(true, "\xef\xbf\xbe", "\xef\xbf\xbf")
	for plane := 1; plane <= 16; plane++ {
		others = append(others, many(true, string(rune(plane<<16|0xfffe)), string(rune(plane<<16|0xffff)))...)
	}
	return [][]utf8Text{
		many(true, "hello$world", "hello\xc2\xa2world", "hello\xe2\x82\xacworld", "hello\xf0\xa4\xad\xa2world", greek),
		prefixes,
		many(true, "\x00", "\xc2\x80", "\xe0\xa0\x80", "\xf0\x90\x80\x80"),
		many(false, "\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80"),
		many(true, "\x7f", "\xdf\xbf", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"),
		many(false, "\xf7\xbf\xbf\xbf", "\xfb\xbf\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf\xbf"),
		append(many(true, "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbd", "\xf4\x8f\xbf\xbf"), many(false, "\xf4\x90\x80\x80")...),
		many(false, "\x80", "\xbf", "\x80\xbf", "\x80\xbf\x80", "\x80\xbf\x80\xbf", "\x80\xbf\x80\xbf\x80", "\x80\xbf\x80\xbf\x80\xbf", run(0x80, 0xbf, "")),
		lonely,
		many(false, cutOff...),
		many(false, strings.Join(cutOff, "")),
		many(false, "\xfe", "\xff", "\xfe\xfe\xff\xff"),
		many(false, "\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf8\x80\x80\x80\xaf", "\xfc\x80\x80\x80\x80\xaf"),
		many(false, "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf8\x87\xbf\xbf\xbf", "\xfc\x83\xbf\xbf\xbf\xbf"),
		many(false, "\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xf8\x80\x80\x80\x80", "\xfc\x80\x80\x80\x80\x80"),
		many(false, "\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf", "\xed\xb0\x80", "\xed\xbe\x80", "\xed\xbf\xbf"),
		many(false, "\xed\xa0\x80\xed\xb0\x80", "\xed\xa0\x80\xed\xbf\xbf", "\xed\xad\xbf\xed\xb0\x80", "\xed\xad\xbf\xed\xbf\xbf",
			"\xed\xae\x80\xed\xb0\x80", "\xed\xae\x80\xed\xbf\xbf", "\xed\xaf\xbf\xed\xb0\x80", "\xed\xaf\xbf\xed\xbf\xbf"),
		others,
		many(true, "\xef\xbf\xb9", "\xef\xbf\xba", "\xef\xbf\xbb", "\xef\xbf\xbc", "\xef\xbf\xbd", "\xef\xbf\xbe", "\xef\xbf\xbf"),
	}
}

// cuts are those in which a case is sent: its own, and all others that take no
// time.
func (c *wsCase) cuts() []cut {
	all := []cut{together, framed}
	size := 0
	for _, f := range c.send {
		size += len(f.payload)
	}
	if size < 4096 {
		all = append(all, octets)
	}
	if !slices.Contains(all, c.cut) {
		all = append(all, c.cut)
	}
	return all
}

// TestCasesAreAll counts the cases of each group, which are those of the suite.
func TestCasesAreAll(t *testing.T) {
	count := map[string]int{}
	seen := map[string]bool{}
	for _, c := range wsCases() {
		group, _, _ := strings.Cut(c.id, ".")
		count[group]++
		if seen[c.id] {
			t.Errorf("%s is there twice", c.id)
		}
		seen[c.id] = true
	}
	want := map[string]int{"1": 16, "2": 11, "3": 7, "4": 10, "5": 20, "6": 145, "7": 37, "10": 1}
	for group, n := range want {
		if count[group] != n {
			t.Errorf("group %s has %d cases, want %d", group, count[group], n)
		}
	}
}
