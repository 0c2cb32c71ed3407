package coap_test

import (
	"testing"
	"unsafe"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

// A connection with a session at each end: what one sends, the other takes. A
// script is run in both roles, since they are alike.

// end says who does a step: the one that the script is about, or its peer.
type end int

const (
	we   end = 0
	they end = 1
)

// step is a message that somebody sends, and what the other end makes of it.
type step struct {
	by   end
	wire string
	want coap.Action
	err  error
}

// event is what the sender of a message notes.
func event(c coap.Code) coap.Event {
	switch c {
	case coap.CodeRelease:
		return coap.EventSendRelease
	case coap.CodeAbort:
		return coap.EventSendAbort
	}
	return coap.EventSend
}

// Messages by their bytes.
const (
	csm      = "\x00\xe1"
	get      = "\x01\x01\x71"
	content  = "\x01\x45\x71"
	empty    = "\x00\x00"
	ping     = "\x01\xe2\x42" // the first figure of RFC 8323 section 5.7
	pong     = "\x01\xe3\x42" // the second
	release  = "\x00\xe4"
	abort    = "\x00\xe5"
	greatCSM = "\x40\xe1\x22\x20\x00\x20" // Max-Message-Size 8192, Block-Wise-Transfer
)

var sessions = []struct {
	name   string
	strict bool
	steps  []step
	ours   coap.State // in the end
	theirs coap.State
	bad    coap.Option
}{
	{name: "nothing", ours: coap.StateFresh, theirs: coap.StateFresh},
	{name: "both say what they can, and talk", strict: true, steps: []step{
		{we, csm, coap.ActIgnore, nil}, {we, get, coap.ActRequest, nil}, // section 3.3: without waiting
		{they, greatCSM, coap.ActIgnore, nil}, {they, content, coap.ActResponse, nil},
		{they, get, coap.ActRequest, nil}, {we, content, coap.ActResponse, nil},
	}, ours: coap.StateOpen, theirs: coap.StateOpen},
	{name: "empty messages, at any time (section 3.4)", strict: true, steps: []step{
		{we, empty, coap.ActIgnore, nil}, {we, csm, coap.ActIgnore, nil}, {we, empty, coap.ActIgnore, nil}, {we, get, coap.ActRequest, nil},
	}, ours: coap.StateFresh, theirs: coap.StateOpen},
	{name: "empty message with a token, options and payload", strict: true, steps: []step{{we, "\x41\x00\x71\x11a\xffb", coap.ActIgnore, nil}},
		ours: coap.StateFresh, theirs: coap.StateFresh},
	{name: "no CSM, and nobody minds", steps: []step{{we, get, coap.ActRequest, nil}, {they, csm, coap.ActIgnore, nil}, {they, content, coap.ActResponse, nil}, {we, csm, coap.ActIgnore, nil}},
		ours: coap.StateOpen, theirs: coap.StateOpen},
	{name: "no CSM before a request (section 5.3)", strict: true, steps: []step{{we, get, coap.ActReject, coap.ErrNoCSM}, {they, abort, coap.ActAborted, nil}},
		ours: coap.StateAborted, theirs: coap.StateFailed},
	{name: "no CSM before a response (section 5.3)", strict: true, steps: []step{{we, content, coap.ActReject, coap.ErrNoCSM}}, theirs: coap.StateFailed, ours: coap.StateFresh},
	{name: "no CSM before a Ping (section 5.3)", strict: true, steps: []step{{we, ping, coap.ActReject, coap.ErrNoCSM}}, theirs: coap.StateFailed, ours: coap.StateFresh},
	{name: "no CSM before a Release (section 5.3)", strict: true, steps: []step{{we, release, coap.ActReject, coap.ErrNoCSM}}, theirs: coap.StateFailed, ours: coap.StateReleaseSent},
	{name: "no CSM before an Abort, which says enough", strict: true, steps: []step{{we, abort, coap.ActAborted, nil}}, theirs: coap.StateAborted, ours: coap.StateFailed},
	{name: "Ping before the CSM", steps: []step{{we, ping, coap.ActPong, nil}, {they, pong, coap.ActPonged, nil}}, ours: coap.StateOpen, theirs: coap.StateOpen},
	{name: "Ping and Pong", strict: true, steps: []step{{we, csm, coap.ActIgnore, nil}, {they, csm, coap.ActIgnore, nil}, {we, ping, coap.ActPong, nil}, {they, pong, coap.ActPonged, nil}},
		ours: coap.StateOpen, theirs: coap.StateOpen},
	{name: "elective options that nobody knows (section 5.4)", steps: []step{
		{we, "\x31\xe2\x42\x61a\x60", coap.ActPong, nil}, {they, "\x21\xe3\x42\x81a", coap.ActPonged, nil}, {we, "\x20\xe4\x61a", coap.ActRelease, nil}},
		ours: coap.StateReleaseSent, theirs: coap.StateReleaseReceived},
	{name: "critical option of a Ping (section 5.2)", steps: []step{{we, "\x10\xe2\x10", coap.ActReject, coap.ErrSignalOption}}, ours: coap.StateFresh, theirs: coap.StateFailed},
	{name: "critical option of a Pong (section 5.2)", steps: []step{{we, "\x10\xe3\x30", coap.ActReject, coap.ErrSignalOption}}, ours: coap.StateFresh, theirs: coap.StateFailed},
	{name: "critical option of a Release, behind one that is known (section 5.2)", steps: []step{{we, "\x30\xe4\x21a\x10", coap.ActReject, coap.ErrSignalOption}},
		ours: coap.StateReleaseSent, theirs: coap.StateFailed},
	{name: "critical option of an Abort", steps: []step{{we, "\x10\xe5\x10", coap.ActAborted, nil}}, ours: coap.StateFailed, theirs: coap.StateAborted},
	{name: "critical option of a CSM (section 5.2)", steps: []step{{we, "\x20\xe1\x11a", coap.ActReject, coap.ErrSignalOption}}, ours: coap.StateFresh, theirs: coap.StateFailed, bad: 1},
	{name: "critical option of a later CSM", steps: []step{{we, greatCSM, coap.ActIgnore, nil}, {we, "\x30\xe1\xd0\x00\x00", coap.ActReject, coap.ErrSignalOption}},
		ours: coap.StateFresh, theirs: coap.StateFailed, bad: 13},
	{name: "malformed option of a CSM (section 5.6)", steps: []step{{we, "\x20\xe1\x41a", coap.ActReject, coap.ErrSettings}}, ours: coap.StateFresh, theirs: coap.StateFailed, bad: 4},
	{name: "unknown signalling code", steps: []step{{we, "\x00\xe6", coap.ActReject, coap.ErrSignalCode}}, ours: coap.StateFresh, theirs: coap.StateFailed},
	{name: "signalling code 7.00", steps: []step{{we, "\x00\xe0", coap.ActReject, coap.ErrSignalCode}}, ours: coap.StateFresh, theirs: coap.StateFailed},
	{name: "code of class 1 (RFC 7252 section 4.2)", steps: []step{{we, "\x00\x21", coap.ActReject, coap.ErrMessageCode}}, ours: coap.StateFresh, theirs: coap.StateFailed},
	{name: "code of class 6 (RFC 7252 section 4.2)", steps: []step{{we, "\x00\xdf", coap.ActReject, coap.ErrMessageCode}}, ours: coap.StateFresh, theirs: coap.StateFailed},
	{name: "method that nobody knows is a request", steps: []step{{we, "\x00\x1f", coap.ActRequest, nil}}, ours: coap.StateFresh, theirs: coap.StateOpen},
	{name: "response of class 3", steps: []step{{we, "\x00\x60", coap.ActResponse, nil}}, ours: coap.StateFresh, theirs: coap.StateOpen},
	{name: "what follows an error is not looked at", steps: []step{
		{we, "\x00\xe6", coap.ActReject, coap.ErrSignalCode}, {we, get, coap.ActIgnore, nil}, {we, ping, coap.ActIgnore, nil}, {we, "\x20\xe1\x11a", coap.ActIgnore, nil}, {we, abort, coap.ActIgnore, nil}},
		ours: coap.StateFailed, theirs: coap.StateFailed},
	{name: "what follows an Abort is not looked at", steps: []step{{we, abort, coap.ActAborted, nil}, {we, get, coap.ActIgnore, nil}, {we, abort, coap.ActIgnore, nil}},
		ours: coap.StateFailed, theirs: coap.StateAborted},
	{name: "a Release, with what is open (section 5.5)", strict: true, steps: []step{
		{we, csm, coap.ActIgnore, nil}, {they, csm, coap.ActIgnore, nil}, {we, get, coap.ActRequest, nil}, {they, get, coap.ActRequest, nil},
		{we, release, coap.ActRelease, nil}, {they, content, coap.ActResponse, nil}, {we, content, coap.ActResponse, nil}},
		ours: coap.StateReleaseSent, theirs: coap.StateReleaseReceived},
	{name: "a request behind a Release need not be looked at (section 5.5)", steps: []step{{we, release, coap.ActRelease, nil}, {we, get, coap.ActIgnore, nil}},
		ours: coap.StateReleaseSent, theirs: coap.StateReleaseReceived},
	{name: "a request that crosses a Release", steps: []step{{we, release, coap.ActRelease, nil}, {they, get, coap.ActRequest, nil}, {we, content, coap.ActResponse, nil}},
		ours: coap.StateReleaseSent, theirs: coap.StateReleaseReceived},
	{name: "Ping, CSM and empty messages behind a Release", steps: []step{
		{we, release, coap.ActRelease, nil}, {we, ping, coap.ActPong, nil}, {we, csm, coap.ActIgnore, nil}, {we, empty, coap.ActIgnore, nil}, {they, pong, coap.ActPonged, nil}},
		ours: coap.StateReleaseSent, theirs: coap.StateReleaseReceived},
	{name: "a Release said twice", steps: []step{{we, release, coap.ActRelease, nil}, {we, release, coap.ActIgnore, nil}}, ours: coap.StateReleaseSent, theirs: coap.StateReleaseReceived},
	{name: "both release", steps: []step{{we, release, coap.ActRelease, nil}, {they, release, coap.ActRelease, nil}, {they, get, coap.ActIgnore, nil}, {we, content, coap.ActResponse, nil}},
		ours: coap.StateReleased, theirs: coap.StateReleased},
	{name: "an Abort behind a Release", steps: []step{{we, release, coap.ActRelease, nil}, {we, abort, coap.ActAborted, nil}}, ours: coap.StateFailed, theirs: coap.StateAborted},
	{name: "a rule broken behind a Release", steps: []step{{we, release, coap.ActRelease, nil}, {we, "\x00\xff", coap.ActReject, coap.ErrSignalCode}, {they, abort, coap.ActAborted, nil}},
		ours: coap.StateAborted, theirs: coap.StateFailed},
}

func TestSessions(t *testing.T) {
	for _, c := range sessions {
		for _, role := range []string{"initiator", "acceptor"} {
			t.Run(c.name+", "+role, func(t *testing.T) {
				// Both ends have the same code: whoever connects is the first of two.
				ends := [2]*coap.Session{new(coap.Session), new(coap.Session)}
				ours, theirs := ends[0], ends[1]
				if role == "acceptor" {
					ours, theirs = theirs, ours
				}
				for i, st := range c.steps {
					from, to := ours, theirs
					if st.by == they {
						from, to = theirs, ours
					}
					g := splittest.Guard(st.wire)
					m, n, err := coap.ParseTCP(g.Bytes)
					if err != nil || n != len(st.wire) {
						t.Fatalf("step %d: ParseTCP(%q) = %d, %v", i, st.wire, n, err)
					}
					from.Advance(event(m.Code))
					got, err := to.Take(&m, c.strict)
					if got != st.want || err != st.err {
						t.Fatalf("step %d: %q is %v, %v, want %v, %v", i, st.wire, got, err, st.want, st.err)
					}
					if !g.Intact() || string(g.Bytes) != st.wire {
						t.Errorf("step %d: Take writes", i)
					}
				}
				if ours.State() != c.ours || theirs.State() != c.theirs {
					t.Errorf("ends in %v and %v, want %v and %v", ours.State(), theirs.State(), c.ours, c.theirs)
				}
				if theirs.Bad != c.bad {
					t.Errorf("Bad = %d, want %d", theirs.Bad, c.bad)
				}
			})
		}
	}
}

// TestSessionSettings wants CSMs to add up, and one that is refused to change
// nothing.
func TestSessionSettings(t *testing.T) {
	var s coap.Session
	take := func(wire string, want coap.Settings) {
		t.Helper()
		m, _, err := coap.ParseTCP([]byte(wire))
		if err != nil {
			t.Fatal(err)
		}
		s.Take(&m, true)
		if s.Peer != want {
			t.Errorf("behind %q: %+v, want %+v", wire, s.Peer, want)
		}
	}
	take(csm, coap.Settings{})
	take(greatCSM, coap.Settings{MaxMessage: 8192, BlockWise: true})
	take("\x00\xe1", coap.Settings{MaxMessage: 8192, BlockWise: true})
	take("\x20\xe1\x61\x20", coap.Settings{MaxMessage: 8192, BlockWise: true, ExtendedToken: 32})
	take("\x30\xe1\x22\x01\x00", coap.Settings{MaxMessage: 256, BlockWise: true, ExtendedToken: 32})
	take(release, coap.Settings{MaxMessage: 256, BlockWise: true, ExtendedToken: 32})
	take("\x20\xe1\x21\x80", coap.Settings{MaxMessage: 128, BlockWise: true, ExtendedToken: 32})
	take("\x40\xe1\x22\x04\x00\x50", coap.Settings{MaxMessage: 128, BlockWise: true, ExtendedToken: 32})
	if s.State() != coap.StateFailed || s.Bad != 7 {
		t.Errorf("%v, %d", s.State(), s.Bad)
	}
}

func TestSessionAdvance(t *testing.T) {
	var s coap.Session
	if !s.Advance(coap.EventSendRelease) || s.State() != coap.StateReleaseSent {
		t.Errorf("a Release leads to %v", s.State())
	}
	if s.Advance(coap.EventSendRelease) || s.State() != coap.StateReleaseSent {
		t.Errorf("a second Release leads to %v", s.State())
	}
	if !s.Advance(coap.EventClose) || s.State() != coap.StateClosed || s.Advance(coap.EventClose) {
		t.Errorf("the end leads to %v", s.State())
	}
	m := coap.Message{Code: coap.CodeGET}
	if a, err := s.Take(&m, false); a != coap.ActIgnore || err != nil {
		t.Errorf("a request behind the end is %v, %v", a, err)
	}
}

func TestSessionSize(t *testing.T) {
	if n := unsafe.Sizeof(coap.Session{}); n > 16 {
		t.Errorf("a session has %d bytes, want 16", n)
	}
}
