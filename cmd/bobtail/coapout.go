package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/host/coapdial"
)

// output is where an answer goes: a terminal, the standard output if that is
// something else, or a file, which has its old content until the new one is
// whole.
type output struct {
	*os.File
	seen bool   // it is a terminal
	name string // of the file that this will be, "" if it is already
	mode fs.FileMode
}

func (c *asking) output() (*output, error) {
	if c.out == "" || c.out == "-" {
		return &output{File: os.Stdout, seen: isSeen()}, nil
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(c.out); err == nil {
		mode = info.Mode()
	}
	if !mode.IsRegular() {
		f, err := os.OpenFile(c.out, os.O_WRONLY, 0)
		if err != nil {
			return nil, fmt.Errorf("-o %s: %v", c.out, cause(err))
		}
		return &output{File: f}, nil
	}
	f, err := os.CreateTemp(filepath.Dir(c.out), "."+filepath.Base(c.out)+".*")
	if err != nil {
		return nil, fmt.Errorf("-o %s: %v", c.out, cause(err))
	}
	return &output{File: f, name: c.out, mode: mode}, nil
}

// into is where an answer is written as it comes. What a terminal shows is
// looked at before.
func (o *output) into() io.Writer {
	if o.seen {
		return nil
	}
	return o.File
}

// take takes an answer whose body is here, or was written already.
func (o *output) take(r *coapdial.Response) error {
	if o.seen {
		f, known := r.Format()
		if err := show(o, true, f, known, r.Body); err != nil {
			return err
		}
	}
	if r.Code == coap.CodeValid {
		return nil // what the file has is still good
	}
	return o.keep()
}

// keep makes the file what was written.
func (o *output) keep() error {
	if o.File == os.Stdout {
		return nil
	}
	name := o.File.Name()
	err := error(nil)
	if o.name != "" {
		err = o.File.Chmod(o.mode)
	}
	if e := o.File.Close(); err == nil {
		err = e
	}
	if err == nil && o.name != "" {
		err = os.Rename(name, o.name)
	}
	if err != nil {
		return fmt.Errorf("-o %s: %v", o.name, cause(err))
	}
	o.name = ""
	return nil
}

// drop leaves the file as it was, if keep was not called.
func (o *output) drop() {
	if o.name != "" {
		o.File.Close()
		os.Remove(o.File.Name())
	}
}

// state prints a state of a resource that is observed, a text with the end of
// its line. A file has the last one.
func (c *asking) state(r *coapdial.Response) error {
	if r.Code == coap.CodeValid {
		return nil
	}
	out, err := c.output()
	if err != nil {
		return err
	}
	defer out.drop()
	f, known := r.Format()
	if err := show(out, out.seen, f, known, r.Body); err != nil {
		return err
	}
	if out.File == os.Stdout && !out.seen && isText(f, known, r.Body) && !bytes.HasSuffix(r.Body, []byte("\n")) {
		if _, err := io.WriteString(out, "\n"); err != nil {
			return err
		}
	}
	return out.keep()
}

// transfer shows the progress of a request and its answer, once that takes
// long.
type transfer struct {
	w       *deadline
	watched bool
	began   time.Time
	sending bool                     // what the bar shows
	bar     *progressbar.ProgressBar // nil if nothing is shown
}

// progressAfter is how long a transfer may take before it is shown.
const progressAfter = 300 * time.Millisecond

func (c *asking) transfer(r *coapdial.Request, w *deadline) *transfer {
	t := &transfer{w: w, watched: !c.quiet && isWatched(), began: time.Now()}
	r.Progress = t.moved
	return t
}

func (t *transfer) moved(sending bool, done, total int64) {
	t.w.moved()
	if !t.watched || time.Since(t.began) < progressAfter {
		return
	}
	if t.bar != nil && t.sending != sending {
		t.end()
	}
	if t.bar == nil {
		what := "receiving"
		if sending {
			what = "sending"
		}
		t.bar, t.sending = newBar(what, total), sending
	}
	t.bar.Set64(done)
}

// end takes away what is shown.
func (t *transfer) end() {
	if t.bar != nil {
		t.bar.Clear()
		t.bar = nil
	}
}
