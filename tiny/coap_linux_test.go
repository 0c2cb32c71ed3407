//go:build (amd64 || arm64) && !nocoap

package main

import (
	"context"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/host/coapdial"
)

// TestCoAP has the rest of its cases in bobtail coap conform.
func TestCoAP(t *testing.T) {
	onWorkers(t, func(t *testing.T, p *program) {
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		defer cancel()
		c, err := coapdial.Dial(ctx, "coap+tcp://"+p.coap, coapdial.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Ping(ctx); err != nil {
			t.Fatal(err)
		}
		payload := strings.Repeat("squid ", 180)
		for _, r := range []struct {
			method  coap.Code
			path    string
			options []coapdial.Option
			payload string
			code    coap.Code
			want    string
		}{
			{coap.CodeGET, "/hello", nil, "", coap.CodeContent, hello},
			{coap.CodeGET, "/hello", []coapdial.Option{coapdial.Accept(coap.FormatText)}, "", coap.CodeContent, hello},
			{coap.CodeGET, "/hello", []coapdial.Option{coapdial.Accept(coap.FormatJSON)}, "", coap.CodeNotAcceptable, ""},
			{coap.CodeGET, "/.well-known/core", nil, "", coap.CodeContent, links},
			{coap.CodeGET, "/nothing", nil, "", coap.CodeNotFound, ""},
			{coap.CodeGET, "/hello/", nil, "", coap.CodeNotFound, ""},
			{coap.CodeGET, "/.well-known%2Fcore", nil, "", coap.CodeNotFound, ""},
			{coap.CodeGET, "/" + strings.Repeat("a", 200), nil, "", coap.CodeNotFound, ""},
			{coap.CodeDELETE, "/hello", nil, "", coap.CodeMethodNotAllowed, ""},
			{coap.CodeGET, "/echo", nil, "", coap.CodeMethodNotAllowed, ""},
			{coap.CodePOST, "/echo", []coapdial.Option{coapdial.Format(coap.FormatJSON)}, payload, coap.CodeChanged, payload},
			{coap.CodePOST, "/echo", nil, "", coap.CodeChanged, ""},
			{coap.CodeGET, "/hello", []coapdial.Option{{Number: coap.OptIfMatch, Value: nil}}, "", coap.CodeBadOption, ""},
			{coap.CodeGET, "/hello", []coapdial.Option{coapdial.Text(coap.OptProxyURI, "coap://a/b")}, "", coap.CodeProxyingNotSupported, ""},
		} {
			got, err := c.Do(ctx, coapdial.Request{Method: r.method, Path: r.path, Options: r.options, Body: strings.NewReader(r.payload)})
			if err != nil {
				t.Fatalf("%v %s: %v", r.method.Name(), r.path, err)
			}
			if got.Code != r.code || string(got.Body) != r.want {
				t.Errorf("%v %s: %v with %.60q, want %v with %.60q", r.method.Name(), r.path, got.Code, got.Body, r.code, r.want)
			}
			if r.code == coap.CodeChanged {
				if f, ok := got.Format(); ok != (r.payload != "") || ok && f != coap.FormatJSON {
					t.Errorf("the echo has the format %v, %v", f, ok)
				}
			}
		}
		if got, err := c.Get(ctx, "/time"); err != nil || !strings.HasSuffix(string(got.Body), " GMT") {
			t.Errorf("the time is %v, %v", got, err)
		}
		if err := c.Release(ctx); err != nil {
			t.Error(err)
		}
	})
}

// TestCoAPOptions sends options that no client of ours does: critical ones that are
// not understood (RFC 7252 section 5.4.1), and a proxy's without a path.
func TestCoAPOptions(t *testing.T) {
	p := launch(t, 1)
	for _, r := range []struct {
		name    string
		code    byte
		options string
		answer  string
	}{
		{"Block2", 1, "\xb5hello\xc1\x50", "\x82"},
		{"Block1", 2, "\xb4echo\xd1\x03\x08", "\x82"},
		{"Proxy-Uri alone", 1, "\xd9\x16coap://ab", "\xa5"},
	} {
		t.Run(r.name, func(t *testing.T) {
			c := p.dial(p.coap).want("\x00\xe1")
			c.t = t
			c.send("\x00\xe1" + string([]byte{byte(len(r.options)) << 4, r.code}) + r.options).want("\x00" + r.answer)
		})
	}
}

// TestCoAPEnd has the program tell its peers that it ends.
func TestCoAPEnd(t *testing.T) {
	p := launch(t, 2)
	c := p.dial(p.coap).want("\x00\xe1").send("\x00\xe1\x00\xe2").want("\x00\xe3")
	go p.stop()
	c.want("\x00\xe4").end()
	p.stop()
}

// TestCoAPPing has a peer be silent.
func TestCoAPPing(t *testing.T) {
	t.Parallel()
	p := launch(t, 1, "-t", "1")
	lively, dead := p.dial(p.coap).want("\x00\xe1"), p.dial(p.coap).want("\x00\xe1").send("\x00\xe1")
	lively.send("\x00\xe1").want("\x00\xe2").send("\x00\xe3")
	dead.want("\x00\xe2").end()
	lively.send("\x00\xe2").want("\x00\xe3")
}
