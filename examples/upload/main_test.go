package main

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"testing"

	"github.com/bobtail-go/bobtail"
)

func TestUpload(t *testing.T) {
	srv, err := bobtail.New(bobtail.Config{Sockets: 16, Workers: 1, Spare: 1, WorkerMemory: 4096})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	if err := srv.HandleSink("/upload", checksum{}); err != nil {
		t.Fatal(err)
	}
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	url := "http://" + addr.String() + "/upload"

	// Eight uploads are under way at once, on one worker.
	const uploads, pieces = 8, 100
	piece := bytes.Repeat([]byte("tentacle"), 512)
	want := fnv.New64a()
	for range pieces {
		want.Write(piece)
	}
	answers := make(chan string, uploads)
	var writers []*io.PipeWriter
	for range uploads {
		r, w := io.Pipe()
		writers = append(writers, w)
		go func() {
			resp, err := http.Post(url, "application/octet-stream", r)
			if err != nil {
				answers <- err.Error()
				return
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			answers <- fmt.Sprint(resp.StatusCode, " ", string(b), err)
		}()
	}
	for range pieces {
		for _, w := range writers {
			if _, err := w.Write(piece); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, w := range writers {
		w.Close()
	}
	for range uploads {
		if got, want := <-answers, fmt.Sprintf("200 %d bytes, FNV-1a %x\n<nil>", pieces*len(piece), want.Sum64()); got != want {
			t.Errorf("the answer is %q, want %q", got, want)
		}
	}

	// What has no content is none.
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "0 bytes, FNV-1a cbf29ce484222325\n" {
		t.Errorf("nothing uploaded = %q, %v", b, err)
	}
}
