package coaptcp_test

import (
	"fmt"
	"log"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/resource"
)

// HTTP and CoAP on one server.
func Example() {
	srv, err := bobtail.New(bobtail.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	var r resource.Router
	r.Handle("GET /hello/{name}", func(w resource.Response, r *resource.Request) error {
		return w.Text("Hello, ", string(r.PathValue("name")))
	})
	if _, err := coaptcp.New(srv, coaptcp.Config{Resources: &r}); err != nil {
		log.Fatal(err)
	}
	srv.Handle("GET /hello/{name}", func(w bobtail.Response, r *bobtail.Request) error {
		return w.Status(200).Text("Hello, ", string(r.PathValue("name")))
	})
	for _, address := range []string{"http://127.0.0.1:0", "coap+tcp://127.0.0.1:0"} {
		a, err := srv.Listen(address) // or all at once, by ListenAndServe
		fmt.Println(a.Port() != 0, err)
	}
	// Output:
	// true <nil>
	// true <nil>
}

// Devices connect to the server, and are asked by it then.
func ExampleDriver_Request() {
	srv, err := bobtail.New(bobtail.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	registered := make(chan pool.Handle, 1)
	var r resource.Router
	r.Handle("POST /register", func(_ resource.Response, r *resource.Request) error {
		registered <- pool.Handle(r.Peer())
		return nil
	})
	r.Handle("GET /temperature", func(w resource.Response, _ *resource.Request) error { return w.Text("21.5") })
	d, err := coaptcp.New(srv, coaptcp.Config{Resources: &r, Requests: 16})
	if err != nil {
		log.Fatal(err)
	}
	a, err := srv.Listen("coap+tcp://127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		log.Fatal(err)
	}

	// This server is its own device here.
	d.Dial(a, func(h pool.Handle, err error) {
		if err == nil {
			path := coap.AppendOption(nil, 0, coap.OptURIPath, []byte("register"))
			d.Request(h, coap.Message{Code: coap.CodePOST, Options: path}, int64(5*time.Second), nil)
		}
	})

	device := <-registered
	answers := make(chan string, 1)
	path := coap.AppendOption(nil, 0, coap.OptURIPath, []byte("temperature"))
	d.Request(device, coap.Message{Code: coap.CodeGET, Options: path}, int64(5*time.Second), func(a coaptcp.Answer) {
		answers <- fmt.Sprintf("%s %s, error %v", a.Message.Code, a.Message.Payload, a.Err)
	})
	fmt.Println(<-answers)
	// Output: 2.05 21.5, error <nil>
}
