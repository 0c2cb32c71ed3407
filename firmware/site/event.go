package site

import (
	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/ascii"
)

// AppendEvent appends an event of the server as a line of a log, in words and
// numbers, such as "12.345 accepted 0". A board calls it from Config.Log with a
// buffer of its own; a line has 64 bytes at most.
func AppendEvent(b []byte, ev bobtail.Event) []byte {
	ms := uint64(ev.Time) / 1_000_000
	b = append(ascii.AppendUint(b, ms/1000), '.', byte('0'+ms/100%10), byte('0'+ms/10%10), byte('0'+ms%10), ' ')
	b = append(b, ev.Kind.String()...)
	b = append(b, ' ')
	if code := ev.Code; code < 0 {
		b = ascii.AppendUint(append(b, '-'), uint64(-int64(code)))
	} else {
		b = ascii.AppendUint(b, uint64(code))
	}
	return append(b, '\n')
}
