package main

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/bobtail-go/bobtail/coap"
)

// trace is what was sent and received, for people.
type trace struct {
	mu    sync.Mutex
	lines int
	b     strings.Builder
}

// mostTraced is how many lines of a case are kept.
const mostTraced = 300

func (t *trace) add(mark string, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lines++; t.lines > mostTraced {
		if t.lines == mostTraced+1 {
			t.b.WriteString("    ...\n")
		}
		return
	}
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
