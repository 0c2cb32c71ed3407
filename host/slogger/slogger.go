// Package slogger gives a server's events and requests to log/slog.
//
//	l := slogger.New(slog.Default())
//	srv, err := bobtail.New(bobtail.Config{Log: l.Event, Access: l.Access})
//
// Nothing is allocated for what the logger's handler does not want at its
// level. The handler runs on the goroutine that makes a thing happen, often a
// worker: it should not block.
package slogger

import (
	"context"
	"log/slog"
	"time"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/web"
)

// Logger writes to a slog.Logger. Its methods may be called by any goroutine.
type Logger struct {
	to *slog.Logger

	// Requests is the level of answered requests below 500; others are
	// slog.LevelError. It is slog.LevelInfo from New, and not to be changed
	// when the server runs.
	Requests slog.Level
}

// New makes a Logger.
func New(to *slog.Logger) *Logger { return &Logger{to: to, Requests: slog.LevelInfo} }

// levelOf is how much an event is worth: what goes as it should is for
// debugging, a peer that is cut off is of interest, and a program that fails is
// an error.
func levelOf(k engine.EventKind) slog.Level {
	switch k {
	case engine.EventAccepted, engine.EventClosed, engine.EventRequest:
		return slog.LevelDebug
	case engine.EventHandler, engine.EventPanic:
		return slog.LevelError
	case engine.EventRefused, engine.EventReclaimed, engine.EventDeposed, engine.EventAccept, engine.EventStalled:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// Event is for Config.Log.
func (l *Logger) Event(e engine.Event) {
	ctx, level := context.Background(), levelOf(e.Kind)
	if !l.to.Enabled(ctx, level) {
		return
	}
	code := slog.Int("code", int(e.Code))
	if e.Kind == engine.EventTimeout || e.Kind == engine.EventClosed || e.Kind == engine.EventAborted {
		code = slog.String("phase", engine.Phase(e.Code).String())
	}
	l.to.LogAttrs(ctx, level, e.Kind.String(), slog.Uint64("connection", uint64(e.Handle)), slog.Int("worker", int(e.Worker)), code)
}

// Access is for Config.Access.
func (l *Logger) Access(r *web.Request, code int, bytes, took int64) {
	ctx, level := context.Background(), l.Requests
	if code >= 500 {
		level = slog.LevelError
	}
	if !l.to.Enabled(ctx, level) {
		return
	}
	// The bytes of the request are gone when this returns, so they are copied.
	l.to.LogAttrs(ctx, level, "request", slog.Int("status", code),
		slog.String("method", string(r.MethodName())), slog.String("target", string(r.Target())),
		slog.Int64("bytes", bytes), slog.Duration("took", time.Duration(took)), slog.Any("remote", remote(r.Remote())))
}

// remote is written only if a handler asks for it.
type remote transport.Addr

// LogValue implements slog.LogValuer.
func (a remote) LogValue() slog.Value { return slog.StringValue(transport.Addr(a).String()) }
