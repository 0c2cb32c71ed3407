// Package opaque hides from interfaces what a pointer points to.
//
// TinyGo keeps, of each type that is put into an interface, a descriptor with
// those of all that it is made of, for reflection, whether or not the program
// reflects. A *Driver in an engine.Driver would bring a thousand of them, 12 KB;
// a type with nothing but a Pointer to one brings two. TinyGo also takes each type
// so described for one that may be in any interface whose methods it happens to
// have; so the methods are better of a pointer to that type, which lets the type
// itself have none.
package opaque

import "unsafe"

// Pointer is a *T.
type Pointer[T any] struct{ p unsafe.Pointer }

// To is a Pointer to v.
func To[T any](v *T) Pointer[T] { return Pointer[T]{unsafe.Pointer(v)} }

// Get is what the Pointer was made of.
func (p Pointer[T]) Get() *T { return (*T)(p.p) }
