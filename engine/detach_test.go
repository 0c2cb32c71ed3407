package engine_test

import (
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// detach takes the stream over, as the handler of a line.
func (d *lines) detach(w *engine.Worker, gate string) {
	v, err := w.Stream().Detach()
	if err != nil {
		d.failed(err)
		return
	}
	d.detached <- v
	if gate != "" {
		d.wait(w, gate)
	}
}

// told is who watches, for the command watch: the driver's own Gone is another.
type told struct{ d *lines }

// Gone implements engine.Watcher.
func (t told) Gone(why error) { t.d.told <- why }

// taken is what was given away, as a stream.
func (f *fixture) taken() io.ReadWriteCloser {
	f.t.Helper()
	var v any
	f.until("give the stream away", func() bool {
		select {
		case v = <-f.d.detached:
			return true
		default:
			return false
		}
	})
	if fd, ok := v.(transport.Descriptor); ok {
		return os.NewFile(uintptr(fd), "detached")
	}
	return v.(io.ReadWriteCloser)
}

// TestDetach takes a connection over, with output before it that the peer has
// still to read, and goes on with it when the engine has drained.
func TestDetach(t *testing.T) {
	everywhere(t, usual(), func(f *fixture) {
		c, h := f.open()
		c.send("before\ndetach\n")
		v := f.taken()
		c.want("before\n")
		f.until("release the slot", func() bool { return f.e.Stats().Open == 0 })
		if s := f.e.Stats(); s.Detached != 1 || s.Busy != 0 || s.LostNow != 0 {
			t.Errorf("%+v", s)
		}
		if err := f.e.Kill(h); err != pool.ErrStale {
			t.Errorf("Kill of a connection that was given away: %v", err)
		}
		over := f.e.Shutdown()
		f.until("drain without it", func() bool {
			select {
			case <-over:
				return true
			default:
				return false
			}
		})
		if _, err := io.WriteString(v, "mine\n"); err != nil {
			t.Error(err)
		}
		c.want("mine\n")
		v.Close()
		c.wantEnd("")
	})
}

// TestDetachAndTimeOut has the deadline of a handler pass that has taken its
// connection over: the connection is none of the engine's business.
func TestDetachAndTimeOut(t *testing.T) {
	everywhere(t, usual(), func(f *fixture) {
		c, _ := f.open()
		c.send(fmt.Sprintf("detach %d g\n", second))
		v := f.taken()
		if f.net != nil {
			f.advance(2 * second)
		}
		f.until("give the handler up", func() bool { return f.e.Stats().HandlerTimeout == 1 && f.e.Stats().Open == 0 })
		if _, err := io.WriteString(v, "mine\n"); err != nil {
			t.Error(err)
		}
		c.want("mine\n")
		v.Close()
		c.wantEnd("")
	})
}

// TestWatch sees who watches a connection told of its end while the handler
// does nothing.
func TestWatch(t *testing.T) {
	for _, test := range []struct {
		name  string
		limit int64 // of the handler, 0 if it is not to pass on a busy machine either
		end   func(f *fixture, c *client, h pool.Handle)
		why   error
	}{
		{"the peer ends its bytes", 0, func(f *fixture, c *client, h pool.Handle) { c.conn.CloseWrite() }, transport.ErrReset},
		{"the peer resets", 0, func(f *fixture, c *client, h pool.Handle) { c.conn.Reset() }, transport.ErrReset},
		{"the program ends the connection", 0, func(f *fixture, c *client, h pool.Handle) { f.e.Kill(h) }, engine.ErrKilled},
		{"the deadline passes", second, func(f *fixture, c *client, h pool.Handle) {
			if f.net != nil {
				f.advance(2 * second)
			}
		}, engine.ErrDeadline},
		{"the engine stops", 0, func(f *fixture, c *client, h pool.Handle) {
			f.stopped = true
			f.e.Stop()
		}, engine.ErrClosing},
	} {
		t.Run(test.name, func(t *testing.T) {
			everywhere(t, usual(), func(f *fixture) {
				c, h := f.open()
				c.send(fmt.Sprintf("watch %d g\n", test.limit))
				g := f.d.gate("g")
				f.until("run the handler", func() bool { return len(g.entered) > 0 })
				test.end(f, c, h)
				var why error
				f.until("be told", func() bool {
					select {
					case why = <-f.d.told:
						return true
					default:
						return false
					}
				})
				if why != test.why {
					t.Errorf("told %v, want %v", why, test.why)
				}
				g.pass()
				if f.stopped {
					<-f.e.Stop()
				}
			})
		})
	}
}

// TestWatchTooLate watches a connection whose end is noted already, and one
// that is watched no more.
func TestWatchTooLate(t *testing.T) {
	everywhere(t, usual(), func(f *fixture) {
		c, id := f.open()
		c.send("block g\nwatch 0 h\n")
		g := f.d.gate("g")
		f.until("run the first handler", func() bool { return len(g.entered) > 0 })
		c.conn.CloseWrite()
		slot := f.e.Pool().Slot(id.Index())
		f.until("note the end", func() bool { return f.e.Pool().Peek(slot)&pool.Hangup != 0 })
		g.pass()
		f.until("be told", func() bool { return len(f.d.told) > 0 })
		if why := <-f.d.told; why != transport.ErrReset {
			t.Errorf("told %v, want %v", why, transport.ErrReset)
		}
		f.d.gate("h").pass()
		f.until("end", func() bool { return f.e.Stats().Open == 0 })
		if len(f.d.told) != 0 {
			t.Error("told twice")
		}
	})
}
