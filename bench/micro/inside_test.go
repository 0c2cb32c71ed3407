package micro

import (
	"reflect"
	"testing"
	"unsafe"

	"github.com/bobtail-go/bobtail/web"
	_ "github.com/coder/websocket"
	_ "github.com/gorilla/websocket"
	_ "github.com/lesismal/nbio/nbhttp/websocket"
	_ "github.com/lxzan/gws"
)

// What is measured here is inside of packages that keep it to themselves, and
// is taken from there by its name in the linker. The checks of those who use it
// find out if it is not what it was.

//go:linkname gwsMask github.com/lxzan/gws/internal.MaskXOR
func gwsMask(b, key []byte)

//go:linkname gorillaMask github.com/gorilla/websocket.maskBytes
func gorillaMask(key [4]byte, pos int, b []byte) int

//go:linkname coderMask github.com/coder/websocket.mask
func coderMask(b []byte, key uint32) uint32

//go:linkname nbioMask github.com/lesismal/nbio/nbhttp/websocket.maskXOR
func nbioMask(b, key []byte)

//go:linkname findRoute github.com/bobtail-go/bobtail/web.(*router).find
func findRoute(router unsafe.Pointer, x *web.Exchange) (route unsafe.Pointer, own uint8)

// routerOf is the router in a driver.
func routerOf(tb testing.TB, d *web.Driver) unsafe.Pointer {
	tb.Helper()
	f, ok := reflect.TypeFor[web.Driver]().FieldByName("router")
	if !ok {
		tb.Fatal("a web.Driver has no field router")
	}
	return unsafe.Add(unsafe.Pointer(d), f.Offset)
}
