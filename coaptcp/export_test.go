package coaptcp

import (
	"unsafe"

	"github.com/bobtail-go/bobtail/pool"
)

// RecordSize is what a connection costs beside its slot.
const RecordSize = unsafe.Sizeof(record{})

// StateFits reports whether the state of a connection fits into its slot.
var StateFits = pool.Fits[state]()
