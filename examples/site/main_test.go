package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
)

func TestSite(t *testing.T) {
	tree, err := site()
	if err != nil {
		t.Fatal(err)
	}
	srv, err := bobtail.New(bobtail.Config{Sockets: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	if err := srv.Handle("GET /", secure(tree.Serve)); err != nil {
		t.Fatal(err)
	}
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	get := func(path, known string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequest("GET", "http://"+addr.String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if known != "" {
			req.Header.Set("If-None-Match", known)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
		}
		return resp, string(b)
	}
	for path, want := range map[string]string{
		"/": "<h1>A site in a program", "/style.css": "system-ui", "/about": "<h1>About", "/about/": "<h1>About", "/count.js": "sessionStorage", "/icon.svg": "<svg",
	} {
		r, content := get(path, "")
		if r.StatusCode != 200 || !strings.Contains(content, want) || r.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d, %v, %q", path, r.StatusCode, r.Header, content)
		}
		if r, content := get(path, r.Header.Get("ETag")); r.StatusCode != 304 || content != "" {
			t.Errorf("%s again: %d, %q", path, r.StatusCode, content)
		}
	}
	if r, _ := get("/none", ""); r.StatusCode != 404 {
		t.Errorf("/none: %d", r.StatusCode)
	}
}
