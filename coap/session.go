package coap

// Action is what is to be done about a message that came.
type Action uint8

// The actions.
const (
	_ Action = iota

	ActIgnore   // nothing: an empty message, a CSM, which is noted, or what comes behind the end
	ActRequest  // answer the request
	ActResponse // give the response to who waits for its token, or drop it
	ActPong     // answer the Ping: AppendPong with its token, at once, or when all before it is processed if Custody tells so
	ActPonged   // the Pong to a Ping of ours, if one has its token
	ActRelease  // answer what came before, wait for what was asked if that is worth it, then close; see ParseRelease
	ActAborted  // close, and process nothing of what is under way; see ParseAbort
	ActReject   // send AppendAbort with Session.Bad and the error's text, then close
	numActions
)

var actionNames = [numActions]string{
	ActIgnore: "Ignore", ActRequest: "Request", ActResponse: "Response", ActPong: "Pong", ActPonged: "Ponged",
	ActRelease: "Release", ActAborted: "Aborted", ActReject: "Reject",
}

// String is the name of the action without its prefix.
func (a Action) String() string {
	if a != 0 && a < numActions {
		return actionNames[a]
	}
	return "Illegal"
}

// Session is what an end of a connection over a reliable transport knows of the
// other: 16 bytes without pointers. Its zero value is that of a connection on
// which nothing came yet. It is for one goroutine at a time.
//
// What a Session does not do is to hold a message to what its own end has
// announced: that is to be done when no more than the header is here, by
// Settings.Check.
type Session struct {
	Peer  Settings // what the peer has announced
	Bad   Option   // behind ActReject: the option to name in the Abort, 0 for none
	state State    // StateIllegal stands for StateFresh
}

// State is how far the connection has come.
func (s *Session) State() State {
	if s.state == StateIllegal {
		return StateFresh
	}
	return s.state
}

// Advance notes what Take does not see: what was sent, a rule broken by what is
// no message, and the end. It reports whether that can happen in the state; if
// not, nothing is noted. EventSend need not be noted: it leads nowhere.
func (s *Session) Advance(e Event) bool {
	next, ok := s.State().Next(e)
	if ok {
		s.state = next
	}
	return ok
}

// Take says what is to be done about a whole message that came, and notes what
// it says of the connection. The error is what is wrong with it, with ActReject
// alone. A message is not kept.
//
// A peer whose first message is no CSM breaks RFC 8323 section 5.3, as many do.
// If strict it is rejected. Otherwise it is served with base values, and a CSM
// that comes late is taken.
func (s *Session) Take(m *Message, strict bool) (Action, error) {
	if m.Code == CodeEmpty {
		return ActIgnore, nil // RFC 8323 section 3.4: at any time, whatever is in it
	}
	state := s.State()
	if state >= StateFailed {
		return ActIgnore, nil
	}
	if state == StateFresh && strict && m.Code != CodeCSM && m.Code != CodeAbort {
		return s.reject(ErrNoCSM)
	}
	switch {
	case m.Code.IsRequest():
		// RFC 8323 section 5.5: who has sent a Release should send no request
		// behind it, and nobody has to look at one.
		if state == StateReleaseReceived || state == StateReleased {
			return ActIgnore, nil
		}
		s.Advance(EventReceive)
		return ActRequest, nil
	case m.Code.IsResponse():
		s.Advance(EventReceive)
		return ActResponse, nil
	case m.Code.IsSignal():
		return s.signal(m, state)
	}
	return s.reject(ErrMessageCode) // RFC 7252 section 4.2: the classes 1 and 6
}

// signal is Take of a signalling message. Options that are not known are
// ignored if they are elective (RFC 7252 section 5.4.1), and end the connection
// if they are critical (RFC 8323 section 5.2).
func (s *Session) signal(m *Message, state State) (Action, error) {
	if m.Code == CodeCSM {
		if bad, err := s.Peer.Update(m.Options); err != nil {
			s.Bad = bad
			s.Advance(EventSendAbort)
			return ActReject, err
		}
		s.Advance(EventReceiveCSM)
		return ActIgnore, nil
	}
	if m.Code > CodeAbort || m.Code < CodeCSM {
		return s.reject(ErrSignalCode)
	}
	if m.Code == CodeAbort {
		s.Advance(EventReceiveAbort) // the end, whatever it says besides
		return ActAborted, nil
	}
	// All options that there are for the other codes are elective, and so each
	// critical one is unknown.
	it := m.Options.Iter()
	for it.Next() {
		if it.Number.IsCritical() {
			return s.reject(ErrSignalOption)
		}
	}
	switch m.Code {
	case CodePing:
		s.Advance(EventReceive)
		return ActPong, nil
	case CodePong:
		s.Advance(EventReceive)
		return ActPonged, nil
	}
	s.Advance(EventReceiveRelease)
	if state == StateReleaseReceived || state == StateReleased {
		return ActIgnore, nil // said again
	}
	return ActRelease, nil
}

func (s *Session) reject(e Error) (Action, error) {
	s.Advance(EventSendAbort)
	return ActReject, e
}
