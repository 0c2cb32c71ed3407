package small

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/childtest"
)

// message is a message as it is over TCP, with a path of segments.
func message(code coap.Code, token string, path []string, payload string, options ...any) string {
	var o []byte
	prev := coap.Option(0)
	if code.IsResponse() || len(options) > 0 && options[0] == coap.OptObserve {
		o, prev = appendOptions(o, prev, options)
		options = nil
	}
	for _, s := range path {
		o, prev = coap.AppendOption(o, prev, coap.OptURIPath, []byte(s)), coap.OptURIPath
	}
	o, _ = appendOptions(o, prev, options)
	return string(coap.AppendTCP(nil, coap.Message{Code: code, Token: []byte(token), Options: o, Payload: []byte(payload)}))
}

func appendOptions(o []byte, prev coap.Option, options []any) ([]byte, coap.Option) {
	for i := 0; i < len(options); i += 2 {
		n := options[i].(coap.Option)
		o, prev = coap.AppendUintOption(o, prev, n, uint64(options[i+1].(int))), n
	}
	return o, prev
}

// next is the next message.
func (c *client) message() coap.Message {
	c.t.Helper()
	var b []byte
	for {
		if m, n, err := coap.ParseTCP(b); n > 0 || err != nil {
			if err != nil {
				c.t.Fatal(err)
			}
			return m
		}
		k, err := c.in.ReadByte()
		if err != nil {
			c.t.Fatalf("%q, then %v", b, err)
		}
		b = append(b, k)
	}
}

// wantMessage wants a message of a code, a token and a payload.
func (c *client) wantMessage(code coap.Code, token, payload string) coap.Message {
	c.t.Helper()
	m := c.message()
	if m.Code != code || string(m.Token) != token || string(m.Payload) != payload {
		c.t.Fatalf("got %s %q %q, want %s %q %q", m.Code, m.Token, m.Payload, code, token, payload)
	}
	return m
}

// TestCoap talks to a program by CoAP over TCP, and looks whether that makes it
// grow.
func TestCoap(t *testing.T) {
	s := serve(t, "./coap")
	connect := func() *client {
		t.Helper()
		c := dial(t, s.address)
		if m := c.message(); m.Code != coap.CodeCSM {
			t.Fatalf("the first message is %s", m.Code)
		}
		c.exchange(string(coap.AppendCSM(nil, coap.Settings{MaxMessage: 1536, BlockWise: true})), "")
		return c
	}
	const observe = coap.OptObserve
	c := connect()
	var observers [3]*client
	for i := range observers {
		observers[i] = connect()
		observers[i].exchange(message(coap.CodeGET, "o", []string{"topic"}, "", observe, 0), "")
		observers[i].wantMessage(coap.CodeContent, "o", "first")
	}
	hello := message(coap.CodeGET, "t", []string{"hello"}, "")
	long := strings.Repeat("x", 600)
	echo := message(coap.CodePOST, "e", []string{"echo"}, long)
	late := message(coap.CodeGET, "l", []string{"later", "name"}, "")
	talk := func(n int) {
		t.Helper()
		for range n {
			c.exchange(hello+hello+echo[:300], "")
			c.wantMessage(coap.CodeContent, "t", "Hello, world")
			c.wantMessage(coap.CodeContent, "t", "Hello, world")
			c.exchange(echo[300:]+late+message(coap.CodePing, "p", nil, ""), "")
			got := 0
			for range 3 {
				switch m := c.message(); string(m.Token) + " " + string(m.Payload) {
				case "e " + long:
					got |= 1
				case "l name":
					got |= 2
				case "p ":
					got |= 4
				}
			}
			if got != 7 {
				t.Fatalf("got %b", got)
			}
			c.exchange(message(coap.CodePOST, "n", []string{"topic"}, "news"), "")
			c.wantMessage(coap.CodeChanged, "n", "")
			for _, o := range observers {
				o.wantMessage(coap.CodeContent, "o", "news")
			}
		}
	}
	blocks := func(n int) {
		t.Helper()
		part := strings.Repeat("0123456789abcdef", 64)
		for range n {
			for i := range 3 {
				b := coap.Block{Num: uint32(i), SZX: 6, More: i < 2}
				c.exchange(message(coap.CodePUT, "u", []string{"large"}, part, coap.OptBlock1, int(b.Uint())), "")
				if m := c.message(); m.Code != coap.CodeContinue && i < 2 || m.Code != coap.CodeChanged && i == 2 {
					t.Fatalf("block %d is answered %s %q", i, m.Code, m.Payload)
				}
			}
			for i := range 3 {
				b := coap.Block{Num: uint32(i), SZX: 6}
				c.exchange(message(coap.CodeGET, "d", []string{"large"}, "", coap.OptBlock2, int(b.Uint())), "")
				c.wantMessage(coap.CodeContent, "d", part)
			}
		}
	}
	comeAndGo := func(n int) {
		t.Helper()
		for range n {
			o := connect()
			o.exchange(message(coap.CodeGET, "o", []string{"topic"}, "", observe, 0), "")
			o.wantMessage(coap.CodeContent, "o", "first")
			o.c.Close()
		}
	}
	// The smallest allocation for each would be some hundred KB.
	const rounds, most = 2000, 32 << 10
	talk(50)
	blocks(50)
	comeAndGo(50)
	before := childtest.Resident(t, s.pid)
	talk(rounds)
	blocks(rounds / 4)
	comeAndGo(1000)
	if after := childtest.Resident(t, s.pid); after-before > most {
		t.Errorf("%d messages have made the program grow from %d bytes to %d", 12*rounds, before, after)
	}
}

// TestCoapAllocations wants every allocation of the driver, of its resources and of
// the protocol to be in what runs before the first client comes.
func TestCoapAllocations(t *testing.T) {
	found := allocations(t, "./coap", func(pkg, _ string) ([]string, bool) {
		return []string{"New", "init", "setDefaults", "Schemes", "NewExchange", "Freeze", "Add", "add", "insert", "NewTopic"},
			pkg == "coaptcp" || pkg == "resource" || pkg == "coap"
	})
	if found == 0 {
		t.Error("TinyGo names no allocation in them: the test sees nothing")
	}
}
