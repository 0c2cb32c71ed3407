package lneto_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/transport/lneto"
	"github.com/bobtail-go/bobtail/transport/lneto/lnetotest"
)

// card is what a server runs over in these tests.
type card interface {
	lneto.NIC
	Idle()
	Kick()
}

// serve runs a server at deviceAddr, port 80, until the test ends.
func serve(t *testing.T, nic card, c lneto.Config) *lneto.Backend {
	t.Helper()
	c.MAC, c.Addr, c.Idle, c.Kick = deviceMAC, deviceAddr, nic.Idle, nic.Kick
	c.Linger = second
	b, err := lneto.New(c)
	if err != nil {
		t.Fatal(err)
	}
	srv, err := bobtail.New(bobtail.Config{Sockets: 5, Workers: 2, WorkerMemory: 2048, OutputBlocks: 8, OutputBlockSize: 512, Backend: b})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []bobtail.Route{
		{Pattern: "GET /", Handler: func(w bobtail.Response, r *bobtail.Request) error { return w.Text("hello\n") }},
		{Pattern: "GET /big", Handler: big},
		{Pattern: "POST /sum", Handler: sum, Streams: true},
	} {
		if err := srv.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := srv.Listen("http://:80"); err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	var run sync.WaitGroup
	run.Go(func() {
		if err := b.Run(nic); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		srv.Close()
		run.Wait()
	})
	return b
}

const bigSize = 1 << 20

// big sends bytes whose sum is known.
func big(w bobtail.Response, r *bobtail.Request) error {
	body, err := w.Status(200).StreamN(bigSize)
	if err != nil {
		return err
	}
	var piece [1000]byte
	for n := 0; n < bigSize; n += len(piece) {
		for i := range piece {
			piece[i] = pattern(9, n+i)
		}
		if _, err := body.Write(piece[:min(len(piece), bigSize-n)]); err != nil {
			return err
		}
	}
	return body.Close()
}

// sum answers with the sum of what was sent.
func sum(w bobtail.Response, r *bobtail.Request) error {
	h := sha256.New()
	for {
		piece, err := r.NextPiece()
		h.Write(piece)
		if err == io.EOF {
			return w.Text(fmt.Sprintf("%x", h.Sum(nil)))
		}
		if err != nil {
			return err
		}
	}
}

func patterns(seed, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = pattern(seed, i)
	}
	return b
}

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// exercise uses the server as clients do.
func exercise(t *testing.T, dial dialer, b *lneto.Backend, bytesUp int) {
	tr := &http.Transport{DialContext: dial}
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr, Timeout: time.Minute}
	const at = "http://10.9.0.1"

	get := func(path string) []byte {
		t.Helper()
		resp, err := client.Get(at + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("GET %s = %d, %v after %d bytes", path, resp.StatusCode, err, len(body))
		}
		return body
	}
	for range 3 { // one connection
		if got := string(get("/")); got != "hello\n" {
			t.Fatalf("GET / = %q", got)
		}
	}
	if !bytes.Equal(get("/big"), patterns(9, bigSize)) {
		t.Error("GET /big: other bytes")
	}
	up := patterns(4, bytesUp)
	resp, err := client.Post(at+"/sum", "application/octet-stream", bytes.NewReader(up))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if want := fmt.Sprintf("%x", sha256.Sum256(up)); string(got) != want {
		t.Errorf("POST /sum = %s, want %s", got, want)
	}
	tr.CloseIdleConnections()

	open := func() net.Conn {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		c, err := dial(ctx, "tcp", "10.9.0.1:80")
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(time.Minute))
		return c
	}

	// The client ends its bytes right behind the request: the answer comes.
	c := open()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	c.(interface{ CloseWrite() error }).CloseWrite()
	all, err := io.ReadAll(c)
	if err != nil || !strings.HasSuffix(string(all), "\r\n\r\nhello\n") {
		t.Errorf("after the client's end: %q, %v", all, err)
	}
	c.Close()

	// A client that resets frees its place.
	c = open()
	io.WriteString(c, "GET / HT")
	switch c := c.(type) {
	case *net.TCPConn:
		c.SetLinger(0)
		c.Close()
	case *lnetotest.Conn:
		c.Reset()
	}
	waitFor(t, "all streams are free", func() bool { return b.Stats().Open == 0 })
}

func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not so: %s", what)
		}
	}
}

func TestServer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		cfg    lneto.Config
		faults lnetotest.Faults
	}{
		{"a good wire", lneto.Config{}, lnetotest.Faults{}},
		{"small buffers", lneto.Config{RxSize: 600, TxSize: 600}, lnetotest.Faults{}},
		{"a bad wire", lneto.Config{RxSize: 8192, TxSize: 8192}, lnetotest.Faults{Seed: 5, Lose: 5, Double: 20, Reorder: 20}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := lnetotest.NewWire(tt.faults)
			b := serve(t, w.Card(), tt.cfg)
			h, err := lnetotest.NewHost(w, lneto.Config{MAC: peerMAC, Addr: peerAddr})
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			exercise(t, h.DialContext, b, 300_000)
		})
	}
}
