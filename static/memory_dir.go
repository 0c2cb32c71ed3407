//go:build !tinygo

package static

import "unsafe"

// placeSize is what a map takes for a node, in bytes, at its fullest.
const placeSize = 64

// Memory is the most that the folder holds in bytes. Names, and what package
// os holds for an open file, come on top, and so does what is being sent of a
// file that was let go.
func (d *Dir) Memory() int {
	forms := 0
	if d.o.Small > 0 {
		forms = NumForms * d.o.Small
	}
	return int(unsafe.Sizeof(*d)) + len(d.parts)*int(unsafe.Sizeof(parts{})) +
		d.o.Files*(int(unsafe.Sizeof(node{}))+placeSize+forms)
}
