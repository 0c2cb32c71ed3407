package bobtail_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/web"
)

func hello(w bobtail.Response, r *bobtail.Request) error {
	return w.Text("Hello, World!\n")
}

// A server on a port that the system chooses, and a client.
func Example() {
	srv, err := bobtail.New(bobtail.Config{Sockets: 16, Workers: 2})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	if err := srv.Handle("GET /", hello); err != nil {
		log.Fatal(err)
	}
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		log.Fatal(err)
	}

	client := http.Client{Transport: new(http.Transport)}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://" + addr.String() + "/")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n%s", resp.Status, body)
	// Output:
	// 200 OK
	// Hello, World!
}

// show gives a handler one request in memory, as tests do, and prints the
// answer.
func show(h bobtail.Handler, request string) {
	x, err := web.NewExchange(&http1.Parser{Keep: http1.DefaultFields()}, make([]byte, 4096), nil)
	if err != nil {
		log.Fatal(err)
	}
	var answer strings.Builder
	stream := struct {
		io.Reader
		io.Writer
	}{strings.NewReader(request), &answer}
	if err := x.ServeStream(stream, h); err != nil {
		fmt.Println("error:", err)
	}
	fmt.Print(strings.ReplaceAll(answer.String(), "\r\n", "\n"))
}

// An answer is a status, fields, and one body.
func ExampleResponse() {
	show(func(w bobtail.Response, r *bobtail.Request) error {
		return w.Status(201).Header("Location", "/things/1").Text("made\n")
	}, "POST /things HTTP/1.1\r\nHost: example\r\n\r\n")
	// Output:
	// HTTP/1.1 201 Created
	// Location: /things/1
	// Content-Type: text/plain; charset=utf-8
	// Content-Length: 5
	//
	// made
}

// Content of any length passes through the worker's memory, both ways.
func ExampleBody() {
	show(func(w bobtail.Response, r *bobtail.Request) error {
		body, err := w.Status(200).Stream()
		if err != nil {
			return err
		}
		for {
			piece, err := r.NextPiece()
			if err == io.EOF {
				return body.Close()
			}
			if err != nil {
				return err
			}
			if _, err := body.Write(piece); err != nil {
				return err
			}
		}
	}, "POST /echo HTTP/1.1\r\nHost: example\r\nContent-Length: 5\r\n\r\nhello")
	// Output:
	// HTTP/1.1 200 OK
	// Transfer-Encoding: chunked
	//
	// 5
	// hello
	// 0
}

// The error of a handler becomes the status that it has, and ends the
// connection.
func ExampleHandler() {
	show(func(w bobtail.Response, r *bobtail.Request) error {
		if n, _ := r.ContentLength(); n > 100 {
			return http1.ErrContentLong
		}
		return w.Text("accepted\n")
	}, "POST / HTTP/1.1\r\nHost: example\r\nContent-Length: 1000\r\n\r\n")
	// Output:
	// error: http1: content too long
	// HTTP/1.1 413 Content Too Large
	// Content-Type: text/plain; charset=utf-8
	// Content-Length: 18
	// Connection: close
	//
	// Content Too Large
}

// Config computes the memory of a server before there is one.
func ExampleConfig_Memory() {
	cfg := bobtail.Config{
		Sockets: 8, Workers: 2, Spare: -1, WorkerMemory: 2048,
		Stash: 4, OutputBlocks: 8, OutputBlockSize: 512, Lanes: 1,
	}
	fmt.Println("fits into 32 KB:", cfg.Memory().Total() <= 32<<10)
	// Output:
	// fits into 32 KB: true
}
