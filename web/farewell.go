package web

import (
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/pool"
)

// Gone implements engine.Driver.
func (d *Driver) Gone(s *pool.Slot, h pool.Handle) {
	st := pool.StateOf[slotState](s)
	if st.mode != modeRequest {
		d.modes[st.mode].Load().gone(d, st, h)
	}
	if st.which != 0 {
		sink := d.router.sinks[st.which-1]
		st.which = 0
		d.abandon(sink, &st.sink, h)
	}
}

// Farewell implements engine.Driver.
func (d *Driver) Farewell(dst []byte, s *pool.Slot, why engine.Why) []byte {
	code := 503
	switch why {
	case engine.WhyTimeout, engine.WhyStalled:
		code = 408
	case engine.WhyClosing:
		return dst
	}
	st := pool.StateOf[slotState](s)
	if st.answered || st.mode == modeSource || st.mode == modeOutlet {
		return dst
	}
	if st.mode == modeLater {
		code = 503 // it is not the peer who was slow
	}
	var r http1.Response
	r.Init(http1.MethodUnset, http1.Version11, false)
	dst, _ = r.AppendStatus(dst, code, "")
	if code == 503 {
		dst, _ = r.AppendField(dst, "Retry-After", "1")
	}
	dst, _ = r.AppendLength(dst, 0)
	var date []byte
	if d.cfg.Wall != nil {
		date = http1.AppendDate(d.date[:0], d.cfg.Wall()/1e9)
	}
	dst, _ = r.AppendEnd(dst, date)
	return dst
}

// dateField is the Date of answers, written once a second.
func (x *Exchange) dateField() []byte {
	if now := x.w.Now; now >= x.dateUntil {
		wall := x.d.cfg.Wall()
		http1.AppendDate(x.date[:0], wall/1e9)
		x.dateUntil = now + 1e9 - wall%1e9
	}
	return x.date[:]
}
