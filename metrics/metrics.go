// Package metrics shows a server's counts in the text exposition format 0.0.4
// of Prometheus. It links nothing but the server, and neither reading nor
// writing allocates.
//
//	srv.Handle("GET /metrics", metrics.Handler(srv))
//
// A More adds what the server does not count, such as the requests of CoAP.
package metrics

import (
	"strconv"
	"sync"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
)

// ContentType is that of the format.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Server is what is read: *bobtail.Server is one.
type Server interface{ Stats() bobtail.Stats }

// More adds further metrics behind the server's, such as those of a driver that
// the server does not know.
type More func(p *Printer)

// Handler answers with the counts of a server at the time of the request.
func Handler(s Server, more ...More) bobtail.Handler {
	if len(more) > 0 {
		return handleMore(s, more)
	}
	return func(w bobtail.Response, r *bobtail.Request) error {
		b, err := r.Alloc(Size)
		if err != nil {
			return stream(w, s)
		}
		st := s.Stats()
		return w.Status(200).Header("Content-Type", ContentType).Bytes(Append(b[:0], &st))
	}
}

// Size is how many bytes Append adds at most.
const Size = 12 << 10

// stream is for workers whose memory has no room for all of it: a metric at a
// time.
func stream(w bobtail.Response, s Server) error {
	st := s.Stats()
	b, err := w.Status(200).Header("Content-Type", ContentType).Stream()
	if err != nil {
		return err
	}
	p := Printer{to: b, streams: true}
	p.all(&st)
	if p.err != nil {
		return p.err
	}
	return b.Close()
}

// handleMore is a Handler with further metrics. For all that the compiler knows,
// who writes them may keep the Printer, so it is not on the stack.
func handleMore(s Server, more []More) bobtail.Handler {
	var printers sync.Pool
	return func(w bobtail.Response, r *bobtail.Request) error {
		b, err := w.Status(200).Header("Content-Type", ContentType).Stream()
		if err != nil {
			return err
		}
		p, _ := printers.Get().(*Printer)
		if p == nil {
			p = new(Printer)
		}
		defer printers.Put(p)
		*p = Printer{to: b, streams: true}
		st := s.Stats()
		p.all(&st)
		for _, f := range more {
			f(p)
		}
		if p.err != nil {
			return p.err
		}
		return b.Close()
	}
}

// Append appends the text of the counts to dst. It allocates if dst has less
// than Size bytes of room.
func Append(dst []byte, s *bobtail.Stats) []byte {
	p := Printer{dst: dst}
	p.all(s)
	return p.dst
}

// Printer writes metrics, to a response or into memory. It is valid until the
// More returns that was given it.
type Printer struct {
	dst     []byte
	to      bobtail.Body
	streams bool // to is where it goes
	err     error
}

func (p *Printer) text(s string) {
	if !p.streams {
		p.dst = append(p.dst, s...)
	} else if p.err == nil {
		p.err = p.to.WriteString(s)
	}
}

func (p *Printer) number(n uint64) {
	if !p.streams {
		p.dst = strconv.AppendUint(p.dst, n, 10)
		return
	}
	for div := uint64(1e19); div > 0; div /= 10 {
		if n >= div || div == 1 {
			d := n / div % 10
			p.text("0123456789"[d : d+1])
		}
	}
}

// Counters writes a family of counters that the value of one label tells apart.
// The name ends in _total, and bobtail_ is put in front of it; help says what is
// counted, in one line. There are as many counts as values.
func (p *Printer) Counters(name, help, label string, values []string, counts []uint64) {
	p.head(name, "counter", help)
	for i, v := range values {
		p.line(name, label, v, counts[i])
	}
}

// Counter writes a counter: see Counters.
func (p *Printer) Counter(name, help string, n uint64) {
	p.head(name, "counter", help)
	p.line(name, "", "", n)
}

// Gauge writes a number that goes up and down.
func (p *Printer) Gauge(name, help string, n int) {
	p.head(name, "gauge", help)
	p.line(name, "", "", uint64(max(n, 0)))
}

// head begins a family of metrics.
func (p *Printer) head(name, kind, help string) {
	p.text("# HELP bobtail_")
	p.text(name)
	p.text(" ")
	p.text(help)
	p.text("\n# TYPE bobtail_")
	p.text(name)
	p.text(" ")
	p.text(kind)
	p.text("\n")
}

// line is a metric, with one label unless label is empty.
func (p *Printer) line(name, label, value string, n uint64) {
	p.text("bobtail_")
	p.text(name)
	if label != "" {
		p.text("{")
		p.text(label)
		p.text("=\"")
		p.text(value)
		p.text("\"}")
	}
	p.text(" ")
	p.number(n)
	p.text("\n")
}

var classes = [...]string{"other", "1xx", "2xx", "3xx", "4xx", "5xx"}

// all writes every count. Names end in the base unit, and counters in _total,
// as the format's naming practices ask.
func (p *Printer) all(s *bobtail.Stats) {
	p.head("requests_total", "counter", "Requests that were answered, by class of status.")
	for i, n := range s.Requests {
		p.line("requests_total", "class", classes[i], n)
	}
	p.Counter("connections_accepted_total", "Clients that were accepted.", s.Accepted)
	p.Counter("connections_dialled_total", "Connections that the server has opened.", s.Dialled)
	p.Counter("connections_refused_total", "Clients that were told to come back later.", s.Refused)
	p.Counter("connections_over_address_total", "Clients turned away since their address has its share.", s.OverAddress)
	p.Counter("connections_evicted_total", "Idle connections closed for new clients.", s.Evicted)
	p.Counter("connections_stalled_total", "Slow senders closed since the stash was full.", s.Stalled)
	p.Counter("connections_reclaimed_total", "Connections aborted since their worker was needed by others.", s.Reclaimed)
	p.head("timeouts_total", "counter", "Connections ended by a deadline, by phase.")
	for ph, n := range s.Timeouts {
		if ph := engine.Phase(ph); ph != engine.PhaseBusy && ph != engine.PhaseAlarm {
			p.line("timeouts_total", "phase", ph.String(), n)
		}
	}
	p.Counter("handler_timeouts_total", "Handlers that did not return by their deadline.", s.HandlerTimeout)
	p.Counter("handler_panics_total", "Handlers that panicked.", s.Panics)
	p.Counter("workers_lost_total", "Workers whose handler did not come back by its deadline.", s.Lost)
	p.Counter("lanes_deposed_total", "Lanes taken from a worker that was stuck in a handler.", s.Deposed)
	p.Counter("received_bytes_total", "Bytes received from peers.", s.Received)
	p.Counter("sent_bytes_total", "Bytes sent to peers.", s.Sent)
	p.Counter("pushes_total", "Messages pushed to connections.", s.Pushed)
	p.Counter("pushes_dropped_total", "Messages that a slow consumer has not got.", s.PushDropped)
	p.Gauge("sockets", "Places for connections.", s.Sockets)
	p.Gauge("sockets_open", "Connections now.", s.Open)
	p.Gauge("sockets_parked", "Connections that wait for their peer without a worker.", s.Parked)
	p.Gauge("sockets_queued", "Connections that wait for a worker.", s.Queued)
	p.Gauge("sockets_held", "Connections that wait until a worker may be lent.", s.Held)
	p.Gauge("workers", "Workers.", s.Workers)
	p.Gauge("workers_busy", "Workers that serve a connection.", s.Busy)
	p.Gauge("workers_lent", "Workers that wait for a peer.", s.Lent)
	p.Gauge("workers_lost", "Workers whose handler has passed its deadline and runs on.", s.LostNow)
	p.Gauge("stash_blocks", "Stash blocks taken by slow senders.", s.Stash)
	p.Gauge("output_blocks", "Output blocks taken.", s.OutputBlocks)
	p.Gauge("output_nodes", "Pieces of output that wait for their peers.", s.OutputNodes)
}
