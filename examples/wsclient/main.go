// Wsclient talks to a WebSocket server: it sends some messages, prints what is
// answered, and streams a long one both ways.
//
//	wsclient ws://127.0.0.1:8080/ws
//
// The server is to send back what it gets, as the one of bobtail serve and that
// of examples/echo do.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/ws"
)

// long is the size in bytes of the message that is streamed: more than any
// buffer on its way.
const long = 8 << 20

// talk talks to a server until all is said.
func talk(ctx context.Context, url string, out io.Writer) error {
	c, err := wsdial.Dial(ctx, url, wsdial.Config{
		MaxMessage: 16 << 20,         // bytes
		PingEvery:  30 * time.Second, // a server that has gone is noticed
	})
	if err != nil {
		return err // a *wsdial.OpError; a server that refuses is a *wsdial.StatusError
	}
	defer c.CloseNow()
	// Once the context is done, whatever waits for the server fails.
	defer context.AfterFunc(ctx, func() { c.CloseNow() })()

	for _, text := range []string{"hello", "how are you?", "\U0001f419"} {
		if err := c.WriteText(text); err != nil {
			return err
		}
		_, answer, err := c.Receive() // the answer is valid until the next Receive
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s -> %s\n", text, answer)
	}
	if err := stream(c); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d MiB there and back\n", long>>20)
	return c.Close() // in order: the server's close frame is waited for
}

// stream sends a long message and compares what comes back. Both directions are
// under way at once, since the echo begins before the message ends; neither end
// ever holds more of it than its buffers.
func stream(c *wsdial.Conn) error {
	sent, received := sha256.New(), sha256.New()
	over := make(chan error, 1)
	go func() {
		w, err := c.Begin(ws.OpBinary)
		if err == nil {
			_, err = io.Copy(io.MultiWriter(w, sent), io.LimitReader(digits{}, long))
		}
		if err == nil {
			err = w.Close()
		}
		over <- err
	}()
	if _, err := c.Next(); err != nil {
		return err
	}
	if _, err := io.Copy(received, c); err != nil {
		return err
	}
	if err := <-over; err != nil {
		return err
	}
	if string(sent.Sum(nil)) != string(received.Sum(nil)) {
		return errors.New("what came back is not what was sent")
	}
	return nil
}

// digits reads as digits without end.
type digits struct{}

func (digits) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0' + byte(i%10)
	}
	return len(p), nil
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: wsclient URL")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := talk(ctx, os.Args[1], os.Stdout); err != nil {
		log.Fatal(err)
	}
}
