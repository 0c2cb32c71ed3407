package websocket

import (
	"unsafe"

	"github.com/bobtail-go/bobtail/pool"
)

// RecordSize is the size of a record in bytes.
const RecordSize = unsafe.Sizeof(record{})

// StateFits reports whether the state fits into a slot.
var StateFits = pool.Fits[state]()

// LongsLent is how many blocks of Config.Long are lent.
func (d *Driver) LongsLent() (n int) {
	for i := range d.longs.lent {
		if d.longs.lent[i].Load() {
			n++
		}
	}
	return n
}
