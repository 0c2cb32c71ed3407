//go:build !unix && !js && !wasip1 && !windows

package netstd

import "github.com/bobtail-go/bobtail/transport"

// errnoOf finds nothing: the system's errors have no numbers.
func errnoOf(error) transport.Error { return 0 }
