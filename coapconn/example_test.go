package coapconn_test

import (
	"fmt"
	"io"
	"log"
	"net"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coapconn"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport"
)

// A device connects to its server, and is asked by it on the same connection.
func Example() {
	device, server := net.Pipe()

	var resources resource.Router
	if err := resources.Handle("GET /temperature", func(w resource.Response, r *resource.Request) error {
		return w.Text("21.5")
	}); err != nil {
		log.Fatal(err)
	}
	go func() {
		defer device.Close()
		c, err := coapconn.New(coapconn.Config{
			In: make([]byte, coapconn.MinIn), Out: make([]byte, coapconn.MinOut),
			Resources: &resources, Answers: make([]byte, coapconn.MinAnswers),
			Background: func(f func()) { go f() },
		})
		if err != nil {
			log.Fatal(err)
		}
		if err := c.Reset(device); err != nil {
			log.Fatal(err)
		}
		fmt.Println("device:", c.Run())
	}()

	c, err := coapconn.New(coapconn.Config{
		In: make([]byte, coapconn.MinIn), Out: make([]byte, coapconn.MinOut),
		Background: func(f func()) { go f() },
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Reset(server); err != nil {
		log.Fatal(err)
	}
	over := make(chan error)
	go func() { over <- c.Run() }()

	call := coapconn.Call{
		Code:    coap.CodeGET,
		Options: coap.Options(coap.AppendOption(nil, 0, coap.OptURIPath, []byte("temperature"))),
		Into:    make([]byte, 100),
	}
	if err := c.Do(&call, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("server: %s %s\n", call.Answer.Code, call.Answer.Payload)

	if err := c.Release("", 0); err != nil {
		log.Fatal(err)
	}
	fmt.Println("server:", <-over)
	// Output:
	// server: 2.05 21.5
	// device: coapconn: peer has released the connection
	// server: <nil>
}

// still is a stream that never waits, as a loop of a program's own has it.
type still struct{ in, out []byte }

func (s *still) Read(p []byte) (int, error) {
	if len(s.in) == 0 {
		return 0, transport.ErrWouldBlock
	}
	n := copy(p, s.in)
	s.in = s.in[n:]
	return n, nil
}

func (s *still) Write(p []byte) (int, error) {
	s.out = append(s.out, p...)
	return len(p), nil
}

var _ io.ReadWriter = (*still)(nil)

// A connection is served by a loop, with two messages of memory.
func ExampleServed() {
	var resources resource.Router
	if err := resources.Handle("GET /hello", func(w resource.Response, r *resource.Request) error {
		return w.Text("hello")
	}); err != nil {
		log.Fatal(err)
	}
	var served coapconn.Served
	err := served.Reset(coapconn.ServedConfig{
		Resources: &resources, Exchange: resource.NewExchange(&resources, 0, nil),
		MaxMessage: 256, MaxAnswer: 256, Keep: make([]byte, 512),
	})
	if err != nil {
		log.Fatal(err)
	}
	request := coap.AppendTCP(nil, coap.Message{
		Code: coap.CodeGET, Token: []byte{7},
		Options: coap.Options(coap.AppendOption(nil, 0, coap.OptURIPath, []byte("hello"))),
	})
	scratch := make([]byte, 256) // of all connections
	stream := new(still)
	for _, piece := range [][]byte{request[:3], request[3:]} {
		stream.in = piece
		if err := served.Poll(stream, scratch, 0); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("sent %q\n", stream.out)
		stream.out = nil
	}
	// Output:
	// sent "@\xe1\"\x01\x00 "
	// sent "qE\a\xc0\xffhello"
}
