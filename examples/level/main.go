// Level has a number that clients of CoAP over TCP read, observe and set: try it
// with bobtail coap observe coap+tcp://127.0.0.1/level, and in another window
// bobtail coap put -payload 7 coap+tcp://127.0.0.1/level.
package main

import (
	"log"
	"sync/atomic"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/resource"
)

// level is one digit, and those who observe it.
type level struct {
	digit   atomic.Int32
	changes *resource.Topic
}

func (l *level) get(w resource.Response, r *resource.Request) error {
	r.Observe(l.changes) // if the client asks for it: Publish tells it from then on
	return w.Text(digits[l.digit.Load()])
}

func (l *level) put(w resource.Response, r *resource.Request) error {
	p := r.Payload()
	if len(p) != 1 || p[0] < '0' || p[0] > '9' {
		return resource.ErrBadRequest // 4.00
	}
	l.digit.Store(int32(p[0] - '0'))
	_, err := l.changes.Publish(resource.Notification{Payload: p})
	return err
}

var digits = [...]string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}

// serve adds it to a server.
func serve(srv *bobtail.Server) error {
	var routes resource.Router
	l := &level{changes: routes.NewTopic(resource.TopicOptions{})}
	routes.Handle("GET /level", l.get)
	routes.Handle("PUT /level", l.put)
	_, err := coaptcp.New(srv, coaptcp.Config{Resources: &routes})
	return err
}

func main() {
	srv, err := bobtail.New(bobtail.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := serve(srv); err != nil {
		log.Fatal(err)
	}
	log.Fatal(srv.ListenAndServe("coap+tcp://127.0.0.1"))
}
