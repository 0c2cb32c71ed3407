package site

import "github.com/bobtail-go/bobtail/internal/ascii"

const (
	on  = "on"
	off = "off"

	// wrong is what is said to who sends something else.
	wrong = "Want on or off.\n"
)

// LED reports whether the LED is on.
func (s *Site) LED() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.on
}

// SetLED switches the LED, and tells all who look.
func (s *Site) SetLED(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.on == on {
		return
	}
	s.on = on
	if s.board.LED != nil {
		s.board.LED(on)
	}
	if s.tellLED != nil {
		s.tellLED()
	}
	if s.tellSockets != nil {
		s.tellSockets()
	}
}

// setText switches the LED as a text says, and reports whether it says so.
func (s *Site) setText(b []byte) bool {
	for len(b) > 0 && (b[len(b)-1] == '\n' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	switch {
	case ascii.Equal(b, on):
		s.SetLED(true)
	case ascii.Equal(b, off):
		s.SetLED(false)
	default:
		return false
	}
	return true
}

func word(isOn bool) string {
	if isOn {
		return on
	}
	return off
}
