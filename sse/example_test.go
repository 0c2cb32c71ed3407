package sse_test

import (
	"fmt"
	"log"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/sse"
)

func ExampleAppendEvent() {
	b, err := sse.AppendEvent(nil, sse.Event{ID: "7", Name: "add", Data: []byte("one\ntwo")})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", b)
	// Output:
	// id: 7
	// event: add
	// data: one
	// data: two
}

// Everybody at /events gets what anybody posts to /say.
func ExampleTopic() {
	srv, err := bobtail.New(bobtail.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	chat, err := sse.New(srv, sse.Options{Replay: 64 << 10})
	if err != nil {
		log.Fatal(err)
	}
	srv.Handle("GET /events", chat.Subscribe)
	srv.Handle("POST /say", func(w bobtail.Response, r *bobtail.Request) error {
		said, err := r.NextPiece()
		if err != nil {
			return err
		}
		if _, err := chat.Publish(sse.Event{Data: said}); err != nil {
			return err
		}
		return w.Status(204).Empty()
	})
	// srv.ListenAndServe(":8080")
}
