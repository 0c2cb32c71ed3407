package coapudp

import (
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport"
)

// ServerConfig is what a server is made with. A zero field has the default that
// its comment names. It is not changed after New.
type ServerConfig struct {
	// Resources are what is served. They may be served by other drivers at the
	// same time. Not nil.
	Resources *resource.Router

	// Workers is how many handlers run at a time. There is one more goroutine than
	// that, so that Request.Worker is Workers at most, and each has WorkerMemory
	// bytes for what requests need (Request.Alloc). The defaults are four for each
	// CPU, and 4096; at most 4096 and 1<<24.
	Workers      int
	WorkerMemory int

	// Queue is how many requests may wait for a worker, up to 65536; the default
	// is 64. Those beyond it wait with the system, and if no handler has returned
	// for 100 ms are answered 5.03 with a Max-Age of Busy seconds; the default is
	// 5.
	Queue int
	Busy  int

	// MaxMessage is the longest datagram that is taken and sent, in bytes without
	// the headers of UDP and IP: 64 to 65507. The default is 1280 less those of
	// IPv6 and UDP, 1232, which goes through every network unfragmented. RFC 7252
	// section 4.6 expects 1152 of a peer of whom nothing is known: answers are
	// cut to that, and to blocks of 1024 bytes, whatever is taken.
	MaxMessage int

	// Endpoints is how many peers are known at a time, up to 1<<20; the default is
	// 1024. When there are more, one that is idle is forgotten: one that was not
	// seen to be real before one that was, and one that observes last of all;
	// and of those the one that has been silent for the longest time.
	Endpoints int

	// Exchanges is how many requests of each kind, idempotent ones and others,
	// are remembered so that a duplicate is not taken for a new one, up to 32768;
	// the default is 4096. Kept is how many bytes of their answers are kept, of
	// each kind, so that a duplicate is answered as the request was; the default
	// is 1 MiB, at most 1<<30. See the package comment.
	Exchanges int
	Kept      int

	// InFlight is how many messages of our own may wait for an
	// acknowledgement, or to be sent, at a time: separate answers and
	// notifications; up to 65536, 256 by default.
	InFlight int

	// Amplification is how many times as much as it has sent a peer is sent
	// before it was seen to be where it says it is (RFC 7252 section 11.3, RFC
	// 9175 section 2.4): 0 is 3, at most 16384, and -1 is no limit. A request whose answer is
	// longer is answered 4.01 with an Echo option, which the peer repeats. Peers
	// that do not know Echo cannot get such answers, nor observe. See the package
	// comment for requests that have an effect.
	Amplification int

	// Confirm is every how many notifications one is confirmable, by chance
	// a bit earlier or later; 0 is 5, 1 is each, at most 100. The first and, if
	// a day has passed since, any other is so in any case (RFC 7641 section 4.5).
	Confirm int

	// Separate is how long a handler may take before the request is
	// acknowledged, and its answer comes by itself (RFC 7252 section 5.2.2); 0 is
	// a quarter of AckTimeout.
	Separate time.Duration

	// Timeout is how long a handler may take, if its route has no other, before
	// the request is answered 5.03 for it; 0 is 30 s. The worker is lost until
	// the handler returns.
	Timeout time.Duration

	// Transmission is how messages of our own are sent again.
	Transmission Transmission

	// Panic, if it is not nil, is told what a handler has panicked with, on the
	// stack of the panic. The request is answered 5.00.
	Panic func(v any)

	// Access, if it is not nil, is told of each request that was answered: the
	// request, whose bytes are valid during the call, who has sent it, what it was
	// answered and with how many bytes of payload, and how many nanoseconds that
	// took, beginning when the request was read. It is called for refusals too,
	// and for requests that are answered later when their handler has returned,
	// with a code of 0. It may be called on several goroutines at a time.
	Access func(q coap.Message, remote transport.Addr, peer uint64, code coap.Code, n int, took int64)
}

// baseMessage is what a peer of whom nothing is known can take (RFC 7252
// section 4.6).
const baseMessage = 1152

// day is how long a server may be content with non-confirmable notifications
// (RFC 7641 section 4.5).
const day = 24 * time.Hour

func (c *ServerConfig) setDefaults() {
	or(&c.Workers, 4*runtime.GOMAXPROCS(0))
	or(&c.WorkerMemory, 4096)
	or(&c.Queue, 64)
	or(&c.Busy, 5)
	or(&c.MaxMessage, 1232)
	or(&c.Endpoints, 1024)
	or(&c.Exchanges, 4096)
	or(&c.Kept, 1<<20)
	or(&c.InFlight, 256)
	or(&c.Amplification, 3)
	or(&c.Confirm, 5)
	c.Transmission.setDefaults()
	or(&c.Separate, c.Transmission.AckTimeout/4)
	or(&c.Timeout, 30*time.Second)
}

// Validate fails with ErrConfig, and names the field that is out of its bounds,
// or returns nil.
func (c ServerConfig) Validate() error {
	if c.Resources == nil {
		return fmt.Errorf("%w: no Resources", ErrConfig)
	}
	if name := c.Transmission.check(); name != "" {
		return fmt.Errorf("%w: Transmission.%s", ErrConfig, name)
	}
	c.setDefaults()
	for _, f := range []struct {
		name           string
		v, least, most int64
	}{
		{"Workers", int64(c.Workers), 1, 4096},
		{"WorkerMemory", int64(c.WorkerMemory), 0, 1 << 24},
		{"Queue", int64(c.Queue), 1, 1 << 16},
		{"Busy", int64(c.Busy), 0, 1 << 30},
		{"MaxMessage", int64(c.MaxMessage), 64, 65507},
		{"Endpoints", int64(c.Endpoints), 1, 1 << 20},
		{"Exchanges", int64(c.Exchanges), 1, 1 << 15},
		{"Kept", int64(c.Kept), 0, 1 << 30},
		{"InFlight", int64(c.InFlight), 1, 1 << 16},
		{"Amplification", int64(c.Amplification), -1, 1 << 14},
		{"Confirm", int64(c.Confirm), 1, 100},
		{"Separate", int64(c.Separate), 1, int64(time.Minute)},
		{"Timeout", int64(c.Timeout), 1, int64(time.Hour)},
	} {
		if f.v < f.least || f.v > f.most {
			return fmt.Errorf("%w: %s", ErrConfig, f.name)
		}
	}
	return nil
}

// Memory is how many bytes a server of the configuration holds, beside the
// stacks of its goroutines, of which there are Workers and two more, and beside
// what the Router says that it holds.
func (c ServerConfig) Memory() int {
	c.setDefaults()
	n := int(unsafe.Sizeof(Server{})) + c.MaxMessage + smallOptions
	n += c.Endpoints*int(unsafe.Sizeof(endpoint{})) + tableSize(c.Endpoints)*4 + 2*c.Endpoints*8
	n += 2 * (c.Exchanges*int(unsafe.Sizeof(exchange{})) + tableSize(c.Exchanges)*4 + c.Kept)
	n += (c.Queue + c.Workers + 1) * (int(unsafe.Sizeof(job{})) + c.MaxMessage + 1 + 2*int(unsafe.Sizeof(&job{})))
	n += c.InFlight * (int(unsafe.Sizeof(outgoing{})) + min(c.MaxMessage, baseMessage) + 4)
	n += (c.Workers + 1) * (int(unsafe.Sizeof(worker{})) + c.WorkerMemory + c.MaxMessage)
	return n
}
