package sse_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/sse"
)

// reader reads a stream as the standard says a browser does, sections 9.2.5
// (parsing) and 9.2.6 (interpretation), written from its text and not from the
// package.
type reader struct {
	data, name, idBuffer string
	lastID               string // as Last-Event-ID
	retry                string // the last one that was set
	events               []told
}

// told is an event as a page sees it.
type told struct{ name, data, id string }

// read interprets a whole stream. What is behind the last blank line is
// dropped.
func (r *reader) read(stream string) {
	// "If the stream starts with a BOM, it is stripped."
	stream = strings.TrimPrefix(stream, "\xef\xbb\xbf")
	for stream != "" {
		// "Lines must be separated by either a CRLF pair, a single LF, or a
		// single CR."
		end := strings.IndexAny(stream, "\r\n")
		if end < 0 {
			return // "the file ends in the middle of an event"
		}
		line := stream[:end]
		if stream[end] == '\r' && strings.HasPrefix(stream[end+1:], "\n") {
			end++
		}
		stream = stream[end+1:]
		if line == "" {
			r.dispatch()
			continue
		}
		if line[0] == ':' {
			continue // a comment
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			r.name = value
		case "data":
			r.data += value + "\n"
		case "id":
			if !strings.Contains(value, "\x00") {
				r.idBuffer = value
			}
		case "retry":
			if value != "" && strings.Trim(value, "0123456789") == "" {
				r.retry = value
			}
		}
	}
}

func (r *reader) dispatch() {
	r.lastID = r.idBuffer
	if r.data == "" {
		r.name = ""
		return
	}
	e := told{name: "message", data: strings.TrimSuffix(r.data, "\n"), id: r.lastID}
	if r.name != "" {
		e.name = r.name
	}
	r.data, r.name = "", ""
	r.events = append(r.events, e)
}

// lines is what becomes of data on its way.
func lines(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// TestReference holds the reader of these tests to the examples of the
// standard, section 9.2.6.
func TestReference(t *testing.T) {
	for _, k := range []struct {
		in   string
		want []told
	}{
		{"data: YHOO\ndata: +2\ndata: 10\n\n", []told{{"message", "YHOO\n+2\n10", ""}}},
		{": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n", []told{{"message", "first event", "1"}, {"message", "second event", ""}}},
		{"data\n\ndata\ndata\n\ndata:", []told{{"message", "", ""}, {"message", "\n", ""}}},
		{"data:test\n\ndata: test\n\n", []told{{"message", "test", ""}, {"message", "test", ""}}},
		{"event: add\r\ndata: 73857293\r\n\r\nevent: remove\rdata: 2153\r\r", []told{{"add", "73857293", ""}, {"remove", "2153", ""}}},
		{"\xef\xbb\xbfid: 7\n\ndata: a\n\n", []told{{"message", "a", "7"}}},
		{"id: a\x00b\ndata: x\n\n", []told{{"message", "x", ""}}},
	} {
		var r reader
		r.read(k.in)
		if len(r.events) != len(k.want) {
			t.Errorf("%q: events %q, want %q", k.in, r.events, k.want)
			continue
		}
		for i := range k.want {
			if r.events[i] != k.want[i] {
				t.Errorf("%q: event %q, want %q", k.in, r.events[i], k.want[i])
			}
		}
	}
}

// TestAppendEvent has the bytes of events, and what a page is told of them.
func TestAppendEvent(t *testing.T) {
	for _, k := range []struct {
		name string
		e    sse.Event
		want string
		told string // data, "-" if nothing is told
	}{
		{"text", sse.Text("hello"), "data: hello\n\n", "hello"},
		{"all", sse.Event{ID: "1", Name: "n", Data: []byte("d"), Retry: 1500e6}, "id: 1\nevent: n\nretry: 1500\ndata: d\n\n", "d"},
		{"lines by LF", sse.Text("a\nb"), "data: a\ndata: b\n\n", "a\nb"},
		{"lines by CR", sse.Text("a\rb"), "data: a\ndata: b\n\n", "a\nb"},
		{"lines by CRLF", sse.Text("a\r\nb"), "data: a\ndata: b\n\n", "a\nb"},
		{"lines by LFCR", sse.Text("a\n\rb"), "data: a\ndata: \ndata: b\n\n", "a\n\nb"},
		{"CRCRLF", sse.Text("a\r\r\nb"), "data: a\ndata: \ndata: b\n\n", "a\n\nb"},
		{"a line break at the end", sse.Text("a\n"), "data: a\ndata: \n\n", "a\n"},
		{"a line break alone", sse.Text("\r\n"), "data: \ndata: \n\n", "\n"},
		{"a blank line, which is no end", sse.Text("a\n\nb"), "data: a\ndata: \ndata: b\n\n", "a\n\nb"},
		{"data like a field", sse.Text("x\nid: 7\nretry: 1"), "data: x\ndata: id: 7\ndata: retry: 1\n\n", "x\nid: 7\nretry: 1"},
		{"a space in front", sse.Text(" a"), "data:  a\n\n", " a"},
		{"a colon in front", sse.Text(":a"), "data: :a\n\n", ":a"},
		{"empty data", sse.Text(""), "data: \n\n", ""},
		{"no data", sse.Event{ID: "a b", Retry: 999_999}, "id: a b\n\n", "-"},
		{"NUL in data", sse.Text("a\x00b"), "data: a\x00b\n\n", "a\x00b"},
		{"nothing", sse.Event{}, "\n", "-"},
	} {
		got, err := sse.AppendEvent([]byte("before"), k.e)
		if err != nil || string(got) != "before"+k.want {
			t.Errorf("%s: %q, %v, want %q", k.name, got, err, k.want)
		}
		if n := sse.SizeEvent(k.e); n != len(k.want) {
			t.Errorf("%s: SizeEvent = %d, want %d", k.name, n, len(k.want))
		}
		var r reader
		r.read(k.want)
		switch {
		case k.told == "-":
			if len(r.events) != 0 {
				t.Errorf("%s: the page is told %q", k.name, r.events)
			}
		case len(r.events) != 1 || r.events[0].data != k.told:
			t.Errorf("%s: the page is told %q, want %q", k.name, r.events, k.told)
		}
	}
}

// TestRefused has events that cannot be sent: nothing of them is.
func TestRefused(t *testing.T) {
	for _, k := range []struct {
		name string
		e    sse.Event
		want sse.Error
	}{
		{"NUL in an ID", sse.Event{ID: "a\x00"}, sse.ErrID},
		{"CR in an ID", sse.Event{ID: "a\rdata: x"}, sse.ErrID},
		{"LF in an ID", sse.Event{ID: "\n"}, sse.ErrID},
		{"DEL in an ID, which no field may have", sse.Event{ID: "\x7f"}, sse.ErrID},
		{"CR in a name", sse.Event{Name: "a\r"}, sse.ErrName},
		{"LF in a name", sse.Event{Name: "a\n\ndata: x"}, sse.ErrName},
		{"a time before now", sse.Event{Retry: -1}, sse.ErrRetry},
	} {
		if got, err := sse.AppendEvent([]byte("x"), k.e); err != k.want || string(got) != "x" {
			t.Errorf("%s: %q, %v, want %v", k.name, got, err, k.want)
		}
	}
	for e := sse.Error(0); e < 12; e++ {
		if e.Error() == "" || e.Status() < 500 {
			t.Errorf("error %d: %q, %d", e, e.Error(), e.Status())
		}
	}
}

func TestEventAllocs(t *testing.T) {
	buf := make([]byte, 0, 256)
	e := sse.Event{ID: "12", Name: "tick", Data: []byte("a\nb"), Retry: 1e9}
	alloctest.Zero(t, "AppendEvent", func() {
		if b, err := sse.AppendEvent(buf, e); err != nil || len(b) != sse.SizeEvent(e) {
			t.Error(len(b), err)
		}
	})
}

// FuzzEvent writes two events and reads them as a browser does.
func FuzzEvent(f *testing.F) {
	f.Add("1", "n", []byte("a\r\n\rb\n"), int64(3e9))
	f.Add("", "", []byte(":x\ndata: y"), int64(0))
	f.Add("a\x00", " n ", []byte{}, int64(-1))
	f.Fuzz(func(t *testing.T, id, name string, data []byte, retry int64) {
		e := sse.Event{ID: id, Name: name, Data: data, Retry: retry}
		b, err := sse.AppendEvent(nil, e)
		if err != nil {
			if len(b) != 0 {
				t.Fatalf("%v, and %q", err, b)
			}
			return
		}
		if n := sse.SizeEvent(e); n != len(b) {
			t.Fatalf("SizeEvent = %d, but %d bytes: %q", n, len(b), b)
		}
		if !bytes.HasSuffix(b, []byte("\n")) {
			t.Fatalf("no end: %q", b)
		}
		var r reader
		r.read("data: first\n\n" + string(b) + "data: last\n\n")
		want := []told{{"message", "first", ""}}
		if data != nil {
			if name == "" {
				name = "message"
			}
			want = append(want, told{name, lines(string(data)), id})
		}
		want = append(want, told{"message", "last", id})
		if len(r.events) != len(want) {
			t.Fatalf("%q: events %q, want %q", b, r.events, want)
		}
		for i := range want {
			if r.events[i] != want[i] {
				t.Fatalf("%q: event %q, want %q", b, r.events[i], want[i])
			}
		}
	})
}
