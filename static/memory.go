package static

import "unsafe"

// Memory is what the table holds in bytes, beside the files or the archive
// that it was given. What FS has read comes on top.
func (t *Table) Memory() int {
	return int(unsafe.Sizeof(*t)) + len(t.parts)*int(unsafe.Sizeof(parts{}))
}
