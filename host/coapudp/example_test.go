package coapudp_test

import (
	"context"
	"fmt"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/host/coapudp"
	"github.com/bobtail-go/bobtail/resource"
)

func Example() {
	r := new(resource.Router)
	r.Handle("GET /hello/{name}", func(w resource.Response, q *resource.Request) error {
		return w.Text("hello ", string(q.PathValue("name")))
	})
	s, err := coapudp.New(coapudp.ServerConfig{Resources: r})
	if err != nil {
		fmt.Println(err)
		return
	}
	socket, err := coapudp.Listen("udp", "127.0.0.1:0") // the port of CoAP is 5683
	if err != nil {
		fmt.Println(err)
		return
	}
	go s.Serve(socket)
	defer s.Shutdown(context.Background())

	ctx := context.Background()
	c, err := coapudp.Dial(ctx, "udp", socket.LocalAddr().String(), coapudp.ClientConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	path := coap.AppendOption(nil, 0, coap.OptURIPath, []byte("hello"))
	path = coap.AppendOption(path, coap.OptURIPath, coap.OptURIPath, []byte("bobtail"))
	answer, err := c.Do(ctx, coap.Message{Code: coap.CodeGET, Options: path}, make([]byte, c.MaxAnswer()))
	fmt.Println(answer.Code, string(answer.Payload), err)
	// Output: 2.05 hello bobtail <nil>
}

func ExampleConn_Observe() {
	r := &resource.Router{Observations: 100}
	temperature := r.NewTopic(resource.TopicOptions{})
	r.Handle("GET /temperature", func(w resource.Response, q *resource.Request) error {
		q.Observe(temperature)
		return w.Text("20")
	})
	s, err := coapudp.New(coapudp.ServerConfig{Resources: r})
	if err != nil {
		fmt.Println(err)
		return
	}
	socket, err := coapudp.Listen("udp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go s.Serve(socket)
	defer s.Shutdown(context.Background())

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	c, err := coapudp.Dial(ctx, "udp", socket.LocalAddr().String(), coapudp.ClientConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	o := coap.AppendUintOption(nil, 0, coap.OptObserve, 0)
	o = coap.AppendOption(o, coap.OptObserve, coap.OptURIPath, []byte("temperature"))
	err = c.Observe(ctx, coap.Message{Code: coap.CodeGET, Options: o}, func(m coap.Message) error {
		fmt.Println(m.Code, string(m.Payload))
		if string(m.Payload) == "20" {
			temperature.Publish(resource.Notification{Payload: []byte("21")})
		} else {
			stop()
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// 2.05 20
	// 2.05 21
	// context canceled
}
