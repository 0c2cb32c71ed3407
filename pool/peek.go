package pool

// Peek is the signals that have come to a slot which the caller owns. They
// stay noted.
func (p *Pool) Peek(s *Slot) Signals {
	_, noted, _ := splitWord(s.word.Load())
	return noted
}
