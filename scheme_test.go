package bobtail_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
)

// schemed is a driver that serves URI schemes.
type schemed struct{ engine.Driver }

func (schemed) Schemes() []engine.Scheme {
	return []engine.Scheme{{Name: "a+tcp", Port: 1234}, {Name: "b+tcp", Port: 1300}, {Name: "as+tcp", Port: 1235, Secure: true}}
}

func (schemed) Gone(*pool.Slot, pool.Handle) {}

// TestListenSchemes has addresses find the driver and the port of their scheme.
func TestListenSchemes(t *testing.T) {
	network := memory.New(memory.Config{})
	srv, err := bobtail.New(bobtail.Config{Backend: network, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	srv.Engine().AddDriver(schemed{})
	for _, x := range []struct {
		address string
		port    uint16 // 0 is any
		err     error
		says    string
	}{
		{"a+tcp://127.0.0.1", 1234, nil, ""},
		{"a+tcp://127.0.0.1:99", 99, nil, ""},
		{"a+tcp://[::1]", 1234, nil, ""},
		{"b+tcp://", 1300, nil, ""},
		{"a+tcp://[::1]:98", 98, nil, ""},
		{"http://:97", 97, nil, ""},
		{":96", 96, nil, ""},
		{"http://127.0.0.1", 0, transport.ErrAddress, ""}, // as ever: HTTP wants its port said
		{"a+tcp://:x", 0, transport.ErrAddress, ""},
		{"as+tcp://127.0.0.1", 0, bobtail.ErrNoTLS, ""},
		{"https://127.0.0.1:95", 0, bobtail.ErrNoTLS, ""},
		{"coap+tcp://:5683", 0, nil, "coaptcp.New"},
		{"coaps+tcp://:5684", 0, nil, "coaptcp.New"},
		{"coap://:5683", 0, nil, "coapudp"},
		{"ws://:80", 0, nil, "websocket"},
		{"gopher://:70", 0, nil, "gopher"},
	} {
		a, err := srv.Listen(x.address)
		switch {
		case x.says != "":
			if e := new(bobtail.SchemeError); !errors.As(err, &e) || !strings.Contains(err.Error(), x.says) {
				t.Errorf("%s: error %v does not speak of %s", x.address, err, x.says)
			}
		case !errors.Is(err, x.err), err == nil && a.Port() != x.port:
			t.Errorf("%s: %v, %v, want port %d, %v", x.address, a, err, x.port, x.err)
		}
	}
}
