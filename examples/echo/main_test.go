package main

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/ws"
)

func TestEcho(t *testing.T) {
	srv, err := bobtail.New(bobtail.Config{Sockets: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	if err := serve(srv); err != nil {
		t.Fatal(err)
	}
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	c, err := wsdial.Dial(t.Context(), "ws://"+addr.String()+"/", wsdial.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	for _, text := range []string{"squid", "", strings.Repeat("tentacle ", 500)} {
		if err := c.WriteMessage(ws.OpText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if op, p, err := c.Receive(); err != nil || op != ws.OpText || string(p) != text {
			t.Errorf("the echo of %.10q is %v, %.10q, %v", text, op, p, err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
