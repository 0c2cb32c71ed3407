//go:build !unix

package form_test

import "time"

var begun = time.Now()

// used is how long the tests run, where no system tells how much of the
// processors' time they had.
func used() time.Duration { return time.Since(begun) }
