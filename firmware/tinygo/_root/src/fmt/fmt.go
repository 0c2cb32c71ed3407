// Package fmt is the part of the standard library's that TCP/IP stacks and
// drivers call to describe themselves, without the formatting: a text is its
// format. The real one brings reflection, the printing of floating-point
// numbers and the description of every type along, about 45 KB of a
// microcontroller's flash, for texts that nobody reads there.
package fmt

import (
	"errors"
	"io"
)

// Stringer has a text.
type Stringer interface{ String() string }

// State is what a Formatter prints to.
type State interface {
	Write(b []byte) (n int, err error)
	Width() (wid int, ok bool)
	Precision() (prec int, ok bool)
	Flag(c int) bool
}

// Formatter prints itself.
type Formatter interface{ Format(f State, verb rune) }

// Sprintf returns the format.
func Sprintf(format string, _ ...any) string { return format }

// Sprint returns nothing.
func Sprint(...any) string { return "" }

// Sprintln returns nothing.
func Sprintln(...any) string { return "" }

// Errorf returns an error with the format as its text, which wraps nothing.
func Errorf(format string, _ ...any) error { return errors.New(format) }

// Appendf appends the format.
func Appendf(b []byte, format string, _ ...any) []byte { return append(b, format...) }

// Fprintf writes the format.
func Fprintf(w io.Writer, format string, _ ...any) (int, error) { return io.WriteString(w, format) }

// Fprint writes nothing.
func Fprint(io.Writer, ...any) (int, error) { return 0, nil }

// Fprintln writes nothing.
func Fprintln(io.Writer, ...any) (int, error) { return 0, nil }

// Printf writes nothing.
func Printf(string, ...any) (int, error) { return 0, nil }

// Print writes nothing.
func Print(...any) (int, error) { return 0, nil }

// Println writes nothing.
func Println(...any) (int, error) { return 0, nil }
