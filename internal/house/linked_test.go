package house

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNothingUnusedIsLinked holds programs to what they use: of the parts that
// they do not, the linker keeps nothing.
func TestNothingUnusedIsLinked(t *testing.T) {
	always := []string{
		"/form.(*Multipart)", "/form.(*Values)", "/cookie.", "/auth.", "/json.", "/static.", "/sse.", "/cors.", "/metrics.", "/host/",
		"/transport/secure.", "/web.(*Request).Form", "/web.(*Request).Multipart", "/web.Head.SetCookie", "/web.Head.Open",
		"/transport/netstd.", "/transport/memory.", "/ws/deflate.", "/coapconn.",
	}
	coap := []string{"/coap.", "/coap.(", "/resource.", "/coaptcp."}
	webSocket := []string{"/ws.", "/wsconn.", "/websocket.", "/web.Head.Switch", "/web.Head.Hold"}
	for _, test := range []struct {
		program, uses string
		not           []string
	}{
		{"hello", "/web.(*Driver).Serve", slices.Concat(webSocket, coap)},
		{"echo", "/websocket.(*entry).Serve", append(coap, "/wsconn.(*Conn)", "/websocket.(*Topic)", "/web.Head.Hold")},
		{"level", "/coaptcp.(*entry).Serve", append(webSocket, "/coap.ParseUDP", "/coap.AppendUDP", "/coap.ParseURI", "/coap.ParseLinks")},
	} {
		t.Run(test.program, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), test.program)
			command(t, []string{"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0"}, "go", "build", "-o", program, "./examples/"+test.program)
			symbols := command(t, nil, "go", "tool", "nm", program)
			if !strings.Contains(symbols, " "+module+test.uses) {
				t.Fatal("the program has no driver: the test sees nothing")
			}
			for _, not := range append(test.not, always...) {
				if strings.Contains(symbols, " "+module+not) {
					t.Errorf("it links %s", not[1:])
				}
			}
		})
	}
}
