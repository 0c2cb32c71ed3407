package http1conn_test

import (
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
)

// line stands for any stream of bytes.
type line struct {
	io.Reader
	io.Writer
}

// A program drives a connection by hand: it takes a request, reads its
// content as it comes, and streams an answer.
func Example() {
	var sent strings.Builder
	received := strings.NewReader("POST /upper HTTP/1.1\r\nHost: example\r\nContent-Length: 5\r\n\r\nhello")

	c, err := http1conn.New(http1conn.Config{
		Parser: &http1.Parser{Keep: http1.DefaultFields()},
		In:     make([]byte, 1024),
		Out:    make([]byte, 512),
	})
	if err != nil {
		log.Fatal(err)
	}
	c.Reset(line{received, &sent})
	for !c.NeedsClose() {
		if err := c.Next(); err == io.EOF {
			break
		} else if err != nil {
			c.CompleteErr(err)
			break
		}
		if err := upper(c); err != nil {
			c.CompleteErr(err)
		}
	}
	if err := c.Flush(); err != nil {
		log.Fatal(err)
	}
	fmt.Print(strings.ReplaceAll(sent.String(), "\r\n", "\n"))
	// Output:
	// HTTP/1.1 200 OK
	// Content-Type: text/plain
	// Transfer-Encoding: chunked
	//
	// 5
	// HELLO
	// 0
}

func upper(c *http1conn.Conn) error {
	if err := c.Initiate(200, "", http1conn.Field{Name: "Content-Type", Value: "text/plain"}); err != nil {
		return err
	}
	for {
		piece, err := c.NextPiece()
		if err == io.EOF {
			return c.Complete()
		}
		if err != nil {
			return err
		}
		if err := c.WriteString(strings.ToUpper(string(piece))); err != nil {
			return err
		}
	}
}

// A connection that changes its protocol is given back with what has come of
// the other protocol already.
func ExampleConn_Unbind() {
	received := "GET /chat HTTP/1.1\r\nHost: example\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\nfirst words"
	c, err := http1conn.New(http1conn.Config{Parser: &http1.Parser{}, In: make([]byte, 1024), Out: make([]byte, 512)})
	if err != nil {
		log.Fatal(err)
	}
	c.Reset(line{strings.NewReader(received), io.Discard})
	err = http1conn.ServeStream(c, func(c *http1conn.Conn) error {
		if !c.Head().Upgrade() {
			return c.Initiate(http1.StatusUpgradeRequired, "")
		}
		return c.Initiate(http1.StatusSwitchingProtocols, "",
			http1conn.Field{Name: "Connection", Value: "upgrade"}, http1conn.Field{Name: "Upgrade", Value: "chat"})
	})
	if err != nil {
		log.Fatal(err)
	}
	stream, rest, err := c.Unbind()
	fmt.Printf("%q, a stream: %v, %v\n", rest, stream != nil, err)
	// Output:
	// "first words", a stream: true, <nil>
}
