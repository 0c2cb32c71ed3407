// Package same tells whether two interfaces hold one and the same pointer.
//
// TinyGo compares interfaces by what reflection knows of their types, and keeps
// the descriptors of all types, and the code that reads them, in a program that
// does so once.
package same

import "unsafe"

// Error reports whether two errors are one: values of the same type that are the
// same pointer, as those of errors.New are. Others, such as constants of package
// transport, are not for it; they have methods Is.
func Error(a, b error) bool { return words(&a) == words(&b) }

// Pointer is Error for interfaces of any one type.
func Pointer[T any](a, b T) bool {
	if unsafe.Sizeof(a) != unsafe.Sizeof([2]uintptr{}) {
		panic("BUG: same: not an interface")
	}
	return words(&a) == words(&b)
}

// words are what both compilers make of an interface: its type, or a table for
// it, and its value, if that is a pointer.
func words[T any](v *T) [2]uintptr { return *(*[2]uintptr)(unsafe.Pointer(v)) }
