package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// exchange is a work with requests of CoAP. Its name is also that of the work.
type exchange struct {
	name    string
	network string // tcp or udp

	// deep says that as many requests as a pipelined run has are on their way on
	// a connection, and part is how many there are for one of a plain run.
	deep bool
	part float64

	// fewer is what the connections of a run are divided by. A socket for
	// datagrams of the kernel's default size holds about 270 of them, and more
	// would be lost there, and sent again, than a server is asked to answer.
	fewer int
}

// allExchanges are the works with CoAP.
var allExchanges = []exchange{
	{"coap", "tcp", false, 1, 1},
	{"coap16", "tcp", true, pipelinedFactor, 1},
	{"coapudp", "udp", false, 1, 1},
	{"coapudp16", "udp", true, pipelinedFactor / 2, 4},
	{coapIdle, "tcp", false, 1, 1},
}

// coapIdle is the work that leaves its connections idle after a request each.
const coapIdle = "coapidle"

// exchangeOf is the exchange that a work is about, nil if it is about none.
func exchangeOf(work string) *exchange {
	for i := range allExchanges {
		if e := &allExchanges[i]; e.name == work {
			return e
		}
	}
	return nil
}

// sendAgain is the time after which a datagram without an answer is sent once
// more. On the loopback the two seconds of RFC 7252 section 4.8 would be most of
// a run.
const sendAgain = 100 * time.Millisecond

// args are those by which the load generator does the exchange.
func (e *exchange) args() []string {
	return []string{"-k", e.network, "-r", strconv.FormatInt(sendAgain.Milliseconds(), 10)}
}

// kind is what a server must do for it.
func (e *exchange) kind() kinds {
	switch {
	case e.network == "tcp":
		return streams
	case e.deep:
		return floods
	}
	return datagrams
}

// title is what stands over the table.
func (e *exchange) title(s settings, rounds string) string {
	o := options{requests: s.Requests, conns: s.Conns, depth: s.Depth}
	over := map[string]string{"tcp": "connections over TCP", "udp": "sockets over UDP"}[e.network]
	if e.name == coapIdle {
		return fmt.Sprintf("%s: %d connections after a request of CoAP each; process memory only; %s", e.name, s.Parked, rounds)
	}
	at := "a request"
	if e.deep {
		at = fmt.Sprintf("%d requests", s.Depth)
	}
	return fmt.Sprintf("%s: GET of 13 bytes by CoAP; %d %s, %s at a time; %d requests, %d load threads; %s",
		e.name, connsOf(o, e.name), over, at, requestsOf(o, e.name), s.Threads, rounds)
}

// buildLibcoap builds the server that is written with libcoap, of which the
// Debian package is libcoap3-dev.
func buildLibcoap(ctx context.Context, b *builder) (starter, error) {
	out, err := exec.Command("pkg-config", "--cflags", "--libs", "libcoap-3-notls").Output()
	if err != nil {
		return nil, fmt.Errorf("libcoap is %w", errAbsent)
	}
	program, err := b.compile(ctx, filepath.Join("servers", "libcoap"), strings.Fields(string(out))...)
	return func(t task) ([]string, error) {
		args := []string{program, "-p", strconv.Itoa(t.port)}
		if t.host != "" {
			args = append(args, "-a", t.host)
		}
		if t.coap == "udp" {
			args = append(args, "-u")
		}
		return args, nil
	}, err
}

// ping sends an empty confirmable message, which is to be answered by a reset
// (RFC 7252 section 4.3), and waits for it a little. go-coap acknowledges it.
func ping(addr string) error {
	c, err := net.Dial("udp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := c.Write([]byte{0x40, 0, 0x12, 0x34}); err != nil {
		return err
	}
	b := make([]byte, 16)
	n, err := c.Read(b)
	if err != nil {
		return err
	}
	if s := string(b[:n]); s != "\x70\x00\x12\x34" && s != "\x60\x00\x12\x34" {
		return fmt.Errorf("a ping is answered by %x", b[:n])
	}
	return nil
}
