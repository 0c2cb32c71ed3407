package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/bobtail-go/bobtail/coap"
)

// observe prints the states of a resource: so many as were asked for, or until
// Ctrl-C.
func (c *asking) observe(signals <-chan os.Signal) int {
	r, _, err := c.ask()
	if err != nil {
		return fail(err)
	}
	w := c.deadline(signals)
	defer w.end()
	client, err := c.dial(w)
	if err != nil {
		return c.failed(err)
	}
	defer client.Close()
	seen := 0
	c.showRequest(&r)
	for resp, err := range client.Observe(w, r) {
		switch {
		case resp == nil:
			if context.Cause(w) == errInterrupted && seen > 0 && c.count == 0 {
				return exitOK // that is how it ends
			}
			return c.failed(err)
		case err != nil:
			c.showResponse(resp)
			return c.refused(resp)
		}
		w.still()
		c.showResponse(resp)
		if err := c.state(resp); err != nil {
			return fail(err)
		}
		if !resp.Options.Has(coap.OptObserve) && seen == 0 {
			return fail(fmt.Errorf("%s cannot be observed; this is its present state", c.shownURI()))
		}
		if seen++; seen == c.count {
			return exitOK
		}
	}
	return fail(errors.New("the server has ended the observation"))
}
