// Package slog is the part of the standard library's log/slog that TCP/IP
// stacks and drivers call, without effect. The real one brings package fmt, a
// JSON encoder, reflection and the tables of Unicode along, about 124 KB of a
// microcontroller's flash, also where every Logger is nil.
package slog

import (
	"context"
	"io"
	"time"
)

// A Level is the importance of a message.
type Level int

// The levels.
const (
	LevelDebug Level = -4
	LevelInfo  Level = 0
	LevelWarn  Level = 4
	LevelError Level = 8
)

// Level returns l.
func (l Level) Level() Level { return l }

// String returns nothing.
func (l Level) String() string { return "" }

// A Leveler gives a level.
type Leveler interface{ Level() Level }

// Attr is a name and a value, and here always the zero one.
type Attr struct {
	Key   string
	Value Value
}

// Value is a value of any kind, and here none.
type Value struct{}

// Kind returns KindAny.
func (Value) Kind() Kind { return KindAny }

// String returns nothing.
func (Value) String() string { return "" }

// Kind is the kind of a value.
type Kind int

// The kinds.
const (
	KindAny Kind = iota
	KindBool
	KindDuration
	KindFloat64
	KindInt64
	KindString
	KindTime
	KindUint64
	KindGroup
	KindLogValuer
)

// Any drops its arguments, like the functions after it.
func Any(string, any) Attr { return Attr{} }

// Bool drops its arguments.
func Bool(string, bool) Attr { return Attr{} }

// Duration drops its arguments.
func Duration(string, time.Duration) Attr { return Attr{} }

// Float64 drops its arguments.
func Float64(string, float64) Attr { return Attr{} }

// Int drops its arguments.
func Int(string, int) Attr { return Attr{} }

// Int64 drops its arguments.
func Int64(string, int64) Attr { return Attr{} }

// String drops its arguments.
func String(string, string) Attr { return Attr{} }

// Uint64 drops its arguments.
func Uint64(string, uint64) Attr { return Attr{} }

// Group drops its arguments.
func Group(string, ...any) Attr { return Attr{} }

// Handler takes no records.
type Handler interface {
	Enabled(context.Context, Level) bool
}

// HandlerOptions has no effect.
type HandlerOptions struct {
	AddSource   bool
	Level       Leveler
	ReplaceAttr func(groups []string, a Attr) Attr
}

// TextHandler writes nothing.
type TextHandler struct{}

// Enabled returns false.
func (*TextHandler) Enabled(context.Context, Level) bool { return false }

// NewTextHandler returns a handler that writes nothing.
func NewTextHandler(io.Writer, *HandlerOptions) *TextHandler { return &TextHandler{} }

// A Logger writes nothing.
type Logger struct{}

// New returns a Logger.
func New(Handler) *Logger { return &Logger{} }

// Default returns nil, the Logger that packages take for none.
func Default() *Logger { return nil }

// Handler returns a handler that wants nothing.
func (*Logger) Handler() Handler { return (*TextHandler)(nil) }

// Enabled returns false.
func (*Logger) Enabled(context.Context, Level) bool { return false }

// LogAttrs does nothing.
func (*Logger) LogAttrs(context.Context, Level, string, ...Attr) {}

// Log does nothing.
func (*Logger) Log(context.Context, Level, string, ...any) {}

// Debug does nothing.
func (*Logger) Debug(string, ...any) {}

// Info does nothing.
func (*Logger) Info(string, ...any) {}

// Warn does nothing.
func (*Logger) Warn(string, ...any) {}

// Error does nothing.
func (*Logger) Error(string, ...any) {}

// With returns l.
func (l *Logger) With(...any) *Logger { return l }

// WithGroup returns l.
func (l *Logger) WithGroup(string) *Logger { return l }

// Debug does nothing.
func Debug(string, ...any) {}

// Info does nothing.
func Info(string, ...any) {}

// Warn does nothing.
func Warn(string, ...any) {}

// Error does nothing.
func Error(string, ...any) {}
