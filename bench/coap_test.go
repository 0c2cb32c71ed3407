package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// What a server of CoAP sends, with {T} for the token of the request and {ID} for the
// two bytes of its message ID.
const (
	csm        = "\x00\xe1"
	streamGood = "\xd4\x02\x45{T}\xc0\xffHello, World!"
	acked      = "\x64\x45{ID}{T}\xc0\xffHello, World!"
)

// speaking is the port of a server of CoAP over TCP that answers each request
// with the pieces, each of which is a write of its own.
func speaking(t *testing.T, first string, pieces []string, closes bool) int {
	t.Helper()
	return accepting(t, func(_ int, c net.Conn) {
		io.WriteString(c, first)
		r := bufio.NewReader(c)
		if _, err := r.Discard(len(csm)); err != nil {
			return
		}
		for {
			b := make([]byte, 12)
			if _, err := io.ReadFull(r, b[:2]); err != nil {
				return
			}
			if b[1] != 1 {
				// A pong, to the ping below.
				if string(b[:2]) != "\x02\xe3" {
					return
				}
				if _, err := io.ReadFull(r, b[:2]); err != nil || string(b[:2]) != "pi" {
					return
				}
				continue
			}
			if _, err := io.ReadFull(r, b[2:]); err != nil || string(b[:2]) != "\x64\x01" || string(b[6:]) != "\xb5hello" {
				return
			}
			for _, p := range pieces {
				if _, err := io.WriteString(c, strings.ReplaceAll(p, "{T}", string(b[2:6]))); err != nil {
					return
				}
			}
			if closes {
				return
			}
		}
	})
}

func TestCoapLoadIsStrict(t *testing.T) {
	load := compiled(t, "load")
	change := func(old, now string) []string { return []string{strings.Replace(streamGood, old, now, 1)} }
	for _, tt := range []struct {
		name   string
		first  string
		pieces []string
		closes bool
		want   string // of the complaint; empty if there is to be none
	}{
		{"good", csm, []string{streamGood}, false, ""},
		{"byte by byte", csm, []string{"\xd4", "\x02", "\x45", "{T}", "\xc0", "\xff", "Hello, Worl", "d!"}, false, ""},
		{"two formats", csm, []string{"\xd4\x03\x45{T}\xc0\x00\xffHello, World!"}, false, "not one Content-Format"},
		{"ETag, format and Max-Age", csm, []string{"\xd4\x0a\x45{T}\x44etag\x81\x00\x21\x3c\xffHello, World!"}, false, ""},
		{"a ping and an empty message before it", csm, []string{"\x00\x00", "\x02\xe2pi", streamGood}, false, ""},
		{"a CSM with options, and an empty message before it", "\x00\x00\x40\xe1\x22\x04\x80\x20", []string{streamGood}, false, ""},
		{"no CSM", "\x00\xe3", []string{streamGood}, false, "CSM"},
		{"4.04", csm, change("\x45", "\x84"), false, "not the code 2.05"},
		{"a shorter token", csm, []string{"\xd3\x02\x45abc\xc0\xffHello, World!"}, false, "a token of another size"},
		{"the token of nobody", csm, change("{T}", "nobo"), false, "an answer that nobody waits for"},
		{"twice the answer", csm, []string{streamGood + streamGood}, false, "an answer that nobody waits for"},
		{"no format", csm, []string{"\xd4\x01\x45{T}\xffHello, World!"}, false, "not one Content-Format"},
		{"another format", csm, []string{"\xd4\x03\x45{T}\xc1\x28\xffHello, World!"}, false, "other than text/plain"},
		{"a critical option", csm, []string{"\xd4\x03\x45{T}\xc0\x10\xffHello, World!"}, false, "critical"},
		{"an option of length 15", csm, change("\xc0", "\xcf"), false, "not one"},
		{"an option that is cut", csm, []string{"\x24\x45{T}\xc0\xd4"}, false, "not one"},
		{"wrong payload", csm, change("W", "w"), false, "wrong payload"},
		{"no payload", csm, []string{"\x14\x45{T}\xc0"}, false, "wrong payload"},
		{"a long token length", csm, change("\xd4", "\xd9"), false, "more than 8 bytes"},
		{"a huge message", csm, []string{"\xf4\xff\xff\xff\xff\x45"}, false, "too long"},
		{"a message over the limit", csm, []string{"\xe4\x10\x00\x45"}, false, "too long"},
		{"a release", csm, []string{"\x00\xe4"}, false, "a release"},
		{"an abort", csm, []string{"\x00\xe5"}, false, "an abort"},
		{"a pong", csm, []string{"\x00\xe3"}, false, "a pong"},
		{"closes after the answer", csm, []string{streamGood}, true, "closed"},
		{"closes amid the answer", csm, []string{streamGood[:4]}, true, "closed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			port := strconv.Itoa(speaking(t, tt.first, tt.pieces, tt.closes))
			for _, args := range [][]string{
				{"-c", "2", "-t", "2", "-w", "2", "-n", "4", "-T", "5"},
				{"-c", "1", "-t", "1", "-d", "3", "-W", "-w", "2", "-n", "9", "-T", "5"},
				{"-i", "3"},
			} {
				got := talk(t, load, append(args, "-p", port, "-k", "tcp")...)
				if tt.want == "" && got != nil {
					t.Errorf("%v: %v", args, got)
				}
				// A parked connection has no next answer, and is not asked twice.
				if tt.want != "" && (got == nil || !strings.Contains(got.Error(), tt.want)) && args[0] != "-i" {
					t.Errorf("%v: %v, want a complaint with %q", args, got, tt.want)
				}
			}
		})
	}
}

// answeringDatagrams is the port of a server of CoAP over UDP that answers the
// n-th datagram, from 0, with what answer gives.
func answeringDatagrams(t *testing.T, answer func(n int64, request string) []string) (int, *atomic.Int64) {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	got := new(atomic.Int64)
	go func() {
		b := make([]byte, 100)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			if n == 4 { // an acknowledgement
				continue
			}
			request := string(b[:n])
			if n != 14 || request[:2] != "\x44\x01" || request[8:] != "\xb5hello" {
				c.WriteTo([]byte("wrong"), from)
				continue
			}
			for _, a := range answer(got.Add(1)-1, request) {
				a = strings.ReplaceAll(strings.ReplaceAll(a, "{ID}", request[2:4]), "{T}", request[4:8])
				c.WriteTo([]byte(a), from)
			}
		}
	}()
	return c.LocalAddr().(*net.UDPAddr).Port, got
}

func TestCoapDatagrams(t *testing.T) {
	load := compiled(t, "load")
	always := func(answers ...string) func(int64, string) []string {
		return func(int64, string) []string { return answers }
	}
	for _, tt := range []struct {
		name   string
		answer func(int64, string) []string
		want   string // of the complaint
		again  bool   // datagrams are sent again
	}{
		{"good", always(acked), "", false},
		{"separate, confirmable", always("\x60\x00{ID}", "\x44\x45\x77\x88{T}\xc0\xffHello, World!"), "", false},
		{"separate, not confirmable", always("\x54\x45\x77\x88{T}\xc0\xffHello, World!"), "", false},
		{"every third is lost", func(n int64, _ string) []string {
			if n%3 == 0 {
				return nil
			}
			return []string{acked}
		}, "", true},
		{"each is lost", always(), "no answer to a request, nor to its repetitions", false},
		{"twice", always(acked, acked), "an answer that nobody waits for", false},
		{"a reset", always("\x70\x00{ID}"), "a reset", false},
		{"4.04", always("\x64\x84{ID}{T}"), "not the code 2.05", false},
		{"the acknowledgement of another", always("\x64\x45\x00\x00{T}\xc0\xffHello, World!"), "acknowledgement of another", false},
		{"another token", always("\x64\x45{ID}nobo\xc0\xffHello, World!"), "nobody waits", false},
		{"version 0", always("\x24\x45{ID}{T}\xc0\xffHello, World!"), "version", false},
		{"short", always("\x64\x45"), "less than 4 bytes", false},
		{"no token", always("\x64\x45{ID}ab"), "token that is too long", false},
		{"an empty message with more", always("\x60\x00{ID}more"), "not empty", false},
		{"a ping", always("\x40\x00{ID}"), "asks", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// A busy machine may take longer over an answer than any short time.
			repeat := "60000"
			if tt.again || strings.Contains(tt.want, "repetitions") {
				repeat = "10"
			}
			for _, depth := range []string{"1", "4"} {
				port, got := answeringDatagrams(t, tt.answer)
				err := talk(t, load, "-p", strconv.Itoa(port), "-k", "udp", "-c", "2", "-t", "1", "-d", depth, "-r", repeat, "-w", "8", "-n", "24", "-T", "30")
				if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
					t.Errorf("%s at a time: %v, want a complaint with %q", depth, err, tt.want)
				}
				if n := got.Load(); tt.want == "" && (n > 32) != tt.again {
					t.Errorf("%s at a time: %d datagrams for 32 requests", depth, n)
				}
			}
		})
	}
}

// TestFloorCoap sends it messages in every pair of pieces.
func TestFloorCoap(t *testing.T) {
	port := startFloor(t, "-c")
	request := "\x64\x01abcd\xb5hello"
	send := csm + request + "\x00\x00" + request + "\x60\x01\xb5hello" + "\xd2\x05\x02to\xb5hello\xffabcdefghijk"
	answer := strings.ReplaceAll(streamGood, "{T}", "abcd")
	want := csm + answer + answer + "\xd0\x02\x45\xc0\xffHello, World!" + "\xd2\x02\x45to\xc0\xffHello, World!"
	everyCut(t, port, send, want)
	for _, send := range []string{"\xf0\x00\x00\x00\x00\x01", "\x09\x01", "\xe0\xff\xff\x01"} {
		c := dial(t, port)
		io.WriteString(c, send)
		if b, _ := io.ReadAll(c); string(b) != csm {
			t.Errorf("%q is answered by %q", send, b)
		}
	}
}

func TestFloorDatagrams(t *testing.T) {
	program := compiled(t, "servers", "floor")
	p, port, err := start(t.Context(), func(t task) ([]string, error) {
		return []string{program, "-u", "-p", strconv.Itoa(t.port)}, nil
	}, task{coap: "udp"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	c, err := net.Dial("udp", address(port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	// What is passed over comes before what is answered.
	for _, silent := range []string{"\x60\x00ab", "\x70\x00ab", "\x49\x01ab123456789", "\x44\x01abxy", "\x00", "\x84\x01ab1234", "\x40\x45ab"} {
		io.WriteString(c, silent)
	}
	for _, tt := range [][2]string{
		{"\x40\x00ab", "\x70\x00ab"},
		{"\x44\x01abtokn\xb5hello", "\x64\x45abtokn\xc0\xffHello, World!"},
		{"\x50\x01cd\xb5hello", "\x50\x45cd\xc0\xffHello, World!"},
	} {
		io.WriteString(c, tt[0])
		b := make([]byte, 100)
		if n, err := c.Read(b); err != nil || string(b[:n]) != tt[1] {
			t.Errorf("%q is answered by %q, %v, want %q", tt[0], b[:n], err, tt[1])
		}
	}
}

// TestPath runs the floor at the other end of a path.
func TestPath(t *testing.T) {
	load := compiled(t, "load")
	b, err := newBuilder()
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	near, far, r, err := layPath()
	if err != nil {
		t.Skipf("takes the rights of root: %v", err)
	}
	defer near.Close()
	defer far.Close()
	defer r.Close()
	start, err := buildFloor(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	for _, network := range []string{"tcp", "udp"} {
		path := pathOf{10 * time.Millisecond, 0}
		r.Set(path.config(1))
		x, err := measurePath(t.Context(), near, far, r, load, built{start: start}, pathRun{path, network, flight{4, 2}}, 40)
		if err != nil {
			t.Fatal(err)
		}
		if x.P50 < 10000 || x.Bytes < 40 || x.Packets < 0.5 || x.Packets > 3 || x.Dropped != 0 || x.Again != 0 {
			t.Errorf("%s: %+v", network, x)
		}
	}
	// All are lost, and so there is an error.
	r.Set(pathOf{0, 1}.config(1))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if x, err := measurePath(ctx, near, far, r, load, built{start: start}, pathRun{pathOf{0, 1}, "udp", flight{1, 1}}, 1); err == nil {
		t.Errorf("no error on a path that loses all: %+v", x)
	}
}
