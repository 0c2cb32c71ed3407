package mdns

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

var (
	us   = Responder{Name: "bobtail", MAC: [6]byte{2, 0, 0, 0, 0, 1}}
	addr = [4]byte{192, 0, 2, 7}
)

// query is a frame with a message to port 5353, without checksums: the stack
// below has looked at those of others.
func query(fromPort uint16, message []byte) []byte {
	b := slices.Concat(Group[:], []byte{2, 0, 0, 0, 0, 9, 0x08, 0x00})
	b = append(b, 0x45, 0, 0, 0, 0, 0, 0, 0, 255, 17, 0, 0, 192, 0, 2, 9, 224, 0, 0, 251)
	put16(b[ethHeader+2:], uint16(20+udpHeader+len(message)))
	b = append16(append16(append16(append16(b, fromPort), port), uint16(udpHeader+len(message))), 0)
	return append(b, message...)
}

// message is one of so many questions and answers, whose sections follow.
func message(questions, answers byte, sections ...string) []byte {
	return []byte("\x12\x34\x00\x00\x00" + string(questions) + "\x00" + string(answers) + "\x00\x00\x00\x00" + strings.Join(sections, ""))
}

const (
	name   = "\x07bobtail\x05local\x00"
	askA   = name + "\x00\x01\x00\x01"
	others = "\x05squid\x05local\x00\x00\x01\x00\x01"
)

// known is our address as a known answer, with a time to live in seconds.
func known(ttl byte) string {
	return name + "\x00\x01\x80\x01\x00\x00\x00" + string(ttl) + "\x00\x04\xc0\x00\x02\x07"
}

func TestAnswer(t *testing.T) {
	for _, test := range []struct {
		name    string
		message []byte
		want    bool
	}{
		{"our address", message(1, 0, askA), true},
		{"in capitals", message(1, 0, "\x07BobTail\x05LOCAL\x00\x00\x01\x00\x01"), true},
		{"anything of ours", message(1, 0, name+"\x00\xff\x00\x01"), true},
		{"of any class", message(1, 0, name+"\x00\x01\x00\xff"), true},
		{"a unicast answer would do", message(1, 0, name+"\x00\x01\x80\x01"), true},
		{"another's first", message(2, 0, others, askA), true},
		{"its last label is written before", message(2, 0, others, "\x07bobtail\xc0\x12\x00\x01\x00\x01"), true},
		{"known for a while", message(1, 1, askA, known(120)), false},
		{"known for half of the time", message(1, 1, askA, known(60)), false},
		{"known, but not for long", message(1, 1, askA, known(59)), true},
		{"known with another address", message(1, 1, askA, strings.Replace(known(120), "\x02\x07", "\x02\x08", 1)), true},
		{"another's address known", message(1, 1, askA, strings.Replace(known(120), "bob", "cat", 1)), true},
		{"a known answer that is cut off", message(1, 1, askA, known(120)[:20]), true},
		{"another's name", message(1, 0, others), false},
		{"an address of IPv6", message(1, 0, name+"\x00\x1c\x00\x01"), false},
		{"another class", message(1, 0, name+"\x00\x01\x00\x03"), false},
		{"a name below ours", message(1, 0, "\x01a"+askA), false},
		{"our name elsewhere", message(1, 0, "\x07bobtail\x03com\x00\x00\x01\x00\x01"), false},
		{"our name alone", message(1, 0, "\x07bobtail\x00\x00\x01\x00\x01"), false},
		{"local alone", message(1, 0, "\x05local\x00\x00\x01\x00\x01"), false},
		{"the root", message(1, 0, "\x00\x00\x01\x00\x01"), false},
		{"no question", message(0, 0), false},
		{"a question that is cut off", message(1, 0, askA[:len(askA)-1]), false},
		{"a name that is cut off", message(1, 0, name[:10]), false},
		{"a name without an end", message(1, 0, "\x07bobtail\x05local"), false},
		{"a pointer to itself", message(1, 0, "\xc0\x0c\x00\x01\x00\x01"), false},
		{"a pointer forward", message(1, 0, "\xc0\x20\x00\x01\x00\x01"), false},
		{"a pointer that is cut off", message(1, 0, "\xc0"), false},
		{"a label of a kind that is not", message(1, 0, "\x80\x00\x00\x01\x00\x01"), false},
		{"a response", append([]byte("\x00\x00\x84\x00"), message(1, 0, askA)[4:]...), false},
		{"not a standard query", append([]byte("\x00\x00\x08\x00"), message(1, 0, askA)[4:]...), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out [MaxFrame]byte
			frame := query(port, test.message)
			n := us.Answer(slices.Clip(frame), addr, out[:])
			if (n > 0) != test.want {
				t.Fatalf("%q is answered %x", test.message, out[:n])
			}
			var told [MaxFrame]byte
			if n > 0 && !bytes.Equal(out[:n], told[:us.Announce(addr, told[:])]) {
				t.Errorf("the answer is %x, and not what is announced", out[:n])
			}
			// What is cut off anywhere is not answered, and nothing is read behind.
			for cut := range frame {
				if n := us.Answer(slices.Clone(frame[:cut]), addr, out[:]); n > 0 {
					t.Fatalf("%d bytes of %d are answered", cut, len(frame))
				}
			}
		})
	}
}

// TestOtherFrames has what is no question for names left alone.
func TestOtherFrames(t *testing.T) {
	for what, change := range map[string]func(b []byte){
		"another protocol of Ethernet": func(b []byte) { b[13] = 6 },
		"another version of IP":        func(b []byte) { b[14] = 0x65 },
		"a header too short":           func(b []byte) { b[14] = 0x44 },
		"a header behind the end":      func(b []byte) { b[14] = 0x4f },
		"another protocol of IP":       func(b []byte) { b[23] = 6 },
		"a first fragment":             func(b []byte) { b[20] = 0x20 },
		"a later fragment":             func(b []byte) { b[21] = 1 },
		"another port":                 func(b []byte) { b[37]++ },
		"a datagram too short":         func(b []byte) { b[39] = 19 },
		"a datagram too long":          func(b []byte) { b[38] = 1 },
	} {
		b := query(port, message(1, 0, askA))
		change(b)
		var out [MaxFrame]byte
		if n := us.Answer(b, addr, out[:]); n > 0 {
			t.Errorf("%s is answered", what)
		}
	}
}

// TestFrames holds the frames to what others have computed: by hand, and the
// checksums by adding them up.
func TestFrames(t *testing.T) {
	const (
		answer = "07626f627461696c056c6f63616c00" + "0001" + "8001" + "00000078" + "0004" + "c0000207"
		legacy = "07626f627461696c056c6f63616c00" + "0001" + "0001" + "07626f627461696c056c6f63616c00" + "0001" + "0001" + "0000000a" + "0004" + "c0000207"
	)
	var out [MaxFrame]byte
	for _, test := range []struct {
		name      string
		n         int
		to, ip    string
		port      uint16
		head, end string
	}{
		{"announced", us.Announce(addr, out[:]), "01005e0000fb", "e00000fb", port, "000084000000000100000000", answer},
		{"asked by who is no responder", us.Answer(query(40000, message(1, 0, askA)), addr, out[:]), "020000000009", "c0000209", 40000, "123484000001000100000000", legacy},
	} {
		b := out[:test.n]
		if test.name == "announced" { // which the second has overwritten
			b = make([]byte, MaxFrame)
			b = b[:us.Announce(addr, b)]
		}
		if got := hex.EncodeToString(b[:14]); got != test.to+"020000000001"+"0800" {
			t.Errorf("%s: the frame begins with %s", test.name, got)
		}
		if got := hex.EncodeToString(b[26:34]); got != "c0000207"+test.ip || b[22] != 255 {
			t.Errorf("%s: from and to %s", test.name, got)
		}
		if be16(b[34:]) != port || be16(b[36:]) != test.port || int(be16(b[16:])) != len(b)-14 || int(be16(b[38:])) != len(b)-34 {
			t.Errorf("%s: ports or lengths are wrong in %x", test.name, b)
		}
		if got := hex.EncodeToString(b[42:]); got != test.head+test.end {
			t.Errorf("%s: the message is %s, want %s", test.name, got, test.head+test.end)
		}
		if s := sum(b[14:34], 0); s != 0xffff {
			t.Errorf("%s: the header adds up to %x", test.name, s)
		}
		if s := sum(b[34:], uint32(sum(b[26:34], 17+uint32(len(b)-34)))); s != 0xffff {
			t.Errorf("%s: the datagram adds up to %x", test.name, s)
		}
	}
	long := Responder{Name: strings.Repeat("n", MaxName)}
	if n := long.Answer(query(40000, message(1, 0, "\x3f"+long.Name+"\x05local\x00\x00\x01\x00\x01")), addr, out[:]); n != MaxFrame {
		t.Errorf("the longest frame has %d bytes, not %d", n, MaxFrame)
	}
	if n := us.Announce(addr, out[:MaxFrame-1]); n != 0 {
		t.Errorf("%d bytes are put where there is no room", n)
	}
	if n := (&Responder{Name: strings.Repeat("n", MaxName+1)}).Announce(addr, out[:]); n != 0 {
		t.Errorf("a name that is none is announced by %d bytes", n)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(query(port, message(2, 1, others, askA, known(1))))
	f.Add(query(1, message(2, 0, others, "\x07bobtail\xc0\x12\x00\x01\x00\x01")))
	f.Fuzz(func(t *testing.T, frame []byte) {
		var out [MaxFrame]byte
		if n := us.Answer(frame, addr, out[:]); n < 0 || n > 0 && sum(out[14:34], 0) != 0xffff {
			t.Errorf("%d bytes", n)
		}
	})
}
