// Gocoap is the server of the comparison that is written with go-coap, as its
// examples do it: a router with a handler for GET /hello, nothing tuned.
package main

import (
	"bytes"
	"flag"
	"log"

	coap "github.com/plgd-dev/go-coap/v3"
	"github.com/plgd-dev/go-coap/v3/message"
	"github.com/plgd-dev/go-coap/v3/message/codes"
	"github.com/plgd-dev/go-coap/v3/mux"
)

func hello(w mux.ResponseWriter, _ *mux.Message) {
	if err := w.SetResponse(codes.Content, message.TextPlain, bytes.NewReader([]byte("Hello, World!"))); err != nil {
		log.Print(err)
	}
}

func main() {
	addr := flag.String("addr", "127.0.0.1:5683", "`HOST:PORT` to listen on")
	network := flag.String("net", "tcp", "`NETWORK` to serve, tcp or udp")
	flag.Parse()
	r := mux.NewRouter()
	if err := r.Handle("/hello", mux.HandlerFunc(hello)); err != nil {
		log.Fatal(err)
	}
	log.Fatal(coap.ListenAndServe(*network, *addr, r))
}
