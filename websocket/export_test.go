package websocket

import (
	"unsafe"

	"github.com/bobtail-go/bobtail/pool"
)

// RecordSize is the size of a record in bytes.
const RecordSize = unsafe.Sizeof(record{})

// StateFits reports whether the state fits into a slot.
var StateFits = pool.Fits[state]()
