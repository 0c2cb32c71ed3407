package deflate_test

import (
	"bytes"
	"fmt"
	"io"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/ws/deflate"
)

// What a connection does with an Extension: agree, compress, inflate, release.
func Example() {
	e, err := deflate.New(deflate.Config{ServerTakeover: true, Contexts: 100})
	if err != nil {
		fmt.Println(err)
		return
	}
	p := e.Accept([]byte("permessage-deflate; client_max_window_bits"))
	fmt.Printf("%s\n", e.AppendAccept(nil, p))

	server, client := e.Take(ws.RoleServer, p), e.Take(ws.RoleClient, p)
	for range 2 {
		var payload bytes.Buffer
		if err := server.Compress(&payload, []byte("a message that comes again"), true); err != nil {
			fmt.Println(err)
		}
		n := payload.Len()
		client.Decompress(&payload)
		message, err := io.ReadAll(client)
		fmt.Printf("%q %v, in less than 10 bytes: %v\n", message, err, n < 10)
	}
	e.Put(server)
	e.Put(client)
	e.Release(p)
	// Output:
	// permessage-deflate; client_no_context_takeover
	// "a message that comes again" <nil>, in less than 10 bytes: false
	// "a message that comes again" <nil>, in less than 10 bytes: true
}
