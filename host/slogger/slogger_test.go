package slogger_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/host/slogger"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/internal/childtest"
)

func TestEvents(t *testing.T) {
	var out childtest.Text
	l := slogger.New(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	for _, tt := range []struct {
		e    engine.Event
		want []string
	}{
		{engine.Event{Kind: engine.EventTimeout, Code: int32(engine.PhaseHead), Handle: 5, Worker: -1}, []string{"level=INFO", "msg=timeout", "connection=5", "phase=head", "worker=-1"}},
		{engine.Event{Kind: engine.EventPanic}, []string{"level=ERROR", "msg=panic"}},
		{engine.Event{Kind: engine.EventAccepted, Code: 2}, []string{"level=DEBUG", "code=2"}},
		{engine.Event{Kind: engine.EventAccept}, []string{"level=WARN", "out of descriptors"}},
	} {
		before := len(out.String())
		l.Event(tt.e)
		line := out.String()[before:]
		for _, w := range tt.want {
			if !strings.Contains(line, w) {
				t.Errorf("%v is logged as %q, without %s", tt.e, line, w)
			}
		}
	}
}

func TestNoAllocsBelowTheLevel(t *testing.T) {
	l := slogger.New(slog.New(slog.NewTextHandler(&childtest.Text{}, &slog.HandlerOptions{Level: slog.LevelError})))
	alloctest.Zero(t, "Event", func() { l.Event(engine.Event{Kind: engine.EventTimeout}) })
	alloctest.Zero(t, "Access", func() { l.Access(nil, 200, 0, 0) })
}

func TestServer(t *testing.T) {
	var out childtest.Text
	l := slogger.New(slog.New(slog.NewTextHandler(&out, nil)))
	srv, err := bobtail.New(bobtail.Config{Log: l.Event, Access: l.Access})
	if err != nil {
		t.Fatal(err)
	}
	srv.Handle("GET /", func(w bobtail.Response, r *bobtail.Request) error { return w.Text("hi") })
	a, err := srv.Listen("127.0.0.1:0")
	if err == nil {
		err = srv.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get("http://" + a.String() + "/?x=1")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	srv.Close()
	for _, w := range []string{"msg=request", "status=200", "method=GET", `target="/?x=1"`, "bytes=2", "took=", "remote=127.0.0.1:"} {
		if !strings.Contains(out.String(), w) {
			t.Errorf("%q is without %s", out.String(), w)
		}
	}
}
