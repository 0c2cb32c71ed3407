package coapdial_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/host/coapdial"
	"github.com/bobtail-go/bobtail/resource"
)

// serveExample is a server with something to ask for.
func serveExample() (uri string, stop func() error) {
	var resources resource.Router
	topic := resources.NewTopic(resource.TopicOptions{})
	resources.Handle("GET /hello", func(w resource.Response, r *resource.Request) error {
		return w.Text("hello")
	})
	resources.Handle("GET /door", func(w resource.Response, r *resource.Request) error {
		r.Observe(topic)
		return w.Text("closed")
	})
	resources.Handle("POST /door", func(w resource.Response, r *resource.Request) error {
		_, err := topic.Publish(resource.Notification{Payload: r.Payload()})
		return err
	})
	srv, err := bobtail.New(bobtail.Config{Sockets: 16, Workers: 2})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := coaptcp.New(srv, coaptcp.Config{Resources: &resources}); err != nil {
		log.Fatal(err)
	}
	address, err := srv.Listen("coap+tcp://127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		log.Fatal(err)
	}
	return "coap+tcp://" + address.String(), srv.Close
}

// A resource is asked for, and then another that is not there.
func Example() {
	uri, stop := serveExample()
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	c, err := coapdial.Dial(ctx, uri, coapdial.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for _, path := range []string{"/hello", "/nowhere"} {
		resp, err := c.Get(ctx, path)
		if err != nil {
			log.Fatal(err)
		}
		if err := resp.Err(); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("%s %s\n", resp.Code, resp.Body)
	}
	// Output:
	// 2.05 hello
	// coapdial: the server answers 4.04 Not Found
}

// The states of a door are seen as they change, until it is open.
func ExampleClient_Observe() {
	uri, stop := serveExample()
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	c, err := coapdial.Dial(ctx, uri, coapdial.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for state, err := range c.Observe(ctx, coapdial.Request{Path: "/door"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", state.Body)
		if string(state.Body) == "open" {
			break
		}
		if _, err := c.Do(ctx, coapdial.Request{
			Method: coap.CodePOST, Path: "/door", Body: bytes.NewReader([]byte("open")),
			Options: []coapdial.Option{coapdial.Format(coap.FormatText)},
		}); err != nil {
			log.Fatal(err)
		}
	}
	if err := c.Release(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// closed
	// open
}
