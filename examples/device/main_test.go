package main

import (
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/firmware/site/sitetest"
)

// TestDevice drives the device as the tests of the firmware do.
func TestDevice(t *testing.T) {
	s, err := device(5, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Server().Close()
	web, err := s.Server().Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	things, err := s.Server().Listen("coap+tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Server().Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-t.Context().Done():
				return
			case <-tick.C:
				s.Tick()
			}
		}
	}()
	t.Cleanup(func() { <-done })
	sitetest.Run(t, sitetest.Device{HTTP: web.String(), CoAP: things.String(), Sockets: 5})
}
