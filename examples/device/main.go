// Device serves on this machine what the firmware serves on a board: a page at
// http://127.0.0.1:8080/ that shows it live, answers to try a client on, and an
// LED that HTTP, WebSocket and CoAP show and set. The handlers are those of
// firmware/site, and so are the sizes: five sockets and two workers, unless
// others are asked for.
//
//	curl -T - http://127.0.0.1:8080/led <<< on
//	bobtail ws ws://127.0.0.1:8080/ws
//	bobtail coap observe coap+tcp://127.0.0.1/led
//
// The LED here is a line of the log.
package main

import (
	"flag"
	"log"
	"runtime/metrics"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/firmware/site"
)

// device makes the server, with so many sockets.
func device(sockets int, led func(on bool)) (*site.Site, error) {
	backend, err := bobtail.OpenBackend(1)
	if err != nil {
		return nil, err
	}
	c := site.Small(sockets, backend)
	c.NoDate = false // unlike a board, it knows the time
	s, err := site.New(c, site.Board{Name: "Desktop", LED: led, Heap: heap})
	if err != nil {
		backend.Close()
		return nil, err
	}
	if err := s.AddWebSocket(); err != nil {
		return nil, err
	}
	return s, s.AddCoAP()
}

// heap is how many bytes objects take of the heap, and how large it is. Nobody
// calls it but with the site's lock held.
func heap() (used, size uint64) {
	metrics.Read(samples[:])
	used = samples[0].Value.Uint64()
	for i := range samples {
		size += samples[i].Value.Uint64()
	}
	return used, size
}

var samples = [...]metrics.Sample{
	{Name: "/memory/classes/heap/objects:bytes"},
	{Name: "/memory/classes/heap/unused:bytes"},
	{Name: "/memory/classes/heap/free:bytes"},
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to serve HTTP")
	things := flag.String("coap", "127.0.0.1:5683", "where to serve CoAP over TCP")
	sockets := flag.Int("sockets", 5, "how many connections there may be at once")
	flag.Parse()
	s, err := device(*sockets, func(on bool) { log.Printf("the LED is on: %v", on) })
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for range time.Tick(250 * time.Millisecond) {
			s.Tick()
		}
	}()
	log.Fatal(s.Server().ListenAndServe(*addr, "coap+tcp://"+*things))
}
