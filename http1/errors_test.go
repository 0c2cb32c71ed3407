package http1_test

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
)

func TestErrors(t *testing.T) {
	seen := map[string]bool{}
	for e := http1.Error(1); e < http1.NumErrors; e++ {
		text := e.Error()
		if !strings.HasPrefix(text, "http1: ") || len(text) < 10 || seen[text] {
			t.Errorf("error %d has the text %q", e, text)
		}
		seen[text] = true
		if http1.StatusText(e.Status()) == "" {
			t.Errorf("%v has the status %d", e, e.Status())
		}
		// The peer's fault is 4xx, or what is not implemented; the program's is 500.
		if own := e >= http1.ErrState; own != (e.Status() == 500) {
			t.Errorf("%v has the status %d", e, e.Status())
		}
	}
	for _, e := range []http1.Error{0, http1.NumErrors, 255} {
		if e.Error() != "http1: unknown error" || e.Status() != 500 {
			t.Errorf("error %d is %q, %d", e, e.Error(), e.Status())
		}
	}
}

func TestStatusOfErrors(t *testing.T) {
	for e, want := range map[http1.Error]int{
		http1.ErrMethodByte: 400, http1.ErrMethodLong: 501, http1.ErrTargetLong: 414, http1.ErrVersion: 505,
		http1.ErrFold: 400, http1.ErrHeadLong: 431, http1.ErrFields: 431, http1.ErrHostMissing: 400,
		http1.ErrCoding: 501, http1.ErrExpect: 417, http1.ErrContentLong: 413, http1.ErrLengthRange: 413,
	} {
		if e.Status() != want {
			t.Errorf("%v has the status %d, want %d", e, e.Status(), want)
		}
	}
}
