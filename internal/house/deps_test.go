package house

import (
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

// Why a small program cannot have a package.
var reasons = map[string]string{
	"fmt":      "brings reflect, and kilobytes of flash with it",
	"reflect":  "keeps every method of every type alive",
	"os":       "is absent or large on bare metal, and a protocol opens nothing",
	"syscall":  "is a backend's business",
	"net":      "is absent on bare metal and costs hundreds of kilobytes on Linux; net/netip serves",
	"net/http": "is what this library stands in for",
	"time":     "is a clock; the time is passed in",
	"log":      "brings fmt and reflect",
	"log/slog": "brings fmt and reflect, and 12 KB of RAM for unicode",
	"unicode":  "is tables of tens of kilobytes",

	"encoding/binary": "brings reflect",
	"crypto/sha1":     "brings os, time and syscall",
	"crypto/rand":     "brings fmt, reflect and os",
}

// TestDeps holds what a package links, its dependencies included, on the system
// where it must be small.
func TestDeps(t *testing.T) {
	sansIO := []string{"fmt", "reflect", "os", "syscall", "net", "net/http", "time", "log", "log/slog",
		"unicode", "encoding/binary", "crypto/sha1", "crypto/rand"}
	small := []string{"fmt", "reflect", "net", "net/http", "log", "log/slog", "unicode", "encoding/binary", "crypto/rand"}
	for _, test := range []struct {
		pkg string
		not []string
	}{
		{"transport", sansIO},
		{"pool", sansIO},
		{"http1", sansIO},
		{"ws", sansIO},
		{"wsconn", sansIO},
		{"coap", sansIO},
		{"coapconn", sansIO},
		{"resource", small},
		{"coaptcp", small},
		{"transport/epoll", small},
		{"engine", small},
		{"form", sansIO},
		{"cookie", sansIO},
		{"json", small},
		{"web", small},
		{"cors", small},
		{"auth", small},
		{"sse", small},
		{"metrics", small},
		{"wsconn", sansIO},
		{"websocket", small},
		{".", small},
	} {
		t.Run(test.pkg, func(t *testing.T) {
			if !slices.ContainsFunc(files(t), func(f string) bool { return path.Ext(f) == ".go" && path.Dir(f) == test.pkg }) {
				t.Skip("not written yet")
			}
			env := []string{"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0"}
			deps := strings.Fields(command(t, env, "go", "list", "-deps", "./"+test.pkg))
			for _, not := range test.not {
				if slices.Contains(deps, not) {
					t.Errorf("%s links %s, which %s; see go list -deps -json", test.pkg, not, reasons[not])
				}
			}
		})
	}
}

// TestNoConversions wants none of the conversions between strings and bytes
// that Go makes without a copy, as in a comparison, and TinyGo with one on the
// heap, in packages that do without a heap.
func TestNoConversions(t *testing.T) {
	for _, s := range sources(t) {
		if s.test() || !slices.Contains([]string{"pool", "http1", "ws", "wsconn", "coap", "coapconn", "form", "cookie", "json"}, s.dir()) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name, isName := call.Fun.(*ast.Ident)
			array, isArray := call.Fun.(*ast.ArrayType)
			if isName && name.Name == "string" || isArray && array.Len == nil {
				file, line := s.at(call.Pos())
				t.Errorf("%s:%d: TinyGo copies what is converted here to the heap", file, line)
			}
			return true
		})
	}
}
