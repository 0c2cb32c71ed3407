package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	if err := writeFiles(dir); err != nil {
		t.Fatal(err)
	}
	for i := range allFiles {
		f := &allFiles[i]
		if (f.path() == echoPath) != f.posted {
			t.Errorf("the path of %s is %s", f.name, f.path())
		}
		if b := text(f.in(dir)); len(b) != f.size || b != f.text() || b[line-1] != '\n' || fileOf(f.name) != f {
			t.Errorf("%s has %d bytes, want %d in lines of %d", f.name, len(b), f.size, line)
		}
	}
	if fileOf("plain") != nil {
		t.Error("plain is a file")
	}
}

// TestFloorSendsFiles reads slowly, so that the socket's buffer is full amid the
// long file, and asks again on the same connection.
func TestFloorSendsFiles(t *testing.T) {
	program := compiled(t, "servers", "floor")
	dir := t.TempDir()
	if err := writeFiles(dir); err != nil {
		t.Fatal(err)
	}
	for i := range allFiles {
		f := &allFiles[i]
		p, port, err := start(t.Context(), func(t task) ([]string, error) {
			return []string{program, "-p", strconv.Itoa(t.port), "-f", f.in(dir)}, nil
		}, task{})
		if err != nil {
			t.Fatal(err)
		}
		defer p.stop()
		c, err := net.Dial("tcp", address(port))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.(*net.TCPConn).SetReadBuffer(64 << 10)
		c.SetDeadline(time.Now().Add(20 * time.Second))
		r := bufio.NewReaderSize(c, 512)
		for range 3 {
			io.WriteString(c, request)
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(resp.Body); err != nil || string(b) != f.text() {
				t.Fatalf("%s: %d bytes, %v, want %d", f.name, len(b), err, f.size)
			}
		}
	}
}

// TestLoadIsStrictAboutFiles wants every wrong answer seen, as the first of a
// connection and as a later one.
func TestLoadIsStrictAboutFiles(t *testing.T) {
	load := compiled(t, "load")
	f := &allFiles[0]
	dir := t.TempDir()
	if err := writeFiles(dir); err != nil {
		t.Fatal(err)
	}
	head := "HTTP/1.1 200 OK\r\n" + goodDate + goodType + "Content-Length: 10240\r\n\r\n"
	body := f.text()
	for _, tt := range []struct {
		name   string
		pieces []string
		closes bool
		want   string // of the complaint; empty if there is to be none
	}{
		{"good", []string{head + body}, false, ""},
		{"in parts", []string{head[:20], head[20:], body[:1], body[1:5000], body[5000:]}, false, ""},
		{"head with the first bytes", []string{head + body[:10], body[10:]}, false, ""},
		{"status 404", []string{strings.Replace(head, "200", "404", 1) + body}, false, "not a status line with 200"},
		{"another length", []string{strings.Replace(head, "10240", "10239", 1) + body}, false, "Content-Length is not that"},
		{"longer than it can be", []string{strings.Replace(head, "10240", "102400", 1) + body}, false, "Content-Length is not"},
		{"head without end", []string{"HTTP/1.1 200 OK\r\nX: ", strings.Repeat("x", 5000)}, false, "head too long"},
		{"another first byte", []string{head + "1" + body[1:]}, false, "wrong body"},
		{"another byte in the midst", []string{head + body[:5000] + "!" + body[5001:]}, false, "wrong body"},
		{"a byte too many", []string{head + body + "\n"}, false, "more bytes than were asked for"},
		{"closes amid the file", []string{head + body[:5000]}, true, "closed"},
		{"closes after the file", []string{head + body}, true, "closed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			port := strconv.Itoa(answering(t, tt.pieces, tt.closes))
			got := talk(t, load, "-c", "2", "-t", "2", "-w", "8", "-n", "4", "-T", "5", "-u", f.path(), "-f", f.in(dir), "-p", port)
			if tt.want == "" && got != nil {
				t.Error(got)
			}
			if tt.want != "" && (got == nil || !strings.Contains(got.Error(), tt.want)) {
				t.Errorf("%v, want a complaint with %q", got, tt.want)
			}
		})
	}
}

// TestLoadAsksForThePath looks at what the load generator sends.
func TestLoadAsksForThePath(t *testing.T) {
	load := compiled(t, "load")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	run, err := startLoad(t.Context(), load, "-c", "1", "-w", "1", "-n", "1", "-T", "5", "-u", "/files/10k.txt", "-f", os.Args[0], "-b",
		"-p", strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	if err != nil {
		t.Fatal(err)
	}
	defer run.stop()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil || req.URL.Path != "/files/10k.txt" || req.Header.Get("Cookie") == "" {
		t.Errorf("it asks %+v, %v", req, err)
	}
}

// TestAble wants each server where it can do the work, and nowhere else.
func TestAble(t *testing.T) {
	all := []built{{"both", nil, short | files}, {"short", nil, short}, {"files", nil, files}, {"all", nil, posts | sleeping | broadcasting}}
	for work, want := range map[string]string{"plain": "both short", "parked": "both short", "10k": "both files", "1m": "both files",
		"echo1k": "all", "plain10k": "both short", latencyWork: "both short", startWork: "both short", sleepersWork: "all", broadcastWork: "all"} {
		var names []string
		for _, s := range able(all, work) {
			names = append(names, s.name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s is done by %s, want %s", work, got, want)
		}
	}
}
