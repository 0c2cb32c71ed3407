package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/host/coapdial"
)

// Why a request ends before its answer.
var (
	errSilent      = errors.New("silent")
	errInterrupted = errors.New("interrupted")
)

// deadline is a context that ends when nothing has moved for some time, or when
// a signal comes.
type deadline struct {
	context.Context
	cancel context.CancelCauseFunc
	limit  time.Duration
	timer  *time.Timer
}

func (c *asking) deadline(signals <-chan os.Signal) *deadline {
	w := &deadline{limit: c.timeout}
	w.Context, w.cancel = context.WithCancelCause(context.Background())
	w.timer = time.AfterFunc(w.limit, func() { w.cancel(errSilent) })
	go func() {
		select {
		case <-signals:
			w.cancel(errInterrupted)
		case <-w.Done():
		}
	}()
	return w
}

// moved begins the time anew.
func (w *deadline) moved() { w.timer.Reset(w.limit) }

// still ends the time: from now on only a signal ends the context.
func (w *deadline) still() { w.timer.Stop() }

func (w *deadline) end() {
	w.timer.Stop()
	w.cancel(nil)
}

// mostShownWhole is the most that is fetched to be shown on a terminal, in
// bytes.
const mostShownWhole = 1 << 30

// dial connects to the server of the URI.
func (c *asking) dial(w *deadline) (*coapdial.Client, error) {
	return coapdial.Dial(w, c.uri, coapdial.Config{
		Timeout:   c.timeout,
		Memory:    clientMemory,
		BlockSize: c.block,
		MaxBody:   mostShownWhole,
		TLS:       &tls.Config{InsecureSkipVerify: c.insecure, RootCAs: c.ca},
	})
}

// clientMemory is the longest message over TCP that is taken, in bytes.
const clientMemory = 64 << 10

// ask is the request that the flags describe. Whatever body it has is to be
// closed.
func (c *asking) ask() (r coapdial.Request, body io.Closer, err error) {
	r.Method = c.verb.method
	for _, o := range c.options {
		r.Options = append(r.Options, coapdial.Option{Number: o.number, Value: o.value})
	}
	if c.format.given {
		r.Options = append(r.Options, coapdial.Format(c.format.f))
	}
	if c.accept.given {
		r.Options = append(r.Options, coapdial.Accept(c.accept.f))
	}
	switch {
	case c.file == "-":
		r.Body = os.Stdin
	case c.file != "":
		f, err := os.Open(c.file)
		if err != nil {
			return r, nil, fmt.Errorf("-file %s: %v", c.file, cause(err))
		}
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			r.Size = info.Size()
		}
		r.Body = f
		return r, f, nil
	case c.payload != "":
		r.Body = strings.NewReader(c.payload)
	}
	return r, io.NopCloser(nil), nil
}

// showRequest shows what is asked, for -v.
func (c *asking) showRequest(r *coapdial.Request) {
	if !c.verbose {
		return
	}
	fmt.Fprintf(os.Stderr, "> %s %s\n", r.Method.Name(), visible(c.uri))
	for _, o := range r.Options {
		fmt.Fprintf(os.Stderr, "> %s\n", optionText(o.Number, o.Value))
	}
}

// showResponse shows what is answered, but for the body, for -v.
func (c *asking) showResponse(r *coapdial.Response) {
	if !c.verbose {
		return
	}
	fmt.Fprintf(os.Stderr, "< %s\n", codeText(r.Code))
	it := r.Options.Iter()
	for it.Next() {
		fmt.Fprintf(os.Stderr, "< %s\n", optionText(it.Number, it.Value))
	}
	fmt.Fprintf(os.Stderr, "< %s\n", plural(uint64(r.Size), "byte"))
}

// refused says why an answer is no success, and returns the status to end with.
func (c *asking) refused(r *coapdial.Response) int {
	return fail(errors.New(c.refusal(r)))
}

// refusal is what a server says that refuses, and what may help.
func (c *asking) refusal(r *coapdial.Response) string {
	return c.shownURI() + " answers " + codeText(r.Code) + diagnostic(r.Body) + c.advice(r)
}

// advice says what may help where the user can help.
func (c *asking) advice(r *coapdial.Response) string {
	switch r.Code {
	case coap.CodeMethodNotAllowed:
		return "; it does not take " + c.verb.method.Name()
	case coap.CodeUnsupportedContentFormat:
		return "; -format says what the payload is"
	case coap.CodeNotAcceptable:
		return "; it has no such form as -accept asks for"
	case coap.CodeRequestEntityTooLarge:
		if n, ok := r.Options.Uint(coap.OptSize1); ok {
			return "; it takes " + plural(n, "byte") + " at most"
		}
	case coap.CodeRequestEntityIncomplete:
		return "; it has lost what it had of the transfer: try again"
	case coap.CodeServiceUnavailable, coap.CodeTooManyRequests:
		if n, ok := r.Options.Uint(coap.OptMaxAge); ok {
			return "; try again in " + plural(n, "second")
		}
	}
	return ""
}

// shownURI is the URI without its query, which may be a secret.
func (c *asking) shownURI() string {
	before, _, _ := strings.Cut(c.uri, "?")
	return visible(before)
}

// exchange asks once and shows how that goes. It returns an answer that is a
// success; of what is none it says why, and returns the status to end with.
func (c *asking) exchange(w *deadline, client *coapdial.Client, r coapdial.Request) (*coapdial.Response, int) {
	bar := c.transfer(&r, w)
	c.showRequest(&r)
	resp, err := client.Do(w, r)
	bar.end()
	if err != nil {
		return nil, c.failed(err)
	}
	c.showResponse(resp)
	if resp.Err() != nil {
		return nil, c.refused(resp)
	}
	return resp, exitOK
}

// request asks once, and prints what is answered.
func (c *asking) request(signals <-chan os.Signal) int {
	r, body, err := c.ask()
	if err != nil {
		return fail(err)
	}
	defer body.Close()
	w := c.deadline(signals)
	defer w.end()
	client, err := c.dial(w)
	if err != nil {
		return c.failed(err)
	}
	defer client.Close()
	out, err := c.output()
	if err != nil {
		return fail(err)
	}
	defer out.drop()
	r.Into = out.into()
	resp, status := c.exchange(w, client, r)
	if resp == nil {
		return status
	}
	if err := out.take(resp); err != nil {
		return fail(err)
	}
	if resp.Size == 0 && out.seen && !c.quiet && !c.verbose {
		fmt.Fprintln(os.Stderr, codeText(resp.Code))
	}
	return exitOK
}

// discover lists the resources of a server.
func (c *asking) discover(signals <-chan os.Signal) int {
	c.uri = listing(c.uri)
	r, _, err := c.ask()
	if err != nil {
		return fail(err)
	}
	if !c.accept.given {
		r.Options = append(r.Options, coapdial.Accept(coap.FormatLink))
	}
	w := c.deadline(signals)
	defer w.end()
	client, err := c.dial(w)
	if err != nil {
		return c.failed(err)
	}
	defer client.Close()
	resp, status := c.exchange(w, client, r)
	if resp == nil {
		return status
	}
	out, err := c.output()
	if err != nil {
		return fail(err)
	}
	defer out.drop()
	if err := showLinks(out, resp.Body); err != nil {
		return fail(err)
	}
	if err := out.keep(); err != nil {
		return fail(err)
	}
	return exitOK
}

// ping asks for signs of life, a second apart if for more than one.
func (c *asking) ping(signals <-chan os.Signal) int {
	w := c.deadline(signals)
	defer w.end()
	client, err := c.dial(w)
	if err != nil {
		return c.failed(err)
	}
	defer client.Close()
	for i := range max(c.count, 1) {
		if i > 0 {
			w.still()
			select {
			case <-time.After(time.Second):
			case <-w.Done():
				return c.failed(context.Cause(w))
			}
		}
		w.moved()
		began := time.Now()
		if err := client.Ping(w); err != nil {
			return c.failed(err)
		}
		fmt.Printf("%v is there, and answers within %v\n", client.RemoteAddr(), time.Since(began).Round(time.Microsecond))
	}
	return exitOK
}
