package main

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
)

func TestEvents(t *testing.T) {
	srv, err := bobtail.New(bobtail.Config{Sockets: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	clock, err := serve(srv)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	go tick(t.Context(), clock, 10*time.Millisecond)
	r, err := http.Get("http://" + addr.String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r.Body)
	r.Body.Close()
	if err != nil || string(b) != page || r.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("page: %d bytes, %v, %v", len(b), err, r.Header)
	}

	// event reads one, and gives its fields.
	event := func(in *bufio.Reader) map[string]string {
		fields := map[string]string{}
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			if name == "" && fields["data"] != "" {
				return fields
			}
			fields[name] = value
		}
	}
	listen := func(last string) (*http.Response, *bufio.Reader) {
		q, _ := http.NewRequest("GET", "http://"+addr.String()+"/events", nil)
		if last != "" {
			q.Header.Set("Last-Event-ID", last)
		}
		r, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Body.Close() })
		return r, bufio.NewReader(r.Body)
	}
	r, in := listen("")
	if c := r.Header.Get("Content-Type"); c != "text/event-stream" {
		t.Errorf("content type %q", c)
	}
	first, second := event(in), event(in)
	if _, err := time.Parse(time.TimeOnly, first["data"]); err != nil || first["event"] != "tick" {
		t.Errorf("event %v, %v", first, err)
	}
	r.Body.Close()
	_, in = listen(first["id"])
	if again := event(in); again["id"] != second["id"] {
		t.Errorf("after %s comes %v, want %v", first["id"], again, second)
	}
}
