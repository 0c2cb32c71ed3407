package web

import "github.com/bobtail-go/bobtail/internal/pattern"

// MaxWildcards is the most wildcards that a pattern may have.
const MaxWildcards = pattern.MaxWildcards

// PatternError says why a pattern was refused.
type PatternError struct {
	Pattern string
	Other   string // the pattern that it conflicts with, if it does
	Err     Error  // ErrPattern or ErrConflict
	why     string
}

// Error says what is wrong with which pattern.
func (e *PatternError) Error() string {
	if e.Other != "" {
		return "web: pattern \"" + e.Pattern + "\" conflicts with \"" + e.Other + "\": " + e.why
	}
	return "web: pattern \"" + e.Pattern + "\": " + e.why
}

// Unwrap is the Err, for errors.Is.
func (e *PatternError) Unwrap() error { return e.Err }

func badPattern(text, why string) error {
	return &PatternError{Pattern: text, Err: ErrPattern, why: why}
}
