package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/ws"
)

func TestChat(t *testing.T) {
	srv, err := bobtail.New(bobtail.Config{Sockets: 128})
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
	r, err := http.Get("http://" + addr.String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r.Body)
	r.Body.Close()
	if err != nil || string(b) != page {
		t.Errorf("the page has %d bytes, %v", len(b), err)
	}

	enter := func(room string) (*wsdial.Conn, error) {
		return wsdial.Dial(t.Context(), "ws://"+addr.String()+"/rooms/"+room, wsdial.Config{})
	}
	must := func(c *wsdial.Conn, err error) *wsdial.Conn {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.CloseNow() })
		if _, p, err := c.Receive(); err != nil || string(p) != welcome {
			t.Fatalf("came in to %q, %v", p, err)
		}
		return c
	}
	say := func(c *wsdial.Conn, text string) {
		t.Helper()
		if err := c.WriteMessage(ws.OpText, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	hears := func(c *wsdial.Conn, text string) {
		t.Helper()
		if op, p, err := c.Receive(); err != nil || op != ws.OpText || string(p) != text {
			t.Errorf("heard %v, %q, %v, want %q", op, p, err, text)
		}
	}
	one, other, elsewhere := must(enter("squids")), must(enter("squids")), must(enter("crabs"))
	say(elsewhere, "who is here?")
	hears(elsewhere, "who is here?")
	say(one, "hello")
	hears(one, "hello")
	hears(other, "hello")
	say(other, "hello yourself")
	hears(one, "hello yourself")
	hears(other, "hello yourself")

	// Who says too much is not heard any more.
	say(elsewhere, strings.Repeat("a", 1001))
	if _, _, err := elsewhere.Receive(); err == nil {
		t.Error("a message that is too long was heard")
	}

	for i := range mostRooms - 2 {
		must(enter(fmt.Sprint("room", i))).Close()
	}
	if c, err := enter("onemore"); err == nil {
		c.Close()
		t.Error("there is a room too many")
	}
	must(enter("squids"))
}
