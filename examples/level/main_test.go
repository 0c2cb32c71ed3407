package main

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/host/coapdial"
)

func TestLevel(t *testing.T) {
	srv, err := bobtail.New(bobtail.Config{Sockets: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	if err := serve(srv); err != nil {
		t.Fatal(err)
	}
	addr, err := srv.Listen("coap+tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	c, err := coapdial.Dial(t.Context(), "coap+tcp://"+addr.String(), coapdial.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	put := func(text string) coap.Code {
		resp, err := c.Do(t.Context(), coapdial.Request{Method: coap.CodePUT, Path: "/level", Body: strings.NewReader(text)})
		if err != nil {
			t.Fatal(err)
		}
		return resp.Code
	}
	var seen []string
	for resp, err := range c.Observe(t.Context(), coapdial.Request{Path: "/level"}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen = append(seen, string(resp.Body)); len(seen) == 3 {
			break
		}
		if code := put(string('6' + rune(len(seen)))); code != coap.CodeChanged {
			t.Fatal(code)
		}
	}
	if got := strings.Join(seen, " "); got != "0 7 8" {
		t.Errorf("observed %s", got)
	}
	for _, wrong := range []string{"", "x", "10"} {
		if code := put(wrong); code != coap.CodeBadRequest {
			t.Errorf("%q is answered %v", wrong, code)
		}
	}
}
