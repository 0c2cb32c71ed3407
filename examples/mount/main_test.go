package main

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/bobtail-go/bobtail"
)

func TestMount(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("file\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	srv, err := bobtail.New(bobtail.Config{Sockets: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	if err := add(srv, dir); err != nil {
		t.Fatal(err)
	}
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	base := "http://" + addr.String()
	want := func(resp *http.Response, err error) func(status int, body string) {
		return func(status int, body string) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if b, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != status || string(b) != body {
				t.Errorf("%s = %d, %q, %v, want %d, %q", resp.Request.URL, resp.StatusCode, b, err, status, body)
			}
		}
	}
	want(http.Get(base+"/files/a.txt"))(200, "file\n")
	want(http.Get(base+"/files/b.txt"))(404, "404 page not found\n")
	want(http.PostForm(base+"/old/form", url.Values{"name": {"Bobtail"}}))(200, "Hello, Bobtail!\n")
	want(http.Get(base+"/count"))(200, `{"files":2,"old":1}`)
}
