package main

import (
	"strconv"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
)

// stats answers with all counts of the server, as JSON. The text is made
// twice, once to know its length, so that it needs a few bytes of the
// request's arena, however small that is.
func (s *site) stats(w bobtail.Response, r *bobtail.Request) error {
	room, err := r.Alloc(64)
	if err != nil {
		return err
	}
	now, seconds := s.server.Stats(), uint64(time.Since(s.began)/time.Second)
	var length jsonText
	s.describe(&length, &now, seconds)
	body, err := w.Status(200).Header("Content-Type", "application/json").StreamN(uint64(length.n))
	if err != nil {
		return err
	}
	text := jsonText{body: body, b: room[:0]}
	s.describe(&text, &now, seconds)
	text.flush()
	if text.err != nil {
		return text.err
	}
	return body.Close()
}

func (s *site) describe(t *jsonText, v *bobtail.Stats, seconds uint64) {
	t.open("")
	t.text("backend", s.backend)
	t.number("seconds", seconds)

	t.open("requests")
	for class, n := range v.Requests {
		t.number(classes[class], n)
	}
	t.number("total", v.Requests.Total())
	t.close()

	if s.coap != nil {
		s.coap.describe(t)
	}

	t.open("bytes")
	t.number("received", v.Received)
	t.number("sent", v.Sent)
	t.close()

	t.open("connections")
	t.number("accepted", v.Accepted)
	t.number("dialled", v.Dialled)
	t.number("refused", v.Refused)
	t.number("over_address", v.OverAddress)
	t.number("evicted", v.Evicted)
	t.number("stalled", v.Stalled)
	t.number("detached", v.Detached)
	t.number("reclaimed", v.Reclaimed)
	t.close()

	t.open("timeouts")
	for phase, n := range v.Timeouts {
		if engine.Phase(phase) != engine.PhaseBusy { // which has none
			t.number(engine.Phase(phase).String(), n)
		}
	}
	t.number("handler", v.HandlerTimeout)
	t.close()

	t.open("handlers")
	t.number("lost", v.Lost)
	t.number("deposed", v.Deposed)
	t.number("panics", v.Panics)
	t.close()

	t.open("pushes")
	t.number("sent", v.Pushed)
	t.number("dropped", v.PushDropped)
	t.close()

	t.open("now")
	t.count("sockets", v.Sockets)
	t.count("open", v.Open)
	t.count("parked", v.Parked)
	t.count("queued", v.Queued)
	t.count("held", v.Held)
	t.count("workers", v.Workers)
	t.count("busy", v.Busy)
	t.count("lent", v.Lent)
	t.count("lost", v.LostNow)
	t.count("stash", v.Stash)
	t.count("output_blocks", v.OutputBlocks)
	t.count("output_nodes", v.OutputNodes)
	t.count("sources", v.Sources)
	t.close()

	m := &s.memory
	t.open("memory")
	t.count("sockets", m.Pool.Slots)
	t.count("workers", m.Workers+m.Exchanges)
	t.count("stash", m.Pool.Stash)
	t.count("output", m.Pool.Output)
	t.count("addresses", m.Pool.Addresses)
	t.count("engine", m.Engine)
	t.count("total", m.Total())
	t.close()

	t.close()
	t.raw("\n")
}

// jsonText writes the text of an object through a few bytes, or counts its
// bytes if it has none to write through. Names and texts are those of this
// program, which need no escapes.
type jsonText struct {
	body  bobtail.Body
	b     []byte // nil to count
	n     int    // bytes so far
	comma bool   // a member stands before
	err   error  // the first one
}

func (t *jsonText) open(name string) {
	t.name(name)
	t.raw("{")
	t.comma = false
}

func (t *jsonText) close() {
	t.raw("}")
	t.comma = true
}

func (t *jsonText) name(name string) {
	if t.comma {
		t.raw(",")
	}
	t.comma = true
	if name != "" {
		t.raw(`"`)
		t.raw(name)
		t.raw(`":`)
	}
}

func (t *jsonText) text(name, value string) {
	t.name(name)
	t.raw(`"`)
	t.raw(value)
	t.raw(`"`)
}

func (t *jsonText) count(name string, n int) { t.number(name, uint64(n)) }

func (t *jsonText) number(name string, n uint64) {
	t.name(name)
	var digits [20]byte
	rawJSON(t, strconv.AppendUint(digits[:0], n, 10))
}

func (t *jsonText) raw(s string) { rawJSON(t, s) }

func rawJSON[T string | []byte](t *jsonText, s T) {
	t.n += len(s)
	if t.b == nil {
		return
	}
	for len(s) > 0 {
		if len(t.b) == cap(t.b) {
			t.flush()
		}
		k := min(len(s), cap(t.b)-len(t.b))
		t.b = append(t.b, s[:k]...)
		s = s[k:]
	}
}

func (t *jsonText) flush() {
	if len(t.b) > 0 && t.err == nil {
		_, t.err = t.body.Write(t.b)
	}
	t.b = t.b[:0]
}
