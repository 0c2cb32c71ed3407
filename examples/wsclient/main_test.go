package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

func TestClient(t *testing.T) {
	srv, err := bobtail.New(bobtail.Config{Sockets: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	d, err := websocket.New(srv, websocket.Config{})
	if err != nil {
		t.Fatal(err)
	}
	echo := d.Upgrade(websocket.Options{}, websocket.Handler{
		Data: func(c *websocket.Conn, p ws.Part) error { return c.Piece(p.Op, p.Last, p.Payload) },
	})
	if err := srv.Handle("GET /ws", echo); err != nil {
		t.Fatal(err)
	}
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	url := "ws://" + addr.String()
	var out strings.Builder
	const want = "hello -> hello\nhow are you? -> how are you?\n\U0001f419 -> \U0001f419\n8 MiB there and back\n"
	if err := talk(t.Context(), url+"/ws", &out); err != nil || out.String() != want {
		t.Errorf("%q, %v, want %q", out.String(), err, want)
	}
	var refused *wsdial.StatusError
	if err := talk(t.Context(), url+"/none", &out); !errors.As(err, &refused) || refused.Code != 404 {
		t.Errorf("where there is none: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := talk(ctx, url+"/ws", &out); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}
