// Package unique is the standard library's, for the few values that package
// net/netip makes of it. TinyGo's keeps them in a map of interfaces, which
// compares by reflection and so keeps the description of every type in flash.
package unique

// Handle is the one for all equal values.
type Handle[T comparable] struct{ value *T }

// Value returns the value that the handle was made of.
func (h Handle[T]) Value() T { return *h.value }

// all has a pointer to each value. It is searched from end to end: there are as
// many as there are zones of IPv6, and two.
var all []any

// Make returns the handle of a value.
func Make[T comparable](value T) Handle[T] {
	for _, v := range all {
		if p, ok := v.(*T); ok && *p == value {
			return Handle[T]{p}
		}
	}
	p := new(T)
	*p = value
	all = append(all, p)
	return Handle[T]{p}
}
