package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
)

// fill puts a number of its own into every leaf of a struct or array, and
// returns them.
func fill(v reflect.Value, next *uint64) (all []uint64) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			all = append(all, fill(v.Field(i), next)...)
		}
	case reflect.Array:
		for i := range v.Len() {
			all = append(all, fill(v.Index(i), next)...)
		}
	case reflect.Int:
		*next += 1001
		v.SetInt(int64(*next))
		all = append(all, *next)
	case reflect.Uint64:
		*next += 1001
		v.SetUint(*next)
		all = append(all, *next)
	default:
		panic(v.Kind())
	}
	return all
}

// TestStatsTellAll wants every count of the library in the JSON, once.
func TestStatsTellAll(t *testing.T) {
	var stats bobtail.Stats
	next := uint64(1_000_000)
	all := fill(reflect.ValueOf(&stats).Elem(), &next)
	busy := stats.Timeouts[engine.PhaseBusy] // which has no timeout

	s := &site{backend: "net"}
	text := jsonText{b: make([]byte, 0, 8192)}
	s.describe(&text, &stats, 5)
	var length jsonText
	s.describe(&length, &stats, 5)
	if length.n != len(text.b) || text.n != len(text.b) {
		t.Errorf("counted %d and %d bytes of %d", length.n, text.n, len(text.b))
	}
	var any map[string]any
	if err := json.Unmarshal(text.b, &any); err != nil {
		t.Fatalf("%v in %s", err, text.b)
	}
	for _, n := range all {
		if got := strings.Count(string(text.b), fmt.Sprintf(":%d", n)); got != 1 && n != busy {
			t.Errorf("%d is in the text %d times:\n%s", n, got, text.b)
		}
	}
}

// TestSiteAllocatesNothing serves each endpoint often, over connections that
// stay, and counts the objects that the whole process allocates.
func TestSiteAllocatesNothing(t *testing.T) {
	if raceFlag == "-race" {
		t.Skip("the race detector allocates")
	}
	const runs = 200
	for _, name := range backendNames() {
		for _, logs := range []bool{false, true} {
			for _, ask := range []string{
				"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
				"GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n",
				"GET /json HTTP/1.1\r\nHost: a\r\n\r\n",
				"GET /sleep?ms=0 HTTP/1.1\r\nHost: a\r\n\r\n",
				"GET /sleep?ms=x HTTP/1.1\r\nHost: a\r\n\r\n",
				"GET /stats HTTP/1.1\r\nHost: a\r\n\r\n",
				"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
				"GET /hello/squid%20and%20tentacles HTTP/1.1\r\nHost: a\r\n\r\n",
				"GET /files/10k.txt HTTP/1.1\r\nHost: a\r\n\r\n",
				"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 63\r\n\r\n" +
					"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nsquid\r\n--b--\r\n",
				"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nsquid",
				"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n" + strings.Repeat("tentacle!", 1000),
				"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsquid\r\n0\r\n\r\n",
			} {
				t.Run(fmt.Sprintf("%s, log %v, %.20q", name, logs, ask), func(t *testing.T) {
					conn := inProcess(t, name, logs)
					question, answer := []byte(ask), make([]byte, 1<<16)
					// The runtime's own goroutines allocate now and then.
					fewest := uint64(runs)
					for range 5 {
						var before, after runtime.MemStats
						runtime.ReadMemStats(&before)
						for range runs {
							if _, err := conn.Write(question); err != nil {
								t.Fatal(err)
							}
							readAnswer(t, conn, answer)
						}
						runtime.ReadMemStats(&after)
						fewest = min(fewest, after.Mallocs-before.Mallocs)
					}
					if fewest > runs/10 {
						t.Errorf("%d objects in %d requests", fewest, runs)
					}
				})
			}
		}
	}
}

// TestPageIsSmall holds the page to what a visitor has to load.
func TestPageIsSmall(t *testing.T) {
	if n := len(pageAt(pageURL).File.Gzip); n == 0 || n > 12<<10 {
		t.Errorf("the page has %d bytes compressed, want at most 12288", n)
	}
}

// inProcess is a connection to the site, served by this process.
func inProcess(t *testing.T, name string, logs bool) net.Conn {
	t.Helper()
	_, s := serveOptions()
	if logs {
		l := newLineLog(io.Discard, true)
		t.Cleanup(l.close)
		s.config.Access, s.config.Log = l.request, l.event
	}
	var err error
	if s.config.Backend, err = openBackend(name, 1); err != nil {
		t.Fatal(err)
	}
	server, err := bobtail.New(s.config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	here, err := newSite(server, name)
	if err != nil {
		t.Fatal(err)
	}
	here.mount()
	here.at(pageURL)
	at, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patient))
	return conn
}

// readAnswer reads an answer with Content-Length, or in chunks that hold no
// empty line, into b, without allocating.
func readAnswer(t *testing.T, conn net.Conn, b []byte) {
	n := 0
	for {
		k, err := conn.Read(b[n:])
		if err != nil {
			t.Fatalf("after %q: %v", b[:n], err)
		}
		n += k
		if whole(b[:n]) {
			return
		}
	}
}

func whole(b []byte) bool {
	end := find(b, "\r\n\r\n")
	if end < 0 {
		return false
	}
	if at := find(b[:end], "Content-Length: "); at >= 0 {
		at += len("Content-Length: ")
		stop := at
		for stop < end && b[stop] != '\r' {
			stop++
		}
		n, _ := number(b[at:stop], 1<<30)
		return len(b) >= end+4+n
	}
	return find(b[end+4:], "0\r\n\r\n") >= 0
}

// find is bytes.Index with a string.
func find(b []byte, s string) int {
	for i := 0; i+len(s) <= len(b); i++ {
		if string(b[i:i+len(s)]) == s {
			return i
		}
	}
	return -1
}
