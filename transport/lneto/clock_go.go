//go:build !tinygo

package lneto

import "time"

var start = time.Now().Add(-time.Second) // the clock starts above zero

func now() int64 { return int64(time.Since(start)) }

// idle sleeps as shortly as a timer of the runtime can on most systems.
func idle() { time.Sleep(200 * time.Microsecond) }
