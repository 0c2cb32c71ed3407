package house

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestNothingUnusedIsLinked holds a program that says hello to what it uses:
// of the parts that it does not, the linker keeps nothing.
func TestNothingUnusedIsLinked(t *testing.T) {
	program := filepath.Join(t.TempDir(), "hello")
	command(t, []string{"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0"}, "go", "build", "-o", program, "./examples/hello")
	symbols := command(t, nil, "go", "tool", "nm", program)
	if !strings.Contains(symbols, " "+module+"/web.(*Driver).Serve") {
		t.Fatal("the program has no driver: the test sees nothing")
	}
	for _, not := range []string{
		"/form.(*Multipart)", "/form.(*Values)", "/cookie.", "/auth.", "/json.", "/static.", "/sse.", "/cors.", "/metrics.", "/host/",
		"/transport/secure.", "/web.(*Request).Form", "/web.(*Request).Multipart", "/web.Head.SetCookie", "/web.Head.Open",
		"/transport/netstd.", "/transport/memory.", "/ws.", "/coap.",
	} {
		if strings.Contains(symbols, " "+module+not) {
			t.Errorf("hello links %s", not[1:])
		}
	}
}
