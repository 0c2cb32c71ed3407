package coap_test

import (
	"fmt"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
)

// The registries of RFC 7252 section 12.1, RFC 7959 section 6, RFC 8132 section
// 6, RFC 8323 section 11.1, RFC 8516 section 7 and RFC 8768 section 6.
var codes = map[string]string{
	"0.00": "Empty",
	"0.01": "GET", "0.02": "POST", "0.03": "PUT", "0.04": "DELETE", "0.05": "FETCH", "0.06": "PATCH", "0.07": "iPATCH",
	"2.01": "Created", "2.02": "Deleted", "2.03": "Valid", "2.04": "Changed", "2.05": "Content", "2.31": "Continue",
	"4.00": "Bad Request", "4.01": "Unauthorized", "4.02": "Bad Option", "4.03": "Forbidden", "4.04": "Not Found",
	"4.05": "Method Not Allowed", "4.06": "Not Acceptable", "4.08": "Request Entity Incomplete", "4.09": "Conflict",
	"4.12": "Precondition Failed", "4.13": "Request Entity Too Large", "4.15": "Unsupported Content-Format",
	"4.22": "Unprocessable Entity", "4.29": "Too Many Requests",
	"5.00": "Internal Server Error", "5.01": "Not Implemented", "5.02": "Bad Gateway", "5.03": "Service Unavailable",
	"5.04": "Gateway Timeout", "5.05": "Proxying Not Supported", "5.08": "Hop Limit Reached",
	"7.01": "CSM", "7.02": "Ping", "7.03": "Pong", "7.04": "Release", "7.05": "Abort",
}

// Every byte is a code.
func TestCodes(t *testing.T) {
	named := 0
	for i := range 256 {
		c := coap.Code(i)
		class, detail := i/32, i%32
		s := fmt.Sprintf("%d.%02d", class, detail)
		if c.Class() != uint8(class) || c.Detail() != uint8(detail) || c.String() != s {
			t.Errorf("%d is %d.%d and %q, want %s", i, c.Class(), c.Detail(), c, s)
		}
		if got, ok := coap.ParseCode(s); got != c || !ok {
			t.Errorf("ParseCode(%q) = %v, %v", s, got, ok)
		}
		if c.Name() != codes[s] {
			t.Errorf("%s is called %q, want %q", s, c.Name(), codes[s])
		}
		if c.Name() != "" {
			named++
		}
		method, ok := coap.ParseMethod(c.Name())
		if want := class == 0 && i != 0 && c.Name() != ""; ok != want || want && method != c {
			t.Errorf("ParseMethod(%q) = %v, %v", c.Name(), method, ok)
		}
		for name, is := range map[string][2]bool{
			"request":  {c.IsRequest(), class == 0 && detail != 0},
			"response": {c.IsResponse(), class >= 2 && class <= 5},
			"signal":   {c.IsSignal(), class == 7},
			"error":    {c.IsError(), class == 4 || class == 5},
		} {
			if is[0] != is[1] {
				t.Errorf("%v is a %s: %v", c, name, is[0])
			}
		}
	}
	if named != len(codes) {
		t.Errorf("%d codes have a name, want %d", named, len(codes))
	}
}

func TestParseCode(t *testing.T) {
	for _, s := range []string{"", "2", "2.", "2.5", "2.005", "2,05", "8.00", "2.32", "2.3a", "2.4a", "a.05", "2.a5", "2.5 ", "-.05", "205", "2.40", "2.0:", "2.1/", "2./9"} {
		if c, ok := coap.ParseCode(s); ok || c != 0 {
			t.Errorf("ParseCode(%q) = %v, %v", s, c, ok)
		}
	}
}

func TestParseMethod(t *testing.T) {
	for s, want := range map[string]coap.Code{"get": coap.CodeGET, "IPATCH": coap.CodeIPATCH, "iPatch": coap.CodeIPATCH, "Delete": coap.CodeDELETE} {
		if c, ok := coap.ParseMethod(s); c != want || !ok {
			t.Errorf("ParseMethod(%q) = %v, %v", s, c, ok)
		}
	}
	for _, s := range []string{"", "Empty", "Content", "CSM", "GETS", "GE", "HEAD"} {
		if c, ok := coap.ParseMethod(s); ok || c != 0 {
			t.Errorf("ParseMethod(%q) = %v, %v", s, c, ok)
		}
	}
}
