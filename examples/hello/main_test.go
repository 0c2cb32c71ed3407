package main

import (
	"io"
	"net/http"
	"testing"

	"github.com/bobtail-go/bobtail"
)

func TestHello(t *testing.T) {
	srv, err := bobtail.New(bobtail.Config{Sockets: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	if err := srv.Handle("GET /", hello); err != nil {
		t.Fatal(err)
	}
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get("http://" + addr.String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 || string(b) != "Hello, World!\n" {
		t.Errorf("GET / = %d, %q, %v", resp.StatusCode, b, err)
	}
}
