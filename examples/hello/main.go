// Hello serves one line at http://127.0.0.1:8080/.
package main

import (
	"log"

	"github.com/bobtail-go/bobtail"
)

func hello(w bobtail.Response, r *bobtail.Request) error {
	return w.Text("Hello, World!\n")
}

func main() {
	srv, err := bobtail.New(bobtail.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := srv.Handle("GET /", hello); err != nil {
		log.Fatal(err)
	}
	log.Fatal(srv.ListenAndServe("127.0.0.1:8080"))
}
