package wsconn_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"strings"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// A server and a client talk over a stream, on which they have shaken hands.
func Example() {
	a, b := net.Pipe()
	go func() {
		defer a.Close()
		c, err := wsconn.New(wsconn.Config{In: make([]byte, 512), Out: make([]byte, 512)})
		if err != nil {
			log.Fatal(err)
		}
		if err := c.Reset(a, nil); err != nil {
			log.Fatal(err)
		}
		if err := echo(c); err != nil {
			log.Fatal(err)
		}
	}()

	defer b.Close()
	c, err := wsconn.New(wsconn.Config{Role: ws.RoleClient, In: make([]byte, 512), Out: make([]byte, 512), Rand: rand.Reader})
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Reset(b, nil); err != nil {
		log.Fatal(err)
	}
	if err := c.WriteText("hello"); err != nil {
		log.Fatal(err)
	}
	op, msg, err := c.ReadMessage(make([]byte, 1024))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v %q\n", op, msg)
	if err := c.CloseWith(ws.CodeNormal, "that was all"); err != nil {
		log.Fatal(err)
	}
	// Output:
	// text "hello"
}

// echo sends back messages of any size, as they come, until the peer closes.
func echo(c *wsconn.Conn) error {
	for {
		op, err := c.Next()
		var closed *wsconn.CloseError
		if errors.As(err, &closed) {
			return nil
		}
		if err != nil {
			return err
		}
		w, err := c.Begin(op)
		if err != nil {
			return err
		}
		if _, err := io.Copy(w, c); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
}

// A client asks a server to change to WebSocket, and is sent elsewhere.
func ExampleConn_Dial() {
	stream := line{strings.NewReader("HTTP/1.1 307 Temporary Redirect\r\nLocation: /better\r\n\r\n"), io.Discard}
	c, err := wsconn.New(wsconn.Config{Role: ws.RoleClient, In: make([]byte, 1024), Out: make([]byte, 512), Rand: rand.Reader})
	if err != nil {
		log.Fatal(err)
	}
	_, _, err = c.Dial(stream, &ws.ClientRequest{Host: "example.com", Target: "/chat"})
	var refused *wsconn.RefusedError
	if errors.As(err, &refused) && refused.Err == ws.ErrRedirect {
		fmt.Printf("%v: %s\n", err, refused.Answer.Location())
	}
	// Output:
	// ws: server redirects, status 307: /better
}

// line stands for any stream of bytes.
type line struct {
	io.Reader
	io.Writer
}

// A message whose size is not known is written bit by bit.
func ExampleWriter() {
	var sent strings.Builder
	c, err := wsconn.New(wsconn.Config{In: make([]byte, 512), Out: make([]byte, 512)})
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Reset(line{strings.NewReader(""), &sent}, nil); err != nil {
		log.Fatal(err)
	}
	w, err := c.Begin(ws.OpText)
	if err != nil {
		log.Fatal(err)
	}
	for i := range 3 {
		fmt.Fprintf(w, "line %d, ", i)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q\n", sent.String())
	// Output:
	// "\x81\x18line 0, line 1, line 2, "
}
