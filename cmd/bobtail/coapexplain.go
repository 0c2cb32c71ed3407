package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/host/coapdial"
)

// failed says in one line why there is no answer, and returns the status to end
// with.
func (c *asking) failed(err error) int {
	var step *coapdial.OpError
	if errors.As(err, &step) && step.Op == coapdial.OpPrepare {
		return refuse("%s", c.explain(err))
	}
	return fail(errors.New(c.explain(err)))
}

// explain says what is wrong, and what to do.
func (c *asking) explain(err error) string {
	var step *coapdial.OpError
	why := err
	if errors.As(err, &step) {
		why = step.Err
	}
	say := func(format string, args ...any) string {
		return c.shownURI() + ": " + fmt.Sprintf(format, args...)
	}
	var (
		unknown   x509.UnknownAuthorityError
		untrusted *tls.CertificateVerificationError
		name      *net.DNSError
		network   *net.OpError
		rule      coap.Error
	)
	if e := (*coapdial.CodeError)(nil); errors.As(why, &e) {
		// In the midst of a transfer by blocks.
		return c.refusal(&coapdial.Response{Code: e.Code, Body: []byte(e.Diagnostic)})
	}
	switch {
	case errors.Is(why, errInterrupted):
		return "interrupted before all was answered"
	case errors.Is(why, errSilent), errors.Is(why, context.DeadlineExceeded):
		return say("there is no answer within %v; -timeout waits longer%s", c.timeout, c.otherwise())
	case errors.Is(why, coapdial.ErrScheme), errors.Is(why, coap.ErrURIScheme):
		return say("want coap+tcp://HOST/PATH, coaps+tcp:// or coap://; DTLS is not here")
	case errors.Is(why, coapdial.ErrOption):
		return "one of the -option is for the client to set, or too long"
	case errors.As(why, &unknown), errors.As(why, &untrusted):
		return say("the server's certificate is not accepted: %v; -insecure accepts any, -ca names who vouches", why)
	case errors.As(why, &name):
		return say("there is no host %s: %s", name.Name, name.Err)
	case errors.Is(why, syscall.ECONNREFUSED):
		return say("nobody serves there%s", c.otherwise())
	case errors.As(why, &network) && network.Op == "dial":
		return say("cannot connect to %v: %v", network.Addr, bare(network.Err))
	case errors.As(why, &rule):
		text := strings.TrimPrefix(rule.Error(), "coap: ")
		if step != nil && step.Op == coapdial.OpPrepare {
			return say("this is no URI of CoAP: %s", text)
		}
		return say("the server breaks the protocol: %s", text)
	}
	text := why.Error()
	for _, prefix := range []string{"coapdial: ", "coapconn: ", "coapudp: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return say("%s", text)
}

// otherwise suggests the other transport.
func (c *asking) otherwise() string {
	if rest, ok := strings.CutPrefix(c.shownURI(), "coap://"); ok {
		return "; over TCP it would be coap+tcp://" + rest
	}
	if rest, ok := strings.CutPrefix(c.shownURI(), "coap+tcp://"); ok {
		return "; over UDP it would be coap://" + rest
	}
	return ""
}
