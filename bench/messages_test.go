package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// frame is one of a client, masked, with the least length of the header.
func frame(first byte, payload string) string {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	key := []byte{1, 2, 0x83, 0xf4}
	b = append(b, key...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i%4])
	}
	return string(b)
}

// echoOf is the frame of a server with the same.
func echoOf(first byte, payload string) string {
	b := []byte(frame(first, payload))
	header := len(b) - len(payload)
	b[1] &= 0x7f
	return string(b[:header-4]) + payload
}

const (
	upgradeRequest = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
	upgradeAnswer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)

func startFloor(t *testing.T, args ...string) int {
	t.Helper()
	program := compiled(t, "servers", "floor")
	p, port, err := start(t.Context(), func(t task) ([]string, error) {
		return append([]string{program, "-p", strconv.Itoa(t.port)}, args...), nil
	}, task{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	return port
}

func dial(t *testing.T, port int) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", address(port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c.(*net.TCPConn)
}

// everyCut sends the same to a server cut in two at every place, and wants the
// same back.
func everyCut(t *testing.T, port int, send, want string) {
	t.Helper()
	for i := range len(send) + 1 {
		c := dial(t, port)
		io.WriteString(c, send[:i])
		io.WriteString(c, send[i:])
		c.CloseWrite()
		if b, err := io.ReadAll(c); err != nil || string(b) != want {
			t.Fatalf("cut at %d: %q, %v, want %q", i, b, err, want)
		}
		c.Close()
	}
}

// receives wants exactly these bytes next.
func receives(t *testing.T, r io.Reader, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if n, err := io.ReadFull(r, b); err != nil || string(b) != want {
		t.Fatalf("%d bytes, %v: %.200q, want %d: %.200q", n, err, b[:n], len(want), want)
	}
}

// TestFloorEchoes cuts the upgrade and some frames at every place, and sends
// them byte by byte.
func TestFloorEchoes(t *testing.T) {
	port := startFloor(t, "-w")
	long := strings.Repeat("0123456789", 13)
	send := upgradeRequest + frame(0x81, "Hello") + frame(0x82, "") + frame(0x02, "frag") + frame(0x89, "ping") + frame(0x8a, "unsolicited") +
		frame(0x80, "ment") + frame(0x82, long) + frame(0x8a, "") + frame(0x81, "x") + frame(0x88, "\x03\xe8bye")
	want := upgradeAnswer + echoOf(0x81, "Hello") + echoOf(0x82, "") + echoOf(0x02, "frag") + echoOf(0x8a, "ping") +
		echoOf(0x80, "ment") + echoOf(0x82, long) + echoOf(0x81, "x") + echoOf(0x88, "\x03\xe8bye")
	for i := range len(send) + 1 {
		c := dial(t, port)
		if i == 0 {
			for j := range len(send) {
				io.WriteString(c, send[j:j+1])
			}
		} else {
			io.WriteString(c, send[:i])
			io.WriteString(c, send[i:])
		}
		if b, err := io.ReadAll(c); err != nil || string(b) != want {
			t.Fatalf("cut at %d: %q, %v, want %q", i, b, err, want)
		}
		c.Close()
	}
}

// TestFloorEchoesSlowly sends more than fits into the buffers before it reads.
func TestFloorEchoesSlowly(t *testing.T) {
	port := startFloor(t, "-w")
	c := dial(t, port)
	c.SetReadBuffer(16 << 10)
	io.WriteString(c, upgradeRequest)
	receives(t, c, upgradeAnswer)
	var want bytes.Buffer
	sent := make(chan error)
	var send bytes.Buffer
	for i := range 400 {
		text := strings.Repeat(fmt.Sprintf("%08d", i), 1<<(i%15))
		send.WriteString(frame(0x82, text))
		want.WriteString(echoOf(0x82, text))
	}
	go func() {
		_, err := c.Write(send.Bytes())
		sent <- err
	}()
	r := bufio.NewReaderSize(c, 4<<10)
	receives(t, r, want.String())
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, frame(0x88, ""))
	receives(t, r, echoOf(0x88, ""))
}

// TestFloorCutsOff wants the connection ended without a frame.
func TestFloorCutsOff(t *testing.T) {
	port := startFloor(t, "-w")
	for _, tt := range []struct{ name, send string }{
		{"a frame without a mask", "\x81\x05Hello"},
		{"a reserved bit", frame(0xc1, "x")},
		{"an unknown opcode", frame(0x83, "x")},
		{"an unknown opcode of control", frame(0x8b, "x")},
		{"a ping in fragments", frame(0x09, "x")},
		{"a ping of 126 bytes", frame(0x89, strings.Repeat("x", 126))},
	} {
		c := dial(t, port)
		io.WriteString(c, upgradeRequest)
		receives(t, c, upgradeAnswer)
		io.WriteString(c, tt.send)
		// Bytes that it has not read make its end a reset.
		if b, _ := io.ReadAll(c); len(b) > 0 {
			t.Errorf("%s: it sends %q", tt.name, b)
		}
	}
	for _, head := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n", strings.Repeat("x", 5000), "GET / HTTP/1.1\r\nSec-WebSocket-Key:" + strings.Repeat(" ", 60) + "\r\n\r\n"} {
		c := dial(t, port)
		io.WriteString(c, head)
		if b, _ := io.ReadAll(c); len(b) > 0 {
			t.Errorf("%.100q: it sends %q", head, b)
		}
	}
}

// echoing is the port of a server that upgrades, and answers every frame of any
// client with the pieces, each of which is a write of its own.
func echoing(t *testing.T, answer string, size int, pieces []string) int {
	t.Helper()
	return accepting(t, func(_ int, c net.Conn) {
		r := bufio.NewReader(c)
		for line := ""; line != "\r\n"; {
			var err error
			if line, err = r.ReadString('\n'); err != nil {
				return
			}
		}
		io.WriteString(c, answer)
		for {
			if _, err := io.ReadFull(r, make([]byte, size)); err != nil {
				return
			}
			for _, p := range pieces {
				if _, err := io.WriteString(c, p); err != nil {
					return
				}
			}
		}
	})
}

// sentence is the message of n bytes that the load generator sends.
func sentence(n int) string { return (&file{size: (n + line) / line * line}).text()[:n] }

// TestLoadIsStrictAboutMessages wants every wrong echo seen, of short messages
// and of long ones, also where it is the first of idle connections.
func TestLoadIsStrictAboutMessages(t *testing.T) {
	load := compiled(t, "load")
	short, long := sentence(5), sentence(300)
	good := echoOf(0x82, short)
	for _, tt := range []struct {
		name   string
		size   int
		answer string
		pieces []string
		want   string // of the complaint; empty if there is to be none
	}{
		{"good", 5, upgradeAnswer, []string{good}, ""},
		{"good, byte by byte", 5, upgradeAnswer, strings.Split(good, ""), ""},
		{"good, long", 300, upgradeAnswer, []string{echoOf(0x82, long)}, ""},
		{"in fragments", 300, upgradeAnswer, []string{echoOf(0x02, long[:10]) + echoOf(0x00, long[10:200]), echoOf(0x80, long[200:])}, ""},
		{"other status", 5, strings.Replace(upgradeAnswer, "101", "200", 1), nil, "not a status line with 101"},
		{"other key", 5, strings.Replace(upgradeAnswer, "xOo=", "xOo+", 1), nil, "no Sec-WebSocket-Accept"},
		{"no Upgrade", 5, strings.Replace(upgradeAnswer, "Upgrade: w", "X: w", 1), nil, "no Upgrade"},
		{"no Connection", 5, strings.Replace(upgradeAnswer, "Connection:", "X:", 1), nil, "no Connection"},
		{"an extension", 5, strings.Replace(upgradeAnswer, "\r\nUp", "\r\nSec-WebSocket-Extensions: x\r\nUp", 1), nil, "an extension"},
		{"frame behind the head", 5, upgradeAnswer + good, nil, "bytes behind"},
		{"text", 5, upgradeAnswer, []string{echoOf(0x81, short)}, "not the opcode"},
		{"continuation first", 5, upgradeAnswer, []string{echoOf(0x80, short)}, "not the opcode"},
		{"no continuation", 5, upgradeAnswer, []string{echoOf(0x02, short[:2]), echoOf(0x82, short[2:])}, "not the opcode"},
		{"masked", 5, upgradeAnswer, []string{frame(0x82, short)}, "masked"},
		{"reserved bit", 5, upgradeAnswer, []string{echoOf(0xc2, short)}, "reserved bit"},
		{"wrong text", 5, upgradeAnswer, []string{echoOf(0x82, short[:4]+"x")}, "wrong text"},
		{"too short", 5, upgradeAnswer, []string{echoOf(0x82, short[:4])}, "fewer bytes"},
		{"too long", 5, upgradeAnswer, []string{echoOf(0x82, short+"0")}, "more bytes than were sent"},
		{"long form of a length", 5, upgradeAnswer, []string{"\x82\x7e\x00\x05" + short}, "shortest form"},
		{"longest form of a length", 300, upgradeAnswer, []string{"\x82\x7f\x00\x00\x00\x00\x00\x00\x01\x2c" + long}, "shortest form"},
		{"wrong byte in the midst", 300, upgradeAnswer, []string{echoOf(0x82, long[:150]+"!"+long[151:])}, "wrong text"},
		{"close", 5, upgradeAnswer, []string{echoOf(0x88, "\x03\xe8")}, "close frame"},
		{"unknown opcode", 5, upgradeAnswer, []string{echoOf(0x8b, "")}, "unknown opcode"},
		{"long ping", 5, upgradeAnswer, []string{echoOf(0x89, strings.Repeat("x", 126))}, "control frame"},
		{"twice", 5, upgradeAnswer, []string{good + good}, "more bytes than were asked for"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			port := strconv.Itoa(echoing(t, tt.answer, len(frame(0x82, sentence(tt.size))), tt.pieces))
			args := []string{"-m", strconv.Itoa(tt.size), "-p", port, "-u", "/ws"}
			for _, kind := range [][]string{{"-c", "2", "-t", "2", "-w", "8", "-n", "4", "-T", "5"}, {"-i", "3"}} {
				got := talk(t, load, append(kind, args...)...)
				if tt.want == "" && got != nil {
					t.Errorf("%v: %v", kind, got)
				}
				if tt.want != "" && (got == nil || !strings.Contains(got.Error(), tt.want)) {
					t.Errorf("%v: %v, want a complaint with %q", kind, got, tt.want)
				}
			}
		})
	}
}

// TestLoadAnswersPings has a ping come between the fragments of each echo.
func TestLoadAnswersPings(t *testing.T) {
	load := compiled(t, "load")
	text := sentence(10)
	size := len(frame(0x82, text))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	pongs := make(chan string, 100)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		r := bufio.NewReader(c)
		for line := ""; line != "\r\n"; {
			if line, err = r.ReadString('\n'); err != nil {
				return
			}
		}
		io.WriteString(c, upgradeAnswer)
		for {
			if _, err := io.ReadFull(r, make([]byte, size)); err != nil {
				close(pongs)
				return
			}
			io.WriteString(c, echoOf(0x02, text[:4])+echoOf(0x89, "squid")[:4])
			io.WriteString(c, echoOf(0x89, "squid")[4:]+echoOf(0x80, text[4:]))
			b := make([]byte, 2+4+5)
			io.ReadFull(r, b)
			for i := range b[6:] {
				b[6+i] ^= b[2+i%4]
			}
			pongs <- string(b[:2]) + string(b[6:])
		}
	}()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if err := talk(t, load, "-p", port, "-c", "1", "-w", "3", "-n", "5", "-T", "5", "-m", "10"); err != nil {
		t.Fatal(err)
	}
	n := 0
	for p := range pongs {
		n++
		if p != "\x8a\x85squid" {
			t.Errorf("pong %q", p)
		}
	}
	if n != 8 {
		t.Errorf("%d pongs, want 8", n)
	}
}

// TestLoadMasks looks at the frames that the load generator sends.
func TestLoadMasks(t *testing.T) {
	load := compiled(t, "load")
	port := startFloor(t, "-w")
	for _, size := range []int{1, 125, 126, 65535, 65536} {
		for _, args := range [][]string{nil, {"-x"}, {"-d", "4"}} {
			if err := talk(t, load, append(args, "-p", strconv.Itoa(port), "-c", "2", "-w", "8", "-n", "20", "-T", "5", "-m", strconv.Itoa(size))...); err != nil {
				t.Errorf("%d bytes %v: %v", size, args, err)
			}
		}
	}
}

// TestLoadListens has a server send pieces of text, without being asked, of
// which the first comes with the answer to the handshake.
func TestLoadListens(t *testing.T) {
	load := compiled(t, "load")
	for _, tt := range []struct {
		name, first, later string
		want               string // of the complaint; empty if there is to be none
	}{
		{"one by one", echoOf(0x81, "a"), echoOf(0x81, "b"), ""},
		{"in fragments, with a ping", echoOf(0x81, "a"), echoOf(0x01, "b") + echoOf(0x89, "") + echoOf(0x80, "c"), ""},
		{"all lengths", echoOf(0x82, strings.Repeat("x", 126)), echoOf(0x82, strings.Repeat("x", 65536)), ""},
		{"nothing with the answer", "", echoOf(0x81, "b"), ""},
		{"masked", echoOf(0x81, "a"), frame(0x81, "b"), "a mask"},
		{"a close frame", echoOf(0x81, "a"), echoOf(0x88, ""), "a close frame"},
		{"continuation first", echoOf(0x81, "a"), echoOf(0x80, ""), "no first frame"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					go func() {
						defer c.Close()
						r := bufio.NewReader(c)
						for line := ""; line != "\r\n"; {
							if line, err = r.ReadString('\n'); err != nil {
								return
							}
						}
						_, err = io.WriteString(c, upgradeAnswer+tt.first)
						for range 1000 {
							if _, err := io.WriteString(c, tt.later); err != nil {
								return
							}
						}
						io.Copy(io.Discard, c)
					}()
				}
			}()
			got := talk(t, load, "-p", strconv.Itoa(l.Addr().(*net.TCPAddr).Port), "-l", "3", "-s", "1", "-u", livePath)
			if tt.want == "" && got != nil {
				t.Error(got)
			}
			if tt.want != "" && (got == nil || !strings.Contains(got.Error(), tt.want)) {
				t.Errorf("%v, want a complaint with %q", got, tt.want)
			}
		})
	}
}

func TestMessagesAreWork(t *testing.T) {
	for _, m := range append(slices.Clone(allMessages), idleMessage) {
		if !slices.Contains(workNames, m.name) || messageOf(m.name).size != m.size {
			t.Errorf("%s is no work, or another message", m.name)
		}
	}
	if messageOf("plain") != nil || idle("ws64") || !idle("wsidle") || !idle("parked") {
		t.Error("plain is a message, or ws64 idle, or wsidle or parked not")
	}
}
