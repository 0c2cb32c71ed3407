package main

import (
	"bufio"
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// compiled is a C program of this module.
func compiled(t *testing.T, dir ...string) string {
	t.Helper()
	if _, err := exec.LookPath(compiler[0]); err != nil {
		t.Skipf("no %s here", compiler[0])
	}
	b, err := newBuilder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	program, err := b.compile(context.Background(), filepath.Join(dir...))
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// accepting is the port of a server of the test's that has a function serve each
// connection, counted from 0, and closes it when that returns.
func accepting(t *testing.T, serve func(i int, c net.Conn)) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for i := 0; ; i++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(i, c)
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// answering is the port of a server that answers every request with the pieces,
// each of which is a write of its own, and then closes the connection if asked.
func answering(t *testing.T, pieces []string, closes bool) int {
	return answeringEach(t, func(int) []string { return pieces }, closes)
}

// answeringEach is the same with the pieces for each connection, counted from 0.
func answeringEach(t *testing.T, pieces func(conn int) []string, closes bool) int {
	t.Helper()
	return accepting(t, func(i int, c net.Conn) {
		r := bufio.NewReader(c)
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if line != "\r\n" {
				continue
			}
			for _, p := range pieces(i) {
				if _, err := c.Write([]byte(p)); err != nil {
					return
				}
			}
			if closes {
				return
			}
		}
	})
}

const (
	goodDate = "Date: Sat, 21 Nov 2026 12:00:00 GMT\r\n"
	goodType = "Content-Type: text/plain; charset=utf-8\r\n"
	good     = "HTTP/1.1 200 OK\r\n" + goodDate + goodType + "content-length:13\r\n\r\nHello, World!"
)

// TestLoadIsStrict wants every wrong answer seen, as the first of a connection
// and as a later one, and under parked connections too.
func TestLoadIsStrict(t *testing.T) {
	load := compiled(t, "load")
	bytewise := strings.Split(good, "")
	for _, tt := range []struct {
		name   string
		pieces []string
		closes bool
		want   string // of the complaint; empty if there is to be none
	}{
		{"good", []string{good}, false, ""},
		{"good, byte by byte", bytewise, false, ""},
		{"status 404", []string{strings.Replace(good, "200", "404", 1)}, false, "not a status line with 200"},
		{"HTTP/1.0", []string{strings.Replace(good, "1.1", "1.0", 1)}, false, "not a status line with 200"},
		{"no date", []string{strings.Replace(good, goodDate, "", 1)}, false, "no Date"},
		{"date of another form", []string{strings.Replace(good, "12:00:00", "12:00", 1)}, false, "no Date"},
		{"no type", []string{strings.Replace(good, goodType, "", 1)}, false, "no Content-Type"},
		{"another type", []string{strings.Replace(good, "text/plain", "text/html", 1)}, false, "no Content-Type"},
		{"no length", []string{strings.Replace(good, "content-length:13\r\n", "", 1)}, false, "Content-Length is not that"},
		{"another length", []string{strings.Replace(good, ":13", ":12", 1)}, false, "Content-Length is not that"},
		{"two lengths", []string{strings.Replace(good, ":13", ":13\r\nContent-Length: 13", 1)}, false, "two Content-Length"},
		{"list of lengths", []string{strings.Replace(good, ":13", ":13, 13", 1)}, false, "not a small number"},
		{"length with a sign", []string{strings.Replace(good, ":13", ":+13", 1)}, false, "not a small number"},
		{"empty length", []string{strings.Replace(good, ":13", ":", 1)}, false, "empty Content-Length"},
		{"huge length", []string{strings.Replace(good, ":13", ":99999999999999999999", 1)}, false, "not a small number"},
		{"chunked", []string{strings.Replace(good, goodType, "Transfer-Encoding: chunked\r\n"+goodType, 1)}, false, "Transfer-Encoding"},
		{"says that it closes", []string{strings.Replace(good, goodType, "Connection: close\r\n"+goodType, 1)}, false, "Connection: close"},
		{"bare LF", []string{strings.Replace(good, "OK\r\n", "OK\n", 1)}, false, "line without CR"},
		{"field without colon", []string{strings.Replace(good, goodDate, "Date\r\n", 1)}, false, "without a name"},
		{"blank before the colon", []string{strings.Replace(good, "Date:", "Date :", 1)}, false, "blank in the name"},
		{"folded line", []string{strings.Replace(good, goodType, goodType+" charset: x\r\n", 1)}, false, "blank in the name"},
		{"head without end", []string{"HTTP/1.1 200 OK\r\nX: ", strings.Repeat("x", 5000)}, false, "head too long"},
		{"answer longer than the buffer", []string{strings.Replace(good, goodDate, goodDate+"X: "+strings.Repeat("x", 4090)+"\r\n", 1)}, false, "too long"},
		{"wrong body", []string{strings.Replace(good, "Hello, W", "Hello, w", 1)}, false, "wrong body"},
		{"twice the answer", []string{good + good}, false, "more bytes than were asked for"},
		{"a byte too many", []string{good + "\r"}, false, "more bytes than were asked for"},
		{"closes after the answer", []string{good}, true, "closed"},
		{"closes amid the answer", []string{good[:60]}, true, "closed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			port := strconv.Itoa(answering(t, tt.pieces, tt.closes))
			for _, args := range [][]string{
				{"-c", "2", "-t", "2", "-w", "2", "-n", "4", "-T", "5"},
				{"-i", "3"},
			} {
				got := talk(t, load, append(args, "-p", port)...)
				if tt.want == "" && got != nil {
					t.Errorf("%v: %v", args, got)
				}
				// What comes behind the answer is seen when the next is read, and
				// a parked connection has no next: only its closing is seen.
				if tt.want != "" && (got == nil || !strings.Contains(got.Error(), tt.want) && args[0] != "-i") {
					t.Errorf("%v: %v, want a complaint with %q", args, got, tt.want)
				}
			}
		})
	}
}

// TestLoadSeesOneBadConnection wants an error although the other connection
// could do all that is left.
func TestLoadSeesOneBadConnection(t *testing.T) {
	port := answeringEach(t, func(conn int) []string {
		if conn == 0 {
			return []string{strings.Replace(good, "200", "500", 1)}
		}
		return []string{good}
	}, false)
	err := talk(t, compiled(t, "load"), "-p", strconv.Itoa(port), "-c", "2", "-t", "1", "-n", "50")
	if err == nil || !strings.Contains(err.Error(), "1 errors: load: not a status line") {
		t.Errorf("%v, want one error", err)
	}
}

// talk leads the load generator through its two lines.
func talk(t *testing.T, load string, args ...string) error {
	t.Helper()
	l, err := startLoad(t.Context(), load, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer l.stop()
	if _, err := l.line(); err != nil {
		return err
	}
	if err := l.goOn(); err != nil {
		return err
	}
	_, err = l.line()
	return err
}

func TestLoadCounts(t *testing.T) {
	load := compiled(t, "load")
	port := answering(t, []string{good}, false)
	for _, tt := range []struct{ conns, threads, depth, requests int }{
		{1, 1, 1, 1},
		{3, 2, 1, 10},
		{2, 4, 16, 35}, // the last turn is a short one
		{8, 2, 4, 5},   // some connections have nothing to do
	} {
		l, err := startLoad(t.Context(), load, "-p", strconv.Itoa(port), "-c", strconv.Itoa(tt.conns), "-t", strconv.Itoa(tt.threads),
			"-d", strconv.Itoa(tt.depth), "-w", "7", "-n", strconv.Itoa(tt.requests))
		if err != nil {
			t.Fatal(err)
		}
		defer l.stop()
		if _, err := l.line(); err != nil {
			t.Fatalf("%+v: warm-up: %v", tt, err)
		}
		l.goOn()
		f, err := l.line()
		if err != nil || f["requests"] != int64(tt.requests) {
			t.Errorf("%+v: %v, %v", tt, f, err)
		}
		if !(0 < f["p50"] && f["p50"] <= f["p99"] && f["p99"] <= f["p999"]) || f["ns"] <= 0 {
			t.Errorf("%+v: times %v", tt, f)
		}
		// A bucket of the histogram is a 64th of its value wide at most.
		if top := f["max"] + f["max"]/64 + 1; f["p999"] > top {
			t.Errorf("%+v: p999 %d is over the longest time, %d", tt, f["p999"], f["max"])
		}
	}
}

func TestParseFigures(t *testing.T) {
	f, err := parseFigures("requests=10 errors=0 warm")
	if err != nil || f["requests"] != 10 || f["errors"] != 0 || len(f) != 3 {
		t.Errorf("parseFigures = %v, %v", f, err)
	}
	if _, err := parseFigures("requests=ten"); err == nil {
		t.Error("no error for a word")
	}
}
