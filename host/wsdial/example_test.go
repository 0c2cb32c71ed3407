package wsdial_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/ws"
)

func ExampleDial() {
	server := httptest.NewServer(http.HandlerFunc(echo))
	defer server.Close()
	url := "ws" + strings.TrimPrefix(server.URL, "http")

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := wsdial.Dial(ctx, url, wsdial.Config{PingEvery: 30 * time.Second})
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()
	if err := c.WriteText("hello"); err != nil {
		log.Fatal(err)
	}
	_, answer, err := c.Receive()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", answer)
	if err := c.Close(); err != nil {
		log.Fatal(err)
	}
	// Output: hello
}

func ExampleStatusError() {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	url := "ws" + strings.TrimPrefix(server.URL, "http")

	_, err := wsdial.Dial(context.Background(), url, wsdial.Config{})
	var refused *wsdial.StatusError
	if errors.As(err, &refused) {
		fmt.Printf("%d: %s", refused.Code, refused.Body)
	}
	// Output: 404: 404 page not found
}

func ExampleNetConn() {
	server := httptest.NewServer(http.HandlerFunc(echo))
	defer server.Close()
	url := "ws" + strings.TrimPrefix(server.URL, "http")

	c, err := wsdial.Dial(context.Background(), url, wsdial.Config{})
	if err != nil {
		log.Fatal(err)
	}
	stream := wsdial.NetConn(c, ws.OpBinary)
	defer stream.Close()
	fmt.Fprint(stream, "one message, ")
	fmt.Fprint(stream, "and another")
	b := make([]byte, len("one message, and another"))
	if _, err := io.ReadFull(stream, b); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", b)
	// Output: one message, and another
}
