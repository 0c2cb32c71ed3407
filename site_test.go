package bobtail_test

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/http1conn"
)

// huge is more than the buffers on the way hold.
var huge = []byte(strings.Repeat("0123456789abcdef", 1<<16)) // 1 MiB

// page is more than a worker's output buffer, and less than a pipe.
var page = []byte(strings.Repeat("a page\n", 800))

var errSite = errors.New("the handler fails")

// coded is an error that knows its status.
type coded int

func (c coded) Error() string { return "coded" }
func (c coded) Status() int   { return int(c) }

// site installs the handlers that most tests use.
func (f *fixture) site() {
	f.fast()
	type resp = bobtail.Response
	type req = *bobtail.Request
	f.Handle("POST /echo", echo)
	f.Handle("POST /len", func(w resp, r req) error { // reads all, then answers
		n, sum := 0, 0
		for {
			p, err := r.NextPiece()
			for _, b := range p {
				sum += int(b)
			}
			n += len(p)
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
		}
		return w.Text(strconv.Itoa(n), " ", strconv.Itoa(sum))
	})
	f.Handle("/ignore", func(w resp, r req) error { return w.Text("ignored") })
	f.Handle("GET /empty", func(w resp, r req) error { return nil })
	f.Handle("GET /none", func(w resp, r req) error { return w.Status(204).Empty() })
	f.Handle("GET /none/text", func(w resp, r req) error { return w.Status(204).Text("not sent") })
	f.Handle("GET /same", func(w resp, r req) error { return w.Status(304).Header("ETag", `"a"`).Text("not sent") })
	f.Handle("GET /bytes", func(w resp, r req) error { return w.Bytes("application/json", []byte(`{"a":1}`)) })
	f.Handle("GET /page", func(w resp, r req) error { return w.Status(200).Static(page) })
	f.Handle("GET /huge", func(w resp, r req) error { return w.Status(200).Static(huge) })
	f.Handle("GET /stream", func(w resp, r req) error {
		b, err := w.Status(200).Header("Content-Type", "text/plain").Stream()
		if err != nil {
			return err
		}
		if err = b.WriteString("one "); err != nil {
			return err
		}
		_, err = b.Write([]byte("two"))
		return err
	})
	f.Handle("GET /flushed", func(w resp, r req) error {
		b, err := w.Status(200).Stream()
		if err != nil {
			return err
		}
		b.WriteString("one ")
		if err = b.Flush(); err != nil {
			return err
		}
		b.WriteString("two")
		return b.Close()
	})
	f.Handle("GET /trailer", func(w resp, r req) error {
		b, err := w.Status(200).Header("Trailer", "Sum").Stream()
		if err != nil {
			return err
		}
		b.WriteString("content")
		return b.Trailer("Sum", "7")
	})
	f.Handle("GET /streamn", func(w resp, r req) error {
		b, err := w.Status(200).StreamN(uint64(len(page)))
		if err != nil {
			return err
		}
		for p := page; len(p) > 0; {
			n := min(len(p), 1000)
			if _, err = b.Write(p[:n]); err != nil {
				return err
			}
			p = p[n:]
		}
		return nil
	})
	f.Handle("GET /short", func(w resp, r req) error {
		b, err := w.Status(200).StreamN(10)
		if err != nil {
			return err
		}
		return b.WriteString("short")
	})
	f.Handle("GET /long", func(w resp, r req) error {
		b, err := w.Status(200).StreamN(3)
		if err != nil {
			return err
		}
		return b.WriteString("longer")
	})
	f.Handle("GET /close", func(w resp, r req) error { return w.Status(200).Header("Connection", "close").Text("bye") })
	f.Handle("GET /hints", func(w resp, r req) error {
		if err := w.Interim(103, http1conn.Field{Name: "Link", Value: "</a.css>"}); err != nil {
			return err
		}
		return w.Text("hinted")
	})
	f.Handle("GET /error", func(w resp, r req) error { return errSite })
	f.Handle("GET /coded", func(w resp, r req) error { return coded(429) })
	f.Handle("GET /panic", func(w resp, r req) error { panic("the handler panics") })
	f.Handle("GET /error/late", func(w resp, r req) error {
		b, err := w.Status(200).Stream()
		if err != nil {
			return err
		}
		b.WriteString("some")
		b.Flush()
		return errSite
	})
	f.Handle("GET /panic/late", func(w resp, r req) error {
		b, err := w.Status(200).Stream()
		if err != nil {
			return err
		}
		b.WriteString("some")
		b.Flush()
		panic("the handler panics")
	})
	f.Handle("POST /refuse", func(w resp, r req) error { return w.Status(403).Text("no") })
	f.Handle("GET /host", func(w resp, r req) error {
		return w.Text(string(r.Host()), "|", string(r.Path()), "|", string(r.Query()), "|", r.Version().String())
	})
}
