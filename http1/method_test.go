package http1_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/http1"
)

func TestMethods(t *testing.T) {
	for m := http1.GET; m < http1.MethodOther; m++ {
		if got := http1.MethodOf([]byte(m.String())); got != m || m.String() == "" {
			t.Errorf("MethodOf(%q) = %d, want %d", m.String(), got, m)
		}
	}
	for in, want := range map[string]http1.Method{
		"": http1.MethodUnset, "get": http1.MethodOther, "GETS": http1.MethodOther, "other": http1.MethodOther, "PROPFIND": http1.MethodOther,
	} {
		if got := http1.MethodOf([]byte(in)); got != want {
			t.Errorf("MethodOf(%q) = %v, want %v", in, got, want)
		}
	}
	if http1.MethodUnset.String() != "" || http1.MethodOther.String() != "other" || http1.NumMethods.String() != "" {
		t.Error("names of no methods")
	}
}

func TestVersionsAndForms(t *testing.T) {
	for v, want := range map[http1.Version]string{
		http1.VersionUnset: "", http1.Version10: "HTTP/1.0", http1.Version11: "HTTP/1.1", 9: "",
	} {
		if v.String() != want {
			t.Errorf("version %d is %q", v, v.String())
		}
	}
	for f, want := range map[http1.Form]string{
		http1.FormUnset: "", http1.Origin: "origin", http1.Absolute: "absolute", http1.Authority: "authority", http1.Asterisk: "asterisk", 9: "",
	} {
		if f.String() != want {
			t.Errorf("form %d is %q", f, f.String())
		}
	}
}
