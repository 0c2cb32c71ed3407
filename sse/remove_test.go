package sse

import (
	"testing"

	"github.com/bobtail-go/bobtail/web"
)

// TestRemove takes a subscriber off the list while an event is on its way to
// the first of them. Whoever has come meanwhile is not sent it.
func TestRemove(t *testing.T) {
	for _, k := range []struct {
		name         string
		there, count int // subscribers, and those that the publisher has counted
		at           int
		next, left   int // where it goes on, and up to where
	}{
		{"the last of its own takes the place, and is next", 5, 5, 1, 1, 4},
		{"the last itself", 5, 5, 4, 4, 4},
		{"one that has come takes the place, and is passed over", 6, 5, 1, 2, 5},
		{"one that has come, for the last", 6, 5, 4, 5, 5},
		{"the only one", 1, 1, 0, 0, 0},
	} {
		topic := &Topic{list: make([]web.Outlet, 8), n: k.there}
		if i, n := topic.remove(k.at, k.count); i != k.next || n != k.left || topic.n != k.there-1 {
			t.Errorf("%s: on with %d of %d, %d there; want %d of %d", k.name, i, n, topic.n, k.next, k.left)
		}
	}
}
