package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The tests of this file have four clients do what would keep a worker each if
// workers waited for clients, in a program of two workers and five sockets.
// None of it may delay the fifth, who is asked for prompt answers (ask), and
// the four are served too, in the end.

const hostages = 4

func small(t *testing.T, backend string) *program {
	return start(t, "-backend", backend, "-workers", "2", "-sockets", "5", "-spare", "1")
}

// fifth has the fifth client do all that the site is for.
func (p *program) fifth(conn net.Conn, r *bufio.Reader) {
	p.t.Helper()
	for _, target := range []string{"/", "/plaintext", "/json", "/sleep?ms=1", "/stats"} {
		p.ask(conn, r, target)
	}
	conn.SetDeadline(time.Now().Add(prompt))
	io.WriteString(conn, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nsquid")
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "squid" {
		p.t.Fatalf("the echo is %q, %v", b, err)
	}
}

// waiting reports whether n clients wait: one with a worker that is lent, and
// the others until it is their turn. When the machine is so busy that the
// second worker does not move for a while, the server takes it for stuck and
// the first one back, as it should if that were so; these are counted too.
func waiting(n int) func(now map[string]int) bool {
	return func(now map[string]int) bool { return now["lent"] == 1 && now["held"]+now["reclaimed"] == n-1 }
}

// reclaimed is how many connections were reclaimed. A machine can be so busy
// that two or three are; a server that takes the second worker for stuck when it is
// not reclaims them all, since it is asked hundreds of times.
func (p *program) reclaimed(conn net.Conn, r *bufio.Reader) (n int) {
	p.watch(conn, r, func(now map[string]int) bool {
		n = now["reclaimed"]
		return true
	})
	if n >= hostages {
		p.t.Errorf("%d of %d connections were reclaimed", n, hostages)
	}
	return n
}

// TestByteNowAndThen has four clients send their heads byte by byte.
func TestByteNowAndThen(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := small(t, backend)
		const text = "GET /plaintext HTTP/1.1\r\nHost: a\r\nUser-Agent: slow\r\n\r\n"
		var slow [hostages]net.Conn
		for i := range slow {
			slow[i] = dial(t, p)
		}
		conn := dial(t, p)
		r := bufio.NewReader(conn)
		for k := range len(text) {
			for _, c := range slow {
				if _, err := io.WriteString(c, text[k:k+1]); err != nil {
					t.Fatal(err)
				}
			}
			p.fifth(conn, r)
		}
		for _, c := range slow {
			if b := head(t, c); !strings.HasPrefix(b, "HTTP/1.1 200 ") {
				t.Errorf("a slow client gets %q", b)
			}
		}
	})
}

// TestSlowUploads has four clients upload to /echo, more than a worker's
// memory holds and a little at a time.
func TestSlowUploads(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := small(t, backend)
		piece := bytes.Repeat([]byte("tentacle"), 512)
		const pieces = 40
		conn := dial(t, p)
		r := bufio.NewReader(conn)
		var slow [hostages]net.Conn
		for i := range slow {
			slow[i] = dial(t, p)
			fmt.Fprintf(slow[i], "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", pieces*len(piece))
			p.watch(conn, r, waiting(i+1))
		}
		for range pieces - 1 {
			for _, c := range slow {
				c.Write(piece) // whether it arrives is seen in the end
			}
			p.fifth(conn, r)
		}
		// One of them has the worker that waits. When it is done, it is the
		// turn of another.
		done := make(chan error, hostages)
		for _, c := range slow {
			go func() {
				_, err := c.Write(piece)
				var resp *http.Response
				if err == nil {
					resp, err = http.ReadResponse(bufio.NewReader(c), nil)
				}
				var b []byte
				if err == nil {
					b, err = io.ReadAll(resp.Body)
				}
				if err == nil && !bytes.Equal(b, bytes.Repeat(piece, pieces)) {
					err = fmt.Errorf("an echo of %d bytes, status %d", len(b), resp.StatusCode)
				}
				done <- err
			}()
		}
		var failed []error
		for range slow {
			if err := <-done; err != nil {
				failed = append(failed, err)
			}
		}
		if n := p.reclaimed(conn, r); len(failed) > n {
			t.Errorf("%d uploads failed, and %d were reclaimed: %v", len(failed), n, failed)
		}
	})
}

// TestEchoIsNotRead has four clients upload without end and read nothing of
// what comes back.
func TestEchoIsNotRead(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := small(t, backend)
		piece := bytes.Repeat([]byte("tentacle"), 8192)
		conn := dial(t, p)
		r := bufio.NewReader(conn)
		for i := range hostages {
			c := dial(t, p)
			io.WriteString(c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000000\r\n\r\n")
			go func() {
				for {
					if _, err := c.Write(piece); err != nil {
						return // at the end of the test, or when the buffers are full for long
					}
				}
			}()
			p.watch(conn, r, waiting(i+1))
		}
		for range 50 {
			p.fifth(conn, r)
		}
		p.reclaimed(conn, r)
	})
}

// TestAnswersAreNotRead has four clients ask for the page again and again and
// read none of it.
func TestAnswersAreNotRead(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := small(t, backend)
		ask := bytes.Repeat([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 1000)
		var deaf [hostages]net.Conn
		stuck := make(chan struct{}, hostages)
		for i := range deaf {
			deaf[i] = dial(t, p)
			go func() {
				// Until the server takes no more, which is when its answers
				// are not taken.
				c := deaf[i]
				for {
					c.SetWriteDeadline(time.Now().Add(time.Second))
					if _, err := c.Write(ask); err != nil {
						break
					}
				}
				stuck <- struct{}{}
			}()
		}
		conn := dial(t, p)
		r := bufio.NewReader(conn)
		for n := 0; n < hostages; {
			p.fifth(conn, r)
			select {
			case <-stuck:
				n++
			default:
			}
		}
		for range 50 {
			p.fifth(conn, r)
		}
		for _, c := range deaf {
			if b := head(t, c); !strings.HasPrefix(b, "HTTP/1.1 200 ") {
				t.Errorf("who reads at last gets %q", b)
			}
		}
	})
}
