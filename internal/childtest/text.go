package childtest

import (
	"strings"
	"sync"
)

// Text is what one goroutine writes and another reads meanwhile, such as what a
// process says on its standard error.
type Text struct {
	mu sync.Mutex
	b  strings.Builder
}

// Write appends p.
func (t *Text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

// String is what has been written.
func (t *Text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}
