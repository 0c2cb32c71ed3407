package nethttp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/host/nethttp"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/web"
)

// send writes a request, and reads nothing.
func send(t *testing.T, p peer, s string) {
	t.Helper()
	if _, err := io.WriteString(p, s); err != nil {
		t.Fatal(err)
	}
}

// TestContextEnds sees the context of a request end for each of its reasons,
// with the reason as its cause, while the handler does nothing.
func TestContextEnds(t *testing.T) {
	for _, c := range []struct {
		name    string
		request string
		after   func(f *fixture, p peer)
		cause   error
	}{
		{"the peer closes the connection", get(""), func(f *fixture, p peer) { p.Close() }, transport.ErrReset},
		{"the peer closes its end only", get(""), func(f *fixture, p peer) { p.CloseWrite() }, transport.ErrReset},
		{"the server is closed", get(""), func(f *fixture, p peer) { f.srv.Close() }, engine.ErrClosing},
	} {
		t.Run(c.name, func(t *testing.T) {
			begun, done := make(chan context.Context, 1), make(chan error, 1)
			on(t, bobtail.Config{}, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
				begun <- r.Context()
				<-r.Context().Done()
				done <- context.Cause(r.Context())
			}}, func(t *testing.T, f *fixture) {
				p := f.dial(t)
				send(t, p, c.request)
				if err := within(t, begun, "the request").Err(); err != nil {
					t.Fatalf("the context is done at the beginning: %v", err)
				}
				c.after(f, p)
				if cause := within(t, done, "the context's end"); cause != c.cause {
					t.Errorf("the cause is %v, want %v", cause, c.cause)
				}
			})
		})
	}
}

// TestContextOfOneWhoHasGone is served to a peer that has closed its end right
// behind its request.
func TestContextOfOneWhoHasGone(t *testing.T) {
	on(t, bobtail.Config{}, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		io.WriteString(w, "still answered")
	}}, func(t *testing.T, f *fixture) {
		p := f.dial(t)
		send(t, p, get(""))
		p.CloseWrite()
		if got, _ := io.ReadAll(p); !strings.HasSuffix(string(got), "still answered") {
			t.Errorf("got %q", got)
		}
	})
}

// TestContextEndsInWait has the peer go while the handler waits for it.
func TestContextEndsInWait(t *testing.T) {
	done := make(chan error, 2)
	on(t, bobtail.Config{}, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		<-r.Context().Done()
		done <- err
	}}, func(t *testing.T, f *fixture) {
		p := f.dial(t)
		send(t, p, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nabc")
		p.CloseWrite()
		if err := within(t, done, "the context's end"); err != io.ErrUnexpectedEOF {
			t.Errorf("reading the content: %v, want %v", err, io.ErrUnexpectedEOF)
		}
	})
}

// TestContextEndsWithHandler keeps the context for longer than the handler.
func TestContextEndsWithHandler(t *testing.T) {
	ctx := make(chan context.Context, 1)
	on(t, bobtail.Config{}, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) { ctx <- r.Context() }}, func(t *testing.T, f *fixture) {
		exchange(t, f.dial(t), get(""), "GET")
		isDone(t, within(t, ctx, "the handler"), "the end of the handler's context")
	})
}

// TestCloseNotify is for programs that have not heard of contexts.
func TestCloseNotify(t *testing.T) {
	begun, done := make(chan bool, 1), make(chan bool, 1)
	on(t, bobtail.Config{}, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		c := w.(interface{ CloseNotify() <-chan bool }).CloseNotify()
		begun <- true
		done <- <-c
	}}, func(t *testing.T, f *fixture) {
		p := f.dial(t)
		send(t, p, get(""))
		within(t, begun, "the request")
		p.Close()
		within(t, done, "the notice")
	})
}

// TestHandlerTimeout has a handler run for longer than it may: the peer gets
// 503, the context ends, the handler's writes fail, and the worker serves
// others before the handler has returned.
func TestHandlerTimeout(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.Name, func(t *testing.T) {
			release, late := make(chan bool), make(chan error, 1)
			f := serve(t, k, bobtail.Config{Workers: 1, Spare: -1}, func(srv *bobtail.Server) error {
				slow := nethttp.Route("/slow", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					io.WriteString(w, "too ")
					<-r.Context().Done()
					<-release
					_, err := io.WriteString(w, "late")
					late <- errors.Join(err, context.Cause(r.Context()))
				}))
				slow.Timeout = int64(50 * time.Millisecond)
				srv.Add(slow)
				return srv.Add(nethttp.Route("/quick", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})))
			})
			p := f.dial(t)
			if got := exchange(t, p, "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n", "GET"); !strings.HasPrefix(got, "503 ") {
				t.Errorf("the slow one: %s", got)
			}
			if got := exchange(t, f.dial(t), "GET /quick HTTP/1.1\r\nHost: h\r\n\r\n", "GET"); !strings.HasPrefix(got, "200 ") {
				t.Errorf("the quick one: %s", got)
			}
			close(release)
			if err := within(t, late, "the slow handler"); !errors.Is(err, http.ErrHandlerTimeout) || !errors.Is(err, engine.ErrDeadline) {
				t.Errorf("the late write: %v", err)
			}
			if s := f.srv.Stats(); s.HandlerTimeout != 1 {
				t.Errorf("%d handlers' deadlines have passed, want 1", s.HandlerTimeout)
			}
		})
	}
}

// TestPanic has a handler panic, and hears of it with its stack.
func TestPanic(t *testing.T) {
	told := make(chan any, 1)
	cfg := bobtail.Config{Panic: func(r *bobtail.Request, v any) { told <- v }}
	on(t, cfg, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "not sent")
		panic("oh dear")
	}}, func(t *testing.T, f *fixture) {
		got := exchange(t, f.dial(t), get(""), "GET")
		if !strings.HasPrefix(got, "500 ") || strings.Contains(got, "not sent") {
			t.Errorf("got %s", got)
		}
		p, ok := within(t, told, "the hook").(*nethttp.Panic)
		if !ok || p.Value != "oh dear" || !strings.Contains(p.String(), "TestPanic") {
			t.Errorf("the hook was told %v", p)
		}
		if s := f.srv.Stats(); s.Panics != 1 {
			t.Errorf("%d panics, want 1", s.Panics)
		}
	})
}

// TestHijack takes a connection over, with bytes behind the request, and goes
// on with it when the server has ended.
func TestHijack(t *testing.T) {
	for _, c := range []struct {
		name, request, buffered string
		before                  func(w http.ResponseWriter, r *http.Request)
		want                    string
	}{
		{"before the answer", get("Upgrade: echo\r\nConnection: upgrade\r\n"), "", nil, ""},
		{"with bytes behind the request", get("") + "behind", "behind", nil, ""},
		{"with content that was not read", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcdef", "abcdef", nil, ""},
		{"with content that was read in part", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcdef", "cdef",
			func(w http.ResponseWriter, r *http.Request) { io.ReadFull(r.Body, make([]byte, 2)) }, ""},
		{"after the head", get(""), "",
			func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "4")
				w.WriteHeader(200)
			}, "200 OK"},
	} {
		t.Run(c.name, func(t *testing.T) {
			buffered, taken := make(chan string, 1), make(chan error, 1)
			on(t, bobtail.Config{Workers: 1, Spare: -1}, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
				if c.before != nil {
					c.before(w, r)
				}
				conn, rw, err := http.NewResponseController(w).Hijack()
				if err != nil {
					taken <- err
					return
				}
				defer conn.Close()
				if _, _, err := w.(http.Hijacker).Hijack(); err != http.ErrHijacked {
					t.Errorf("second Hijack: %v", err)
				}
				if _, err := io.WriteString(w, "x"); err != http.ErrHijacked {
					t.Errorf("Write after Hijack: %v", err)
				}
				taken <- r.Context().Err()
				peeked, _ := rw.Peek(rw.Reader.Buffered())
				buffered <- string(peeked)
				io.CopyN(rw, rw, int64(len(c.buffered)+len(" and more")))
				rw.Flush()
			}, "/other": func(w http.ResponseWriter, r *http.Request) {}}, func(t *testing.T, f *fixture) {
				p := f.dial(t)
				send(t, p, c.request)
				if err := within(t, taken, "the hijack"); err != nil {
					t.Fatal(err)
				}
				if got := within(t, buffered, "the hijack"); got != c.buffered {
					t.Errorf("the reader has %q, want %q", got, c.buffered)
				}
				// The only worker is free, and the connection is not the server's any more.
				other := f.dial(t)
				if got := exchange(t, other, "GET /other HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET"); !strings.HasPrefix(got, "200 ") {
					t.Errorf("another request: %s", got)
				}
				other.Close()
				if s := f.srv.Stats(); s.Detached != 1 || s.Open > 1 {
					t.Errorf("%d connections were taken over, %d are open", s.Detached, s.Open)
				}
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				if _, real := p.(*net.TCPConn); real { // the network in memory ends with its backend
					if err := f.srv.Shutdown(ctx); err != nil {
						t.Errorf("Shutdown: %v", err)
					}
				}
				send(t, p, " and more")
				r := bufio.NewReader(p)
				if c.want != "" {
					line, err := r.ReadString('\n')
					if strings.TrimSpace(line) != "HTTP/1.1 "+c.want {
						t.Errorf("the head begins with %q, %v", line, err)
					}
					for line != "\r\n" && err == nil {
						line, err = r.ReadString('\n')
					}
				}
				got, err := io.ReadAll(r)
				if want := c.buffered + " and more"; string(got) != want || err != nil {
					t.Errorf("the connection gives %q, %v, want %q", got, err, want)
				}
			})
		})
	}
}

// TestHijackedLimits sets a deadline on a connection that was taken over, and
// has another goroutine read.
func TestHijackedLimits(t *testing.T) {
	result := make(chan error, 1)
	on(t, bobtail.Config{}, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			result <- err
			return
		}
		if c.SetReadDeadline(time.Now().Add(time.Millisecond)) != nil {
			c.Close()
			result <- nil // a stream in memory has none
			return
		}
		go func() {
			defer c.Close()
			_, err := c.Read(make([]byte, 1))
			if n, ok := err.(net.Error); ok && n.Timeout() {
				err = nil
			}
			result <- err
		}()
	}}, func(t *testing.T, f *fixture) {
		p := f.dial(t)
		send(t, p, get(""))
		if err := within(t, result, "the deadline"); err != nil {
			t.Error(err)
		}
		if _, err := io.ReadAll(p); err != nil {
			t.Error(err)
		}
	})
}

// TestStreams sees content come and go in pieces while the handler runs.
func TestStreams(t *testing.T) {
	on(t, bobtail.Config{}, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		c.EnableFullDuplex()
		b := make([]byte, 100)
		for {
			n, err := r.Body.Read(b)
			if err != nil {
				return
			}
			w.Write(b[:n])
			c.Flush()
		}
	}}, func(t *testing.T, f *fixture) {
		p := f.dial(t)
		wantEchoes(t, p)
	})
}

// TestSeveralGoroutines has goroutines of one handler write and read at once.
func TestSeveralGoroutines(t *testing.T) {
	on(t, bobtail.Config{}, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		var g sync.WaitGroup
		for range 4 {
			g.Go(func() {
				for range 100 {
					io.WriteString(w, strings.Repeat("x", 100))
				}
			})
		}
		g.Go(func() { io.Copy(io.Discard, r.Body) })
		g.Wait()
	}}, func(t *testing.T, f *fixture) {
		p := f.dial(t)
		sent := make(chan error, 1)
		go func() { // whose peer reads meanwhile: the handler's goroutines take turns
			_, err := io.WriteString(p, post(strings.Repeat("y", 30000)))
			sent <- err
		}()
		got := exchange(t, p, "", "POST")
		if err := within(t, sent, "sending"); err != nil {
			t.Error(err)
		}
		if !strings.Contains(got, "\n40000 bytes ") {
			t.Errorf("got %s", got)
		}
	})
}

// TestPathValues has the server's pattern tell a handler what it tells
// Bobtail's.
func TestPathValues(t *testing.T) {
	on(t, bobtail.Config{}, map[string]http.HandlerFunc{"GET /a/{one}/{rest...}": func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s %q", r.Pattern, r.PathValue("one"), r.PathValue("rest"), r.PathValue("none"))
	}}, func(t *testing.T, f *fixture) {
		got := exchange(t, f.dial(t), "GET /a/%62%2f/c/d HTTP/1.1\r\nHost: h\r\n\r\n", "GET")
		if want := `"GET /a/{one}/{rest...} b/ c/d \"\""`; !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// TestMount sees what the fields of a Mount do.
func TestMount(t *testing.T) {
	type key struct{}
	server := &http.Server{}
	m := &nethttp.Mount{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.Context().Value(key{}), r.Context().Value(http.ServerContextKey) == server)
			w.WriteHeader(500)
		}),
		BaseContext: context.WithValue(context.Background(), key{}, "base"),
		Server:      server,
	}
	for _, k := range kinds {
		var misuse strings.Builder
		m.ErrorLog = log.New(&misuse, "", 0)
		f := serve(t, k, bobtail.Config{}, func(srv *bobtail.Server) error { return srv.Add(m.Route("/")) })
		if got := exchange(t, f.dial(t), get("Connection: close\r\n"), "GET"); !strings.Contains(got, `"basetrue"`) {
			t.Errorf("%s: got %s", k.Name, got)
		}
		f.srv.Close()
		if got := misuse.String(); got != "http: superfluous response.WriteHeader call\n" {
			t.Errorf("%s: logged %q", k.Name, got)
		}
	}
}

// TestManyFields sends as many fields as can be kept, and one more.
func TestManyFields(t *testing.T) {
	on(t, bobtail.Config{}, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, len(r.Header["A"])) }}, func(t *testing.T, f *fixture) {
		if got := exchange(t, f.dial(t), get(strings.Repeat("A: b\r\n", 63)), "GET"); !strings.Contains(got, `"63"`) {
			t.Errorf("63 fields and Host: %s", got)
		}
		if got := exchange(t, f.dial(t), get(strings.Repeat("A: b\r\n", 64)), "GET"); !strings.HasPrefix(got, "431 ") {
			t.Errorf("64 fields and Host: %s", got)
		}
	})
}

// TestLongHead answers with a head that does not fit.
func TestLongHead(t *testing.T) {
	on(t, bobtail.Config{}, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 5000))
	}}, func(t *testing.T, f *fixture) {
		if got := exchange(t, f.dial(t), get(""), "GET"); !strings.HasPrefix(got, "500 ") {
			t.Errorf("got %s", got)
		}
	})
}

// TestBeside serves mounted handlers and others from one server: the others
// see only the fields that the server keeps.
func TestBeside(t *testing.T) {
	for _, k := range kinds {
		f := serve(t, k, bobtail.Config{}, func(srv *bobtail.Server) error {
			srv.Handle("/own", func(w web.Response, r *web.Request) error {
				return w.Text(string(r.Header("x-field")), ".")
			})
			return srv.Add(nethttp.Route("/mounted", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, r.Header.Get("X-Field")+".")
			})))
		})
		p := f.dial(t)
		for _, c := range []struct{ path, want string }{{"/own", `"."`}, {"/mounted", `"x."`}, {"/own", `"."`}} {
			if got := exchange(t, p, "GET "+c.path+" HTTP/1.1\r\nHost: h\r\nX-Field: x\r\n\r\n", "GET"); !strings.Contains(got, c.want) {
				t.Errorf("%s: %s: got %s, want %s", k.Name, c.path, got, c.want)
			}
		}
	}
}
