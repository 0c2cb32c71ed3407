package pprof_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/host/pprof"
)

func TestMount(t *testing.T) {
	srv, err := bobtail.New(bobtail.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	if err := pprof.Mount(srv); err != nil {
		t.Fatal(err)
	}
	a, err := srv.Listen("127.0.0.1:0")
	if err == nil {
		err = srv.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"": "heap", "goroutine?debug=1": "goroutine profile", "cmdline": "pprof", "symbol": "num_symbols"} {
		resp, err := http.Get("http://" + a.String() + "/debug/pprof/" + path)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || !strings.Contains(string(b), want) {
			t.Errorf("%s: %d %.200q, %v", path, resp.StatusCode, b, err)
		}
	}
}
