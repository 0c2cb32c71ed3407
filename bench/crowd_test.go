package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestCrowdsAreWork(t *testing.T) {
	o := options{conns: 64, parked: 10000, many: 1000}
	for _, tt := range []struct {
		work, kind string
		held, busy int
	}{
		{"plain", "plain", 64, 64},
		{"plain1", "plain", 1, 1},
		{"plain1k", "plain", 1000, 1000},
		{"plain10k", "plain", 10000, 64},
		{"parked", "parked", 10000, 64},
		{"parked15k", "parked", 15000, 15000},
		{"wsidle15k", "wsidle", 15000, 15000},
		{"coapudp16", "coapudp16", 16, 16},
		{broadcastWork, broadcastWork, 10000, 64},
	} {
		if kind, held, busy := kindOf(tt.work), heldBy(o, tt.work), connsOf(o, tt.work); kind != tt.kind || held != tt.held || busy != tt.busy {
			t.Errorf("%s is like %s, with %d of %d connections busy, want %s, %d, %d", tt.work, kind, busy, held, tt.kind, tt.busy, tt.held)
		}
	}
	for _, c := range allCrowds {
		if !slices.Contains(workNames, c.name) || !slices.Contains(workNames, c.like) || crowdOf(c.like) != nil {
			t.Errorf("%s or %s is no work, or both are crowds", c.name, c.like)
		}
		if idle(c.name) != (c.like != "plain") || (messageOf(c.name) != nil) != (c.like == "wsidle") {
			t.Errorf("%s is not like %s", c.name, c.like)
		}
	}
	for _, work := range curveWorks {
		if !slices.Contains(workNames, work) {
			t.Errorf("%s is for the plots, and is no work", work)
		}
	}
}

// TestLoadLeavesConnectionsQuiet counts the connections of the load generator, and
// has the server close some of those that are left alone.
func TestLoadLeavesConnectionsQuiet(t *testing.T) {
	load := compiled(t, "load")
	for _, tt := range []struct {
		name string
		text string // of the answers
		want string // of the complaint
	}{
		{"good", good, ""},
		{"they are answered wrongly", strings.Replace(good, "200", "500", 1), "status line"},
	} {
		port := answering(t, []string{tt.text}, false)
		err := talk(t, load, "-p", strconv.Itoa(port), "-c", "3", "-q", "150", "-t", "2", "-w", "6", "-n", "30", "-T", "10")
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want a complaint with %q", tt.name, err, tt.want)
		}
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conns := make(chan int, 1)
	go func() {
		n := 0
		defer func() { conns <- n }()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n++
			go func(n int) {
				defer c.Close()
				r := bufio.NewReader(c)
				for {
					if _, err := http.ReadRequest(r); err != nil {
						return
					}
					io.WriteString(c, good)
					if n == 2 {
						return // the first that is left alone
					}
				}
			}(n)
		}
	}()
	err = talk(t, load, "-p", strconv.Itoa(l.Addr().(*net.TCPAddr).Port), "-c", "2", "-q", "5", "-t", "1", "-w", "2", "-n", "2", "-T", "10")
	if want := "1 errors: load: 1 of the connections without load are closed"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
	l.Close()
	if n := <-conns; n != 7 {
		t.Errorf("%d connections, want 7", n)
	}
}

// TestFloorSendsContentBack cuts requests at every place.
func TestFloorSendsContentBack(t *testing.T) {
	port := startFloor(t, "-e", "10")
	head := "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
	send := head + "0123456789" + head + "\r\n\r\n\r\n\r\n\r\n" + head + "abcdefghij"
	answer := "HTTP/1.1 200 OK\r\n" + goodDate + "Content-Type: text/plain\r\nContent-Length: 10\r\n\r\n"
	want := answer + "0123456789" + answer + "\r\n\r\n\r\n\r\n\r\n" + answer + "abcdefghij"
	everyCut(t, port, send, want)
}

// TestLoadPosts looks at what the load generator sends, and at what it says of
// other content than that.
func TestLoadPosts(t *testing.T) {
	load := compiled(t, "load")
	dir := t.TempDir()
	if err := writeFiles(dir); err != nil {
		t.Fatal(err)
	}
	f := fileOf("echo1k")
	for _, tt := range []struct{ name, old, now, want string }{
		{"good", "", "", ""},
		{"another byte", "lit from below", "lit from above", "wrong body"},
		{"a byte less", "squid,", "squid", "Content-Length is not that"},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			if err != nil || string(b) != f.text() || r.Method != "POST" || r.URL.Path != "/echo" || r.Header.Get("Content-Type") != "text/plain" {
				http.Error(w, "wrong request", 400)
				return
			}
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprint(w, strings.Replace(string(b), tt.old, tt.now, 1))
		})}
		go srv.Serve(l)
		args := append(f.args(dir), "-p", strconv.Itoa(l.Addr().(*net.TCPAddr).Port), "-c", "3", "-t", "2", "-w", "6", "-n", "20", "-T", "10")
		err = talk(t, load, args...)
		srv.Close()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want a complaint with %q", tt.name, err, tt.want)
		}
	}
}
