package bobtail_test

import (
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/netstd"
)

func init() {
	kinds = append(kinds,
		kind{name: "net", open: func(lanes int) (transport.Backend, error) {
			return netstd.New(netstd.Config{Lanes: lanes})
		}},
		kind{name: "net, buffered", open: func(lanes int) (transport.Backend, error) {
			return netstd.New(netstd.Config{Lanes: lanes, Buffered: true})
		}})
}
