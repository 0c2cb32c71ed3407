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

func TestSettings(t *testing.T) {
	srv, err := bobtail.New(bobtail.Config{Sockets: 8, Workers: 2, Spare: -1, WorkerMemory: 2048})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	d, err := newDevice(srv)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.mount(srv, "secret"); err != nil {
		t.Fatal(err)
	}
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	url := "http://:secret@" + addr.String()
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		method, url, contentType, content string
		code                              int
		body                              string
	}{
		{"GET", "http://" + addr.String() + "/", "", "", 401, "*"},
		{"GET", url + "/", "", "", 200, page},
		{"GET", url + "/settings", "", "", 200, `{"name":"Stove","target":20,"heating":false}`},
		{"POST", url + "/settings", form, "name=a+%22b%22&target=30&heating=on", 200, `{"name":"a \"b\"","target":30,"heating":true}`},
		{"POST", url + "/settings", form, "name=" + strings.Repeat("%01", 32) + "&target=5", 200, `{"name":"` + strings.Repeat(`\u0001`, 32) + `","target":5,"heating":false}`},
		{"POST", url + "/settings", form, "name=a&target=31", 400, "The target must be from 5 to 30 degrees."},
		{"POST", url + "/settings", form, "name=&target=20", 400, "The name must have 1 to 32 bytes."},
		{"POST", url + "/settings", form, "name=a&target=20&x=" + strings.Repeat("x", 2000), 413, "*"},
		{"POST", url + "/settings", "text/plain", "name=a&target=20", 415, "*"},
		{"POST", url + "/settings", form, "name=Stove&target=20&heating=on", 200, `{"name":"Stove","target":20,"heating":true}`},
	} {
		req, err := http.NewRequest(c.method, c.url, strings.NewReader(c.content))
		if err != nil {
			t.Fatal(err)
		}
		if c.contentType != "" {
			req.Header.Set("Content-Type", c.contentType)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != c.code || c.body != "*" && string(b) != c.body {
			t.Errorf("%s %s with %q = %d, %q, %v; want %d, %q", c.method, c.url, c.content, resp.StatusCode, b, err, c.code, c.body)
		}
	}

	resp, err := http.Get(url + "/readings")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		d.measure(time.Millisecond, stop)
		close(done)
	}()
	var got []string
	for lines := bufio.NewScanner(resp.Body); len(got) < 3 && lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "data:"); ok {
			got = append(got, strings.TrimSpace(text))
		}
	}
	close(stop)
	<-done
	if len(got) != 3 || got[0] >= got[1] || got[1] >= got[2] || !strings.HasPrefix(got[0], "18.") && !strings.HasPrefix(got[0], "19.") {
		t.Errorf("while it heats, the readings are %q", got)
	}
}
