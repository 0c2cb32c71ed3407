package main

import (
	"io"
	"net/http"
	"testing"

	"github.com/bobtail-go/bobtail"
)

func TestMiddleware(t *testing.T) {
	srv, err := bobtail.New(bobtail.Config{Sockets: 8})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	if err := mount(srv); err != nil {
		t.Fatal(err)
	}
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	const page = "http://localhost:3000"
	for i, c := range []struct {
		method, path, origin, token string
		code                        int
		body, field, value          string
	}{
		{"GET", "/", "", "", 200, "Ask for /me with a token.\n", "Vary", "Origin"},
		{"GET", "/me", page, "squid", 200, `{"name":"Squid"}`, "Access-Control-Allow-Origin", page},
		{"GET", "/me", page, "octopus", 200, `{"name":"Octopus"}`, "Content-Type", "application/json"},
		{"GET", "/me", page, "whale", 401, "", "Access-Control-Allow-Origin", page},
		{"GET", "/me", "https://evil.example", "squid", 200, `{"name":"Squid"}`, "Access-Control-Allow-Origin", ""},
		{"GET", "/nowhere", page, "", 404, "Not Found\n", "Access-Control-Allow-Origin", page},
		{"OPTIONS", "/me", page, "", 204, "", "Access-Control-Allow-Headers", "Authorization"},
	} {
		req, err := http.NewRequest(c.method, "http://"+addr.String()+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.origin != "" {
			req.Header.Set("Origin", c.origin)
		}
		if c.method == "OPTIONS" {
			req.Header.Set("Access-Control-Request-Method", "GET")
			req.Header.Set("Access-Control-Request-Headers", "authorization")
		}
		if c.token != "" {
			req.Header.Set("Authorization", "Bearer "+c.token)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != c.code || c.code != 401 && string(b) != c.body || resp.Header.Get(c.field) != c.value {
			t.Errorf("%s %s from %q with %q = %d, %q, %s %q, %v", c.method, c.path, c.origin, c.token, resp.StatusCode, b, c.field, resp.Header.Get(c.field), err)
		}
		if id := resp.Header.Get("X-Request-Id"); id == "" {
			t.Errorf("answer %d has no number: %v", i, resp.Header)
		}
	}
}
