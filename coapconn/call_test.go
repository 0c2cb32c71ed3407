package coapconn_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/coap"
)

func TestDo(t *testing.T) {
	c, p, _ := live(t)
	done := make(chan error)
	a := newCall(coap.CodeGET, "hello", "")
	go func() { done <- c.Do(a, nil) }()
	m := p.next()
	if m.Code != coap.CodeGET || string(m.Options.AppendPath(nil)) != "/hello" {
		t.Fatalf("%s %s", m.Code, m.Options.AppendPath(nil))
	}
	p.send(coap.CodeContent, m.Token, options("ETag=x"), "world")
	must(t, within(t, done, "answer"))
	if a.Answer.Code != coap.CodeContent || string(a.Answer.Payload) != "world" || !a.Answer.Options.Has(coap.OptETag) {
		t.Errorf("%s %q", a.Answer.Code, a.Answer.Payload)
	}
}
