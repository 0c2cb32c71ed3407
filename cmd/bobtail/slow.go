package main

import (
	"crypto/tls"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bobtail-go/bobtail"
)

// slowSenders are clients of the server's own, in this process, who send a
// request a byte at a time: for the page, which cannot have a browser do that.
type slowSenders struct {
	address string // host and port
	secure  bool
	at      atomic.Int32 // how many are at it
	stop    chan struct{}
}

// mostSlow is how many there may be at once, and slowByte how long each waits
// between two bytes.
const (
	mostSlow = 16
	slowByte = 100 * time.Millisecond
)

const slowRequest = "GET /plaintext HTTP/1.1\r\nHost: bobtail\r\nUser-Agent: a slow sender, who keeps a socket and no worker\r\nConnection: close\r\n\r\n"

// start starts one.
func (c *slowSenders) start(w bobtail.Response, r *bobtail.Request) error {
	if c.at.Add(1) > mostSlow {
		c.at.Add(-1)
		return w.Status(503).Header("Retry-After", "10").Text("There are enough slow senders.\n")
	}
	go func() {
		defer c.at.Add(-1)
		c.send()
	}()
	return w.Status(202).Text("It sends a request, and takes its time.\n")
}

func (c *slowSenders) send() {
	conn, err := net.DialTimeout("tcp", c.address, time.Second)
	if err != nil {
		return
	}
	defer conn.Close()
	if c.secure {
		// It speaks to its own process, whose name it need not check.
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	tick := time.NewTicker(slowByte)
	defer tick.Stop()
	for i := range slowRequest {
		if _, err := conn.Write([]byte(slowRequest[i : i+1])); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-c.stop:
			return
		}
	}
	var answer [512]byte
	conn.Read(answer[:])
}

// toldAt says where the server is, by its URL.
func (c *slowSenders) toldAt(url string) {
	rest, secure := strings.CutPrefix(url, "https://")
	c.secure = secure
	c.address = strings.TrimSuffix(strings.TrimPrefix(rest, "http://"), "/")
}
