package conformance

import (
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/epoll"
	"github.com/bobtail-go/bobtail/transport/netstd"
)

// The suite of bobtail coap conform for RFC 8323, against servers of ours, which
// have to pass all of it, and against others, of which it tells what they miss.

// conform runs the suite. It gives the lines on the cases that do not pass.
func conform(t *testing.T, uri string, flags ...string) (lines []string) {
	t.Helper()
	cmd := exec.Command(binary, append(append([]string{"coap", "conform", "-quiet"}, flags...), uri)...)
	overdue := time.AfterFunc(5*patient, func() { cmd.Process.Kill() })
	defer overdue.Stop()
	b, err := cmd.CombinedOutput()
	lines = strings.Split(strings.TrimSpace(string(b)), "\n")
	last := len(lines) - 1
	var cases, passed, tolerated, failed int
	if _, err := fmt.Sscanf(lines[last], "%d cases: %d passed, %d tolerated, %d failed", &cases, &passed, &tolerated, &failed); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, b)
	}
	if status := cmd.ProcessState.ExitCode(); (status != 0) != (failed > 0) || status > 1 || cases < 100 || last != tolerated+failed {
		t.Fatalf("%s: %v\n%s", cmd, err, b)
	}
	return lines[:last]
}

// lenient are the cases that a server tolerates which serves clients without a
// CSM, as ours does if it is not told otherwise.
var lenient = []string{"CSM: none before a request", "CSM: none before a Ping", "CSM: late, behind a request"}

// conforms wants a server to pass all cases but those that it may tolerate.
func conforms(t *testing.T, uri string, may []string, flags ...string) {
	t.Helper()
	for _, line := range conform(t, uri, append(flags, "-timeout", "20s")...) {
		if !strings.HasPrefix(line, "tolerated ") || !slices.ContainsFunc(may, func(name string) bool { return strings.Contains(line, name+": ") }) {
			t.Error(line)
		}
	}
}

func TestCoapSignals(t *testing.T) {
	onCoap(t, func(t *testing.T, s *coapSite) {
		conforms(t, "coap+tcp://"+s.addr, lenient)
		// What is done at a time by several is not mixed up.
		conforms(t, "coap+tcp://"+s.addr+s.small, lenient, "-parallel", "16")
	})
}

// TestCoapSignalsTLS does so over TLS.
func TestCoapSignalsTLS(t *testing.T) {
	for _, b := range backends {
		t.Run(b, func(t *testing.T) {
			p := start(t, "-backend", b, "-coap", "127.0.0.1:0", "-tls-self")
			_, rest, ok := strings.Cut(p.greeting, "coaps+tcp://")
			if !ok {
				t.Fatalf("bobtail serve says %q", p.greeting)
			}
			addr, _, _ := strings.Cut(rest, "/")
			conforms(t, "coaps+tcp://"+addr, lenient, "-insecure")
		})
	}
}

// TestCoapSignalsStrict has servers of other settings, and of answers that come
// later and out of order.
func TestCoapSignalsStrict(t *testing.T) {
	for name, open := range map[string]func() (transport.Backend, error){
		"epoll": func() (transport.Backend, error) { return epoll.New(epoll.Config{Lanes: 1}) },
		"net":   func() (transport.Backend, error) { return netstd.New(netstd.Config{Lanes: 1}) },
	} {
		for _, c := range []struct {
			name   string
			config coaptcp.Config
			path   string
			may    []string
			skip   string
		}{
			{"as it is", coaptcp.Config{}, "/hello", nil, "^$"},
			{"long tokens", coaptcp.Config{MaxToken: 64}, "/hello", nil, "^$"},
			{"short messages", coaptcp.Config{MaxMessage: 200}, "/hello", []string{"Max-Message-Size: a message of 1152 bytes"}, "^$"},
			{"later answers", coaptcp.Config{MaxToken: 16}, "/later", nil, "until nothing more"}, // some 40000, of milliseconds each
			{"later answers, few at a time", coaptcp.Config{InFlight: 2}, "/later", nil, "until nothing more"},
			{"one handler at a time", coaptcp.Config{Handlers: 1}, "/hello", nil, "^$"},
		} {
			t.Run(name+", "+c.name, func(t *testing.T) {
				b, err := open()
				if err != nil {
					t.Fatal(err)
				}
				later := make(chan resource.Ticket, 256)
				var answering sync.WaitGroup
				answering.Go(func() {
					n := 0
					for ticket := range later {
						answering.Add(1)
						n++
						time.AfterFunc(time.Duration(n%3*3)*time.Millisecond, func() {
							ticket.Answer(coap.CodeContent, nil, []byte("at last"))
							answering.Done()
						})
					}
				})
				t.Cleanup(func() {
					close(later)
					answering.Wait()
				})
				srv, err := bobtail.New(bobtail.Config{Backend: b, Workers: 4})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { srv.Close() })
				r := &resource.Router{Tickets: 256, Token: 64}
				r.Add(resource.Route{Pattern: "GET /hello", Handler: func(w resource.Response, q *resource.Request) error { return w.Text("hello") }})
				r.Add(resource.Route{Pattern: "GET /later", Handler: func(w resource.Response, q *resource.Request) error {
					ticket, err := q.Later(int64(patient))
					if err != nil {
						return err
					}
					later <- ticket
					return nil
				}})
				c.config.Resources, c.config.Strict = r, true
				if _, err := coaptcp.New(srv, c.config); err != nil {
					t.Fatal(err)
				}
				addr := coapPort(t)
				if _, err := srv.Listen("coap+tcp://" + addr); err != nil {
					t.Fatal(err)
				}
				if err := srv.Start(); err != nil {
					t.Fatal(err)
				}
				conforms(t, "coap+tcp://"+addr+c.path, c.may, "-skip", c.skip)
			})
		}
	}
}

// TestCoapRelease stops the program, which asks its clients to go, and for how
// long not to come back.
func TestCoapRelease(t *testing.T) {
	for _, b := range backends {
		t.Run(b, func(t *testing.T) {
			p := start(t, "-backend", b, "-coap", "127.0.0.1:0")
			_, rest, _ := strings.Cut(p.greeting, "coap+tcp://")
			addr, _, _ := strings.Cut(rest, "/")
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(patient))
			var in []byte
			next := func() coap.Message {
				for chunk := make([]byte, 4096); ; {
					if m, n, err := coap.ParseTCP(in); n > 0 || err != nil {
						in = in[n:]
						return m
					}
					n, err := c.Read(chunk)
					if err != nil {
						t.Fatal(err)
					}
					in = append(in, chunk[:n]...)
				}
			}
			if m := next(); m.Code != coap.CodeCSM {
				t.Fatalf("%v comes first", m.Code)
			}
			c.Write(coap.AppendPing(coap.AppendCSM(nil, coap.Settings{}), []byte("x"), false))
			if m := next(); m.Code != coap.CodePong {
				t.Fatalf("%v answers a Ping", m.Code)
			}
			stopped := make(chan struct{})
			go func() {
				p.stop()
				close(stopped)
			}()
			m := next()
			if r := coap.ParseRelease(m.Options); m.Code != coap.CodeRelease || r.HoldOff == 0 {
				t.Errorf("%v comes when the server stops, with Hold-Off %d", m.Code, r.HoldOff)
			}
			c.Close() // RFC 8323 section 5.5: it is left to the peer
			<-stopped
		})
	}
}

// TestCoapSignalsOthers tells what other servers miss.
func TestCoapSignalsOthers(t *testing.T) {
	for name, begin := range map[string]func(t *testing.T) *coapSite{"libcoap": startLibcoap, "go-coap": startGocoap} {
		t.Run(name, func(t *testing.T) {
			s := begin(t)
			lines := conform(t, "coap+tcp://"+s.addr+s.small, "-timeout", "500ms", "-parallel", "4")
			t.Logf("%s misses %d cases:\n%s", name, len(lines), strings.Join(lines, "\n"))
		})
	}
}
