package coap_test

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
)

func TestErrors(t *testing.T) {
	seen := map[string]bool{}
	for e := coap.Error(1); e < coap.NumErrors; e++ {
		text := e.Error()
		if !strings.HasPrefix(text, "coap: ") || len(text) < 12 || seen[text] {
			t.Errorf("error %d has the text %q", e, text)
		}
		seen[text] = true
		if c := e.Code(); c.Class() != 4 || c.Name() == "" {
			t.Errorf("%v has the code %v", e, c)
		}
	}
	for _, e := range []coap.Error{0, coap.NumErrors, 255} {
		if e.Error() != "coap: unknown error" || e.Code() != coap.CodeInternalServerError {
			t.Errorf("error %d is %q, %v", e, e.Error(), e.Code())
		}
	}
	for e, want := range map[coap.Error]coap.Code{
		coap.ErrOptionEnd: coap.CodeBadRequest, coap.ErrBlock: coap.CodeBadOption, coap.ErrMessageTooBig: coap.CodeRequestEntityTooLarge,
		coap.ErrSignalOption: coap.CodeBadOption,
	} {
		if e.Code() != want {
			t.Errorf("%v has the code %v, want %v", e, e.Code(), want)
		}
	}
}
