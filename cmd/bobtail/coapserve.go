package main

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/host/coapudp"
	"github.com/bobtail-go/bobtail/metrics"
	"github.com/bobtail-go/bobtail/transport"
)

// coapService serves the site's resources over CoAP: over TCP on the sockets and
// workers of the server, and over UDP beside them.
type coapService struct {
	*resources
	tcp    *coaptcp.Driver
	udp    *coapudp.Server
	socket *net.UDPConn
	served chan error // why serving UDP has failed
	urls   []string
}

// What the UDP side keeps: less than its defaults, which are for a server that
// does nothing else.
const (
	udpPeers     = 1 << 16
	udpExchanges = 512
	udpKept      = 64 << 10 // bytes of answers
	udpInFlight  = 128      // messages that wait for their acknowledgements
)

// newCoAP makes what serves CoAP, before the server listens.
func (s *settings) newCoAP(here *site, lines *lineLog) error {
	r, err := newResources(here)
	if err != nil {
		return err
	}
	c := &coapService{resources: r, served: make(chan error, 1)}
	overTCP := coaptcp.Config{Resources: &r.router}
	overUDP := coapudp.ServerConfig{
		Resources: &r.router,
		Workers:   s.config.Workers,
		Endpoints: min(s.config.Sockets, udpPeers),
		Exchanges: udpExchanges,
		Kept:      udpKept,
		InFlight:  udpInFlight,
		Timeout:   min(s.config.Timeouts.Handler, time.Hour),
	}
	if s.trust {
		overUDP.Amplification = -1
	}
	if lines != nil {
		overTCP.Access, overUDP.Access = lines.coapTCP, lines.coapUDP
	}
	if c.tcp, err = coaptcp.New(here.server, overTCP); err != nil {
		return err
	}
	if lines != nil {
		lines.speaksCoAP = make([]atomic.Bool, here.server.Engine().Pool().Size())
	}
	if c.udp, err = coapudp.New(overUDP); err != nil {
		return err
	}
	here.coap, here.live.coap = c, c.tcp
	return nil
}

// tries is how many free ports of UDP are tried, if none is given, until one is
// free for TCP too.
const tries = 16

// listen opens the sockets: the same port for TCP and UDP, and if the server has
// a certificate the next one, or a free one, for TLS.
func (c *coapService) listen(server *bobtail.Server, at transport.Addr, secure bool) (err error) {
	free := at.Port() == 0
	for range tries {
		if c.socket, err = coapudp.Listen("udp", at.String()); err != nil {
			return udpError(err)
		}
		here := at.WithPort(uint16(c.socket.LocalAddr().(*net.UDPAddr).Port))
		if _, err = server.Listen("coap+tcp://" + here.String()); err == nil {
			c.tell("coap+tcp", here)
			c.tell("coap", here)
			break
		}
		c.socket.Close()
		c.socket = nil
		if !free || err != transport.ErrAddressInUse {
			return err
		}
	}
	if err != nil || !secure {
		return err
	}
	next := at
	if !free {
		next = at.WithPort(at.Port() + 1)
	}
	got, err := server.Listen("coaps+tcp://" + next.String())
	if err == nil {
		c.tell("coaps+tcp", at.WithPort(got.Port()))
	}
	return err
}

// tell has the greeting name an address.
func (c *coapService) tell(scheme string, at transport.Addr) {
	c.urls = append(c.urls, scheme+strings.TrimPrefix(url(at), "http"))
}

// udpError is an error of package net as those of package transport.
func udpError(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return transport.ErrAddressInUse
	case errors.Is(err, syscall.EACCES):
		return transport.ErrPermission
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return transport.ErrAddress
	}
	return err
}

// start serves UDP; TCP is the server's.
func (c *coapService) start() {
	go func() {
		if err := c.udp.Serve(c.socket); err != nil {
			c.served <- err
		}
	}()
}

// memory is what serving CoAP holds, in bytes.
func (c *coapService) memory() int {
	return c.router.Memory() + c.tcp.Memory() + c.udp.Memory()
}

// failed has an error if UDP cannot be served any longer.
func (s *site) failed() <-chan error {
	if s == nil || s.coap == nil {
		return nil
	}
	return s.coap.served
}

// close gives the socket back if the server does not start.
func (c *coapService) close() {
	if c.socket != nil {
		c.socket.Close()
	}
}

// shutdown finishes what has come over UDP, while the server finishes what has
// come over TCP.
func (c *coapService) shutdown(ctx context.Context) { c.udp.Shutdown(ctx) }

// farewell says what was served.
func (c *coapService) farewell(w io.Writer) {
	var t tally
	tcp, udp := c.tcp.Stats(), c.udp.Stats()
	for _, k := range []int{2, 4, 5} {
		t.add(tcp.Requests[k], coapClasses[k])
	}
	t.add(tcp.Requests[0], "later")
	t.add(tcp.Aborts, "connections aborted")
	t.print(w, "coap+tcp", tcp.Requests.Total())

	t = nil
	t.add(udp.Duplicates, "duplicates")
	t.add(udp.Busy, "refused")
	t.add(udp.Challenged, "challenged")
	t.add(udp.Malformed, "malformed")
	t.print(w, "coap", udp.Requests)
}

// coapClasses are the names of the classes of coaptcp.Requests.
var coapClasses = [...]string{"later", "1.xx", "2.xx", "3.xx", "4.xx", "5.xx"}

// describe adds what was served to the statistics.
func (c *coapService) describe(t *jsonText) {
	tcp, udp, r := c.tcp.Stats(), c.udp.Stats(), c.router.Stats()
	t.open("coap")
	t.open("tcp")
	t.open("requests")
	for class, n := range tcp.Requests {
		if class != 1 && class != 3 { // which CoAP does not have
			t.number(coapClasses[class], n)
		}
	}
	t.number("total", tcp.Requests.Total())
	t.close()
	t.number("busy", tcp.Busy)
	t.number("opened", tcp.Opened)
	t.count("open", tcp.Open)
	t.number("pings", tcp.Pings)
	t.number("dead", tcp.Dead)
	t.number("aborts", tcp.Aborts)
	t.number("aborted", tcp.Aborted)
	t.close()
	t.open("udp")
	t.number("requests", udp.Requests)
	t.number("duplicates", udp.Duplicates)
	t.number("busy", udp.Busy)
	t.number("challenged", udp.Challenged)
	t.number("malformed", udp.Malformed)
	t.number("notified", udp.Notified)
	t.number("retransmits", udp.Retransmits)
	t.number("unanswered", udp.Unanswered)
	t.count("endpoints", udp.Endpoints)
	t.close()
	t.count("observations", r.Observations)
	t.count("later", r.Tickets)
	t.count("transfers", r.Transfers)
	t.close()
}

// more adds what CoAP does to the metrics, if it is served.
func (s *site) more(p *metrics.Printer) {
	if s.coap == nil {
		return
	}
	tcp, udp, r := s.coap.tcp.Stats(), s.coap.udp.Stats(), s.coap.router.Stats()
	p.Counters("coap_tcp_requests_total", "Requests over CoAP's TCP that were answered, by class of code.", "class", coapClasses[:], tcp.Requests[:])
	p.Counter("coap_tcp_busy_total", "Requests over CoAP's TCP refused since too many were under way.", tcp.Busy)
	p.Counter("coap_tcp_connections_total", "Connections that spoke CoAP.", tcp.Opened)
	p.Counter("coap_tcp_aborts_total", "Connections whose peers broke the rules of CoAP.", tcp.Aborts)
	p.Gauge("coap_tcp_connections", "Connections that speak CoAP.", tcp.Open)
	p.Counter("coap_udp_requests_total", "Requests over CoAP's UDP.", udp.Requests)
	p.Counter("coap_udp_duplicates_total", "Datagrams with a request that had come before.", udp.Duplicates)
	p.Counter("coap_udp_busy_total", "Requests over CoAP's UDP refused since too many were under way.", udp.Busy)
	p.Counter("coap_udp_challenged_total", "Requests from addresses that had to show that they are real.", udp.Challenged)
	p.Counter("coap_udp_malformed_total", "Datagrams that made no sense.", udp.Malformed)
	p.Counter("coap_udp_retransmits_total", "Messages over CoAP's UDP that were sent again.", udp.Retransmits)
	p.Counter("coap_udp_unanswered_total", "Messages over CoAP's UDP that were given up.", udp.Unanswered)
	p.Gauge("coap_udp_endpoints", "Peers over CoAP's UDP that are known.", udp.Endpoints)
	p.Gauge("coap_observations", "Observations.", r.Observations)
	p.Gauge("coap_transfers", "Transfers in blocks.", r.Transfers)
}
