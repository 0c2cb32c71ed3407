//go:build lm3s6965

// Measure is the program of the board with HTTP alone and one path more, which
// tells how long the processor has worked, for the test that counts the
// instructions of a request.
package main

import (
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/firmware/lm3s6965/board"
	"github.com/bobtail-go/bobtail/firmware/lm3s6965/device"
	"github.com/bobtail-go/bobtail/firmware/site"
	"github.com/bobtail-go/bobtail/internal/ascii"
)

// address is set at build time, as it is for the whole program.
var address string

func main() {
	device.Run(device.Program{
		Address: address,
		Listen:  []string{"http://:80"},
		Quiet:   true, // as the other server is
		Add: []func(*site.Site) error{func(s *site.Site) error {
			return s.Server().Handle("GET /idled", idled)
		}},
	})
}

// text is the answer; requests for it come one after the other.
var text [40]byte

// idled answers with the nanoseconds since the start, and those of them in
// which the processor slept.
func idled(w bobtail.Response, r *bobtail.Request) error {
	b := ascii.AppendUint(text[:0], uint64(time.Now().UnixNano()))
	b = ascii.AppendUint(append(b, ' '), uint64(board.Idled()))
	return w.Bytes("text/plain", b)
}
