package web

import (
	"encoding/binary"

	"github.com/bobtail-go/bobtail/http1conn"
)

// This file keeps fields for a response that is not begun yet, as a list of
// records in the request's arena. A record is the offset of the next one, the
// lengths of name and value, and those.

const (
	asideNext  = 0 // uint32
	asideName  = 4 // uint16
	asideValue = 6 // uint16
	asideSize  = 8
)

// setAside adds a field to the list.
func (x *Exchange) setAside(name, value string) error {
	if x.conn.Begun() {
		return ErrMisuse
	}
	if len(name) > 0xFFFF || len(value) > 0xFFFF {
		return ErrArena
	}
	b, err := x.req.Alloc(asideSize + len(name) + len(value))
	if err != nil {
		return err
	}
	// Places are counted from 1, so that 0 is none.
	at := uint32(x.used-len(b)) + 1
	binary.LittleEndian.PutUint16(b[asideName:], uint16(len(name)))
	binary.LittleEndian.PutUint16(b[asideValue:], uint16(len(value)))
	copy(b[asideSize+copy(b[asideSize:], name):], value)
	if x.asideLast == 0 {
		x.asideFirst = at
	} else {
		binary.LittleEndian.PutUint32(x.arena[x.asideLast-1+asideNext:], at)
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
		name := b[asideSize:][:binary.LittleEndian.Uint16(b[asideName:])]
		value := b[asideSize+len(name):][:binary.LittleEndian.Uint16(b[asideValue:])]
		x.noteField(view(name))
		if err := c.FieldBytes(view(name), value); err != nil {
			return err
		}
		at = binary.LittleEndian.Uint32(b[asideNext:])
	}
	return nil
}

// clearAside forgets the list, so that it is not another request's.
func (x *Exchange) clearAside() { x.asideFirst, x.asideLast = 0, 0 }
