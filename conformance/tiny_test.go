package conformance

import (
	"os/exec"
	"strings"
	"testing"
)

// TestTinyCoap has bobtail coap conform try the program of tiny, if that is what
// is tested.
func TestTinyCoap(t *testing.T) {
	if tiny == "" {
		t.Skip("the environment names no TINY")
	}
	p := start(t)
	_, url, _ := strings.Cut(p.greeting, " coap")
	url, _, _ = strings.Cut("coap"+url, " ")
	for _, path := range []string{"", "/hello", "/time"} {
		out, err := exec.Command(binary, "coap", "conform", "-strict", "-quiet", url+path).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", path, err, out)
		}
	}
}
