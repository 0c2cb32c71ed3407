package form

import (
	"strings"
	"testing"
)

func TestErrors(t *testing.T) {
	texts := map[string]Error{}
	for e := Error(1); e < numErrors; e++ {
		text := e.Error()
		if !strings.HasPrefix(text, "form: ") || text == "form: unknown error" {
			t.Errorf("error %d is %q", e, text)
		}
		if other, ok := texts[text]; ok {
			t.Errorf("errors %d and %d are both %q", other, e, text)
		}
		texts[text] = e
		switch s := e.Status(); s {
		case 400, 413, 415:
		case 500:
			if e != ErrMemory {
				t.Errorf("%v has status 500", e)
			}
		default:
			t.Errorf("%v has status %d", e, s)
		}
	}
	for _, e := range []Error{0, numErrors, 255} {
		if e.Error() != "form: unknown error" || e.Status() != 500 {
			t.Errorf("error %d is %q, %d", e, e.Error(), e.Status())
		}
	}
	for _, e := range []Error{ErrShort, ErrHeaderLong, ErrParts, ErrTotal} {
		if e.Status() != 413 {
			t.Errorf("%v is a limit and has status %d", e, e.Status())
		}
	}
}
