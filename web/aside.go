package web

import (
	"github.com/bobtail-go/bobtail/http1conn"
	"github.com/bobtail-go/bobtail/internal/ascii"
)

// This file keeps fields for a response that is not begun yet, as a list of
// records in the request's arena. A record is three numbers of three bytes (an
// arena has less than 1<<24), then name and value.

const (
	asideNext  = 0 // place of the next record
	asideName  = 3 // length of the name
	asideValue = 6 // length of the value
	asideSize  = 9
)

func put24(b []byte, n int) { b[0], b[1], b[2] = byte(n), byte(n>>8), byte(n>>16) }
func get24(b []byte) int    { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// setAside adds a field to the list.
func (x *Exchange) setAside(name, value string) error {
	if x.conn.Begun() {
		return ErrMisuse
	}
	b, err := x.req.Alloc(asideSize + len(name) + len(value))
	if err != nil {
		return err
	}
	// Places are counted from 1, so that 0 is none.
	at := x.used - len(b) + 1
	if at >= 1<<24 {
		return ErrArena // in a larger one, of the caller's
	}
	put24(b[asideName:], len(name))
	put24(b[asideValue:], len(value))
	copy(b[asideSize+copy(b[asideSize:], name):], value)
	if x.asideLast == 0 {
		x.asideFirst = at
	} else {
		put24(x.arena[x.asideLast-1+asideNext:], at)
	}
	x.asideLast = at
	return nil
}

// addAside adds the fields of the list to the response that has just begun.
// They stay in the list: if this response is taken back, the next one has
// them too.
func (x *Exchange) addAside(c *http1conn.Conn) error {
	for at := x.asideFirst; at != 0; {
		b := x.arena[at-1:]
		name := b[asideSize:][:get24(b[asideName:])]
		value := b[asideSize+len(name):][:get24(b[asideValue:])]
		x.noteField(ascii.View(name))
		if err := c.FieldBytes(ascii.View(name), value); err != nil {
			return err
		}
		at = get24(b[asideNext:])
	}
	return nil
}

// clearAside forgets the list, so that it is not another request's.
func (x *Exchange) clearAside() { x.asideFirst, x.asideLast = 0, 0 }
