// Sensor has one thing to tell, a temperature, and tells it to whoever asks:
// browsers at http://127.0.0.1:8080/, by HTTP and a WebSocket, and small
// machines at coap+tcp://127.0.0.1/temperature and coap://127.0.0.1/temperature,
// which may observe it. All of them may set it, and all who look see it change.
//
//	curl -T - http://127.0.0.1:8080/temperature <<< 19.5
//	bobtail coap put -payload 19.5 coap+tcp://127.0.0.1/temperature
//	bobtail coap observe coap://127.0.0.1/temperature
//
// HTTP, WebSocket and CoAP over TCP share one pool of sockets and its workers.
// The sensor here is a number that goes up and down.
package main

import (
	"bytes"
	"flag"
	"log"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coaptcp"
	"github.com/bobtail-go/bobtail/host/coapudp"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

// sensor is the data, and who is told when they change.
type sensor struct {
	mu     sync.Mutex // held while a change is told, so that all are told in its order
	tenths int        // of a degree Celsius

	live      *websocket.Topic
	observers *resource.Topic
	options   coap.Options // of what observers are told
}

// The bounds of the sensor, in tenths of a degree.
const (
	lowest  = -400
	highest = 1250
)

// longest is the length of the longest reading, in bytes.
const longest = len("-40.0")

// append appends the reading, such as 19.5.
func (s *sensor) append(b []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return appendTenths(b, s.tenths)
}

// set changes the reading, and tells everybody.
func (s *sensor) set(tenths int) {
	var text [longest]byte
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tenths == tenths {
		return
	}
	s.tenths = tenths
	b := appendTenths(text[:0], tenths)
	s.live.Publish(ws.OpText, b)
	s.observers.Publish(resource.Notification{Options: s.options, Payload: b})
}

// drift moves the reading a little, until stop is closed.
func (s *sensor) drift(every time.Duration, stop <-chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			s.mu.Lock()
			next := s.tenths + rand.IntN(7) - 3
			s.mu.Unlock()
			s.set(min(max(next, lowest), highest))
		}
	}
}

func appendTenths(b []byte, n int) []byte {
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	if n >= 1000 {
		b = append(b, byte('0'+n/1000))
	}
	if n >= 100 {
		b = append(b, byte('0'+n/100%10))
	}
	return append(b, byte('0'+n/10%10), '.', byte('0'+n%10))
}

// parseTenths reads a temperature with at most one digit behind its point.
func parseTenths(b []byte) (n int, ok bool) {
	whole, part, _ := bytes.Cut(bytes.TrimSpace(b), []byte("."))
	whole, negative := bytes.CutPrefix(whole, []byte("-"))
	if len(whole) < 1 || len(whole) > 3 || len(part) > 1 {
		return 0, false
	}
	for _, c := range whole {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	n *= 10
	if len(part) == 1 {
		if part[0] < '0' || part[0] > '9' {
			return 0, false
		}
		n += int(part[0] - '0')
	}
	if negative {
		n = -n
	}
	return n, n >= lowest && n <= highest
}

// wrong is what is said to who sends something else.
const wrong = "Want degrees from -40 to 125, such as 19.5.\n"

// serve adds the sensor to a server, and makes the one that serves it over UDP.
func (s *sensor) serve(srv *bobtail.Server) (*coapudp.Server, error) {
	if err := s.serveHTTP(srv); err != nil {
		return nil, err
	}
	var things resource.Router
	if err := s.serveCoAP(&things); err != nil {
		return nil, err
	}
	if _, err := coaptcp.New(srv, coaptcp.Config{Resources: &things}); err != nil {
		return nil, err
	}
	return coapudp.New(coapudp.ServerConfig{Resources: &things})
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to serve HTTP")
	things := flag.String("coap", "127.0.0.1:5683", "where to serve CoAP, over TCP and UDP")
	flag.Parse()
	srv, err := bobtail.New(bobtail.Config{})
	if err != nil {
		log.Fatal(err)
	}
	s := &sensor{tenths: 200}
	udp, err := s.serve(srv)
	if err != nil {
		log.Fatal(err)
	}
	go s.drift(2*time.Second, nil)
	go func() { log.Fatal(udp.ListenAndServe("udp", *things)) }()
	log.Fatal(srv.ListenAndServe(*addr, "coap+tcp://"+*things))
}
