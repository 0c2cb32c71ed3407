package same

import (
	"errors"
	"io"
	"testing"
)

type pointer struct{ n int }

func (p *pointer) Error() string { return "" }

type other pointer

func (o *other) Error() string { return "" }

func TestError(t *testing.T) {
	one, two := &pointer{1}, &pointer{1}
	for _, test := range []struct {
		name string
		a, b error
		want bool
	}{
		{"one value", io.EOF, io.EOF, true},
		{"equal texts", errors.New("a"), errors.New("a"), false},
		{"nil and nil", nil, nil, true},
		{"nil and a value", nil, io.EOF, false},
		{"one pointer", one, one, true},
		{"pointers to equal values", one, two, false},
		{"one address, two types", one, (*other)(one), false},
	} {
		if got := Error(test.a, test.b); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
		if got := Pointer(test.a, test.b); got != test.want {
			t.Errorf("%s: Pointer: %v", test.name, got)
		}
	}
}

func TestPointerIsOfInterfaces(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Pointer has compared what is no interface")
		}
	}()
	Pointer(1, 1)
}
