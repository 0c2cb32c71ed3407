package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
)

// row is a line of a table: how many bytes something takes.
type row struct {
	name  string
	bytes int
	note  string
}

// table prints rows, but for those of no bytes.
func table(w io.Writer, rows []row) {
	for _, r := range rows {
		if r.bytes > 0 {
			fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %-10s %9s  %s", r.name, bytesText(uint64(r.bytes)), r.note), " "))
		}
	}
}

// bytesText is a number of bytes as people read it, rounded.
func bytesText(n uint64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, u := float64(n)/1024, 0
	for v >= 1023.95 && u < len(units)-1 {
		v /= 1024
		u++
	}
	if v >= 99.95 {
		return fmt.Sprintf("%.0f %ciB", v, units[u])
	}
	return fmt.Sprintf("%.1f %ciB", v, units[u])
}

func plural(n uint64, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// tally joins what has happened, and leaves out what has not.
type tally []string

func (t *tally) add(n uint64, what string) {
	if n > 0 {
		*t = append(*t, fmt.Sprintf("%d %s", n, what))
	}
}

func (t tally) print(w io.Writer, name string, n uint64) {
	fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %-12s %9d  %s", name, n, strings.Join(t, ", ")), " "))
}

// classes are the names of the classes of bobtail.Stats.Requests.
var classes = [...]string{"other", "1xx", "2xx", "3xx", "4xx", "5xx"}

// farewell says what was served.
func farewell(w io.Writer, s bobtail.Stats, here *site, took time.Duration) {
	fmt.Fprintf(w, "served for %v, received %s, sent %s\n",
		took.Round(time.Millisecond), bytesText(s.Received), bytesText(s.Sent))
	var t tally
	for _, k := range []int{1, 2, 3, 4, 5, 0} {
		t.add(s.Requests[k], classes[k])
	}
	t.print(w, "requests", s.Requests.Total())
	if here != nil && here.coap != nil {
		here.coap.farewell(w)
	}

	t = nil
	t.add(s.Dialled, "dialled")
	t.add(s.Refused, "refused")
	t.add(s.OverAddress, "over the share of their address")
	t.add(s.Evicted, "evicted")
	t.add(s.Stalled, "stalled")
	t.add(s.Reclaimed, "reclaimed")
	t.add(s.Detached, "detached")
	t.print(w, "connections", s.Accepted+s.Dialled)

	t = nil
	total := s.HandlerTimeout
	for p, n := range s.Timeouts {
		t.add(n, engine.Phase(p).String())
		total += n
	}
	t.add(s.HandlerTimeout, "handler")
	t.print(w, "timeouts", total)

	t = nil
	t.add(s.Panics, "panicked")
	t.add(s.Lost, "did not return in time")
	if len(t) > 0 {
		t.print(w, "handlers", s.Panics+s.Lost)
	}
}
