// Package metrics shows a server's counts in the text exposition format 0.0.4
// of Prometheus. It links nothing but the server, and neither reading nor
// writing allocates.
//
//	srv.Handle("GET /metrics", metrics.Handler(srv))
package metrics

import (
	"strconv"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
)

// ContentType is that of the format.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Server is what is read: *bobtail.Server is one.
type Server interface{ Stats() bobtail.Stats }

// Handler answers with the counts of a server at the time of the request.
func Handler(s Server) bobtail.Handler {
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
	p := printer{to: b, streams: true}
	p.all(&st)
	if p.err != nil {
		return p.err
	}
	return b.Close()
}

// Append appends the text of the counts to dst. It allocates if dst has less
// than Size bytes of room.
func Append(dst []byte, s *bobtail.Stats) []byte {
	p := printer{dst: dst}
	p.all(s)
	return p.dst
}

// A printer writes to dst, or to a response.
type printer struct {
	dst     []byte
	to      bobtail.Body
	streams bool // to is where it goes
	err     error
}

func (p *printer) text(s string) {
	if !p.streams {
		p.dst = append(p.dst, s...)
	} else if p.err == nil {
		p.err = p.to.WriteString(s)
	}
}

func (p *printer) number(n uint64) {
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

// head begins a family of metrics.
func (p *printer) head(name, kind, help string) {
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
func (p *printer) line(name, label, value string, n uint64) {
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

func (p *printer) counter(name, help string, n uint64) {
	p.head(name, "counter", help)
	p.line(name, "", "", n)
}

func (p *printer) gauge(name, help string, n int) {
	p.head(name, "gauge", help)
	p.line(name, "", "", uint64(max(n, 0)))
}

var classes = [...]string{"other", "1xx", "2xx", "3xx", "4xx", "5xx"}

// all writes every count. Names end in the base unit, and counters in _total,
// as the format's naming practices ask.
func (p *printer) all(s *bobtail.Stats) {
	p.head("requests_total", "counter", "Requests that were answered, by class of status.")
	for i, n := range s.Requests {
		p.line("requests_total", "class", classes[i], n)
	}
	p.counter("connections_accepted_total", "Clients that were accepted.", s.Accepted)
	p.counter("connections_dialled_total", "Connections that the server has opened.", s.Dialled)
	p.counter("connections_refused_total", "Clients that were told to come back later.", s.Refused)
	p.counter("connections_over_address_total", "Clients turned away since their address has its share.", s.OverAddress)
	p.counter("connections_evicted_total", "Idle connections closed for new clients.", s.Evicted)
	p.counter("connections_stalled_total", "Slow senders closed since the stash was full.", s.Stalled)
	p.counter("connections_reclaimed_total", "Connections aborted since their worker was needed by others.", s.Reclaimed)
	p.head("timeouts_total", "counter", "Connections ended by a deadline, by phase.")
	for ph, n := range s.Timeouts {
		if ph := engine.Phase(ph); ph != engine.PhaseBusy && ph != engine.PhaseAlarm {
			p.line("timeouts_total", "phase", ph.String(), n)
		}
	}
	p.counter("handler_timeouts_total", "Handlers that did not return by their deadline.", s.HandlerTimeout)
	p.counter("handler_panics_total", "Handlers that panicked.", s.Panics)
	p.counter("workers_lost_total", "Workers whose handler did not come back by its deadline.", s.Lost)
	p.counter("lanes_deposed_total", "Lanes taken from a worker that was stuck in a handler.", s.Deposed)
	p.counter("received_bytes_total", "Bytes received from peers.", s.Received)
	p.counter("sent_bytes_total", "Bytes sent to peers.", s.Sent)
	p.counter("pushes_total", "Messages pushed to connections.", s.Pushed)
	p.counter("pushes_dropped_total", "Messages that a slow consumer has not got.", s.PushDropped)
	p.gauge("sockets", "Places for connections.", s.Sockets)
	p.gauge("sockets_open", "Connections now.", s.Open)
	p.gauge("sockets_parked", "Connections that wait for their peer without a worker.", s.Parked)
	p.gauge("sockets_queued", "Connections that wait for a worker.", s.Queued)
	p.gauge("sockets_held", "Connections that wait until a worker may be lent.", s.Held)
	p.gauge("workers", "Workers.", s.Workers)
	p.gauge("workers_busy", "Workers that serve a connection.", s.Busy)
	p.gauge("workers_lent", "Workers that wait for a peer.", s.Lent)
	p.gauge("workers_lost", "Workers whose handler has passed its deadline and runs on.", s.LostNow)
	p.gauge("stash_blocks", "Stash blocks taken by slow senders.", s.Stash)
	p.gauge("output_blocks", "Output blocks taken.", s.OutputBlocks)
	p.gauge("output_nodes", "Pieces of output that wait for their peers.", s.OutputNodes)
}
