package web_test

import (
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/web"
)

// wire stands for any stream: a serial line, a pipe, a connection that was
// accepted elsewhere.
type wire struct {
	io.Reader
	io.Writer
}

func greet(w web.Response, r *web.Request) error {
	return w.Text("hello, ", string(r.Path()), "\n")
}

// A program with a loop of its own serves streams, with the handlers that a
// server runs, in memory of its own.
func ExampleExchange_ServeStream() {
	x, err := web.NewExchange(&http1.Parser{Keep: http1.DefaultFields()}, make([]byte, 4096), nil)
	if err != nil {
		log.Fatal(err)
	}
	var answers strings.Builder
	requests := "GET /a HTTP/1.1\r\nHost: example\r\n\r\n" +
		"GET /b HTTP/1.1\r\nHost: example\r\nConnection: close\r\n\r\n"
	if err := x.ServeStream(wire{strings.NewReader(requests), &answers}, greet); err != nil {
		log.Fatal(err)
	}
	fmt.Print(strings.ReplaceAll(answers.String(), "\r\n", "\n"))
	// Output:
	// HTTP/1.1 200 OK
	// Content-Type: text/plain; charset=utf-8
	// Content-Length: 10
	//
	// hello, /a
	// HTTP/1.1 200 OK
	// Content-Type: text/plain; charset=utf-8
	// Content-Length: 10
	// Connection: close
	//
	// hello, /b
}

// A loop that has other things to do serves one request at a time.
func ExampleExchange_ServeRequest() {
	x, err := web.NewExchange(&http1.Parser{}, make([]byte, web.MinMemory), nil)
	if err != nil {
		log.Fatal(err)
	}
	requests := "GET /a HTTP/1.1\r\nHost: example\r\n\r\n" +
		"GET /b HTTP/1.1\r\nHost: example\r\n\r\n"
	served := 0
	again, err := x.ServeRequest(wire{strings.NewReader(requests), io.Discard}, greet)
	for again {
		served++ // and whatever else there is to do
		again, err = x.Again()
	}
	fmt.Println(served, err)
	// Output:
	// 2 EOF
}
