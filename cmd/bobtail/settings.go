package main

import (
	"errors"
	"runtime"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/http1"
)

// settings are what the flags of serve say.
type settings struct {
	dir     string // the folder to serve, "" for the site
	noList  bool   // of what is in a folder
	tlsSelf bool
	tlsCert string
	tlsKey  string
	addr    string
	coap    string // where CoAP is served, "" for nowhere
	trust   bool   // over UDP, to whoever a datagram says that it is from
	backend string
	admit   string
	config  bobtail.Config
	log     logLevel
	quiet   bool
}

// admissions are the policies in the order of their numbers.
var admissions = []string{"evict", "wait", "refuse"}

// serveOptions are the flags of serve, and what they set. The defaults are
// those of bobtail.Config, written down here so that help and the list of
// what the server holds show them.
func serveOptions() (*options, *settings) {
	s := &settings{
		addr:    "127.0.0.1:8080",
		backend: backendNames()[0],
		admit:   admissions[0],
		config: bobtail.Config{
			Sockets:      1024,
			Workers:      4 * runtime.GOMAXPROCS(0),
			Spare:        2,
			WorkerMemory: 16384,
			Limits: http1.Limits{
				Head:   http1.DefaultHead,
				Fields: http1.DefaultFieldCount,
				Target: http1.DefaultTarget,
			},
			Timeouts: bobtail.Timeouts{
				Open:    30 * time.Second,
				Head:    30 * time.Second,
				Idle:    75 * time.Second,
				Body:    30 * time.Second,
				Write:   30 * time.Second,
				Handler: 60 * time.Second,
				Held:    30 * time.Second,
				Drain:   5 * time.Second,
				Rate:    512,
			},
		},
	}
	c, l, t := &s.config, &s.config.Limits, &s.config.Timeouts
	o := newOptions("serve")
	o.group("Network")
	o.add(text{&s.addr}, "addr", "HOST:PORT", "where to serve; :PORT is all addresses, port 0 a free one")
	o.add(text{&s.coap}, "coap", "HOST:PORT", "serve CoAP there, too, over TCP and UDP; its port is 5683. With\na certificate also over TLS, at the next port")
	o.add(on{&s.trust}, "coap-trust", "", "over UDP, send long answers and notifications also to peers that\nhave not shown who they are; for clients that do not know the\noption Echo, in networks where nobody forges addresses")
	o.add(choice{&s.backend, backendNames()}, "backend", choices(backendNames()), "the network")
	o.add(on{&s.tlsSelf}, "tls-self", "", "serve https with a certificate made for trying, which no\nclient trusts by itself")
	o.add(text{&s.tlsCert}, "tls-cert", "FILE", "serve https with this certificate (PEM)")
	o.add(text{&s.tlsKey}, "tls-key", "FILE", "its private key (PEM)")
	o.group("Folder")
	o.add(on{&s.noList}, "no-list", "", "answer 404 for folders without index.html, instead of a list")
	o.group("Size")
	o.add(count{n: &c.Sockets}, "sockets", "N", "connections at once")
	o.add(count{n: &c.Workers}, "workers", "N", "requests worked on at once")
	o.add(count{&c.Spare, "none"}, "spare", "N", "workers in place of those whose handlers do not return")
	o.add(size[int]{n: &c.WorkerMemory}, "worker-memory", "BYTES", "memory of each worker, such as 4096, 16k or 1m")
	o.add(count{n: &c.Stash}, "stash", "N", "slow senders whose half requests are kept; an eighth of the sockets, 8 to 512")
	o.add(choice{&s.admit, admissions}, "admission", choices(admissions), "when all sockets are taken, close the one idle longest, let\nclients wait outside, or answer 503")
	o.add(count{&c.PerAddress, "no limit"}, "per-address", "N", "connections of one peer address")
	o.group("Limits of a request")
	o.add(size[int]{n: &l.Head}, "max-head", "BYTES", "its head")
	o.add(count{n: &l.Fields}, "max-fields", "N", "fields of its head")
	o.add(size[int]{n: &l.Target}, "max-target", "BYTES", "its target")
	o.add(size[uint64]{&l.Body, "no limit"}, "max-body", "BYTES", "its content")
	o.group("Timeouts")
	o.add(patience{&t.Open}, "timeout-open", "TIME", "from connecting to the first byte")
	o.add(patience{&t.Head}, "timeout-head", "TIME", "from a head's first byte to its last")
	o.add(patience{&t.Idle}, "timeout-idle", "TIME", "between requests")
	o.add(patience{&t.Body}, "timeout-body", "TIME", "without progress in content that is received")
	o.add(patience{&t.Write}, "timeout-write", "TIME", "without progress in an answer that is sent")
	o.add(size[int]{n: &t.Rate}, "min-rate", "BYTES", "that count as a second's progress in these two")
	o.add(patience{&t.Handler}, "timeout-handler", "TIME", "for a handler to return")
	o.add(patience{&t.Held}, "timeout-held", "TIME", "for long content to find a worker that may wait")
	o.add(patience{&t.Drain}, "timeout-drain", "TIME", "for the peer to close, after our last byte")
	o.group("Output")
	o.add(&s.log, "log", "", "a line a request on standard error; -log=all for connections too")
	o.add(on{&s.quiet}, "quiet", "", "print nothing else unless something fails")
	return o, s
}

// choices are the words of a flag, for its help.
func choices(words []string) string {
	s := words[0]
	for _, w := range words[1:] {
		s += "|" + w
	}
	return s
}

// flagOf is the flag that sets a field of the configuration.
var flagOf = map[string]string{
	"Sockets":          "sockets",
	"Workers":          "workers",
	"Spare":            "spare",
	"WorkerMemory":     "worker-memory",
	"Stash":            "stash",
	"PerAddress":       "per-address",
	"Limits.Head":      "max-head",
	"Limits.Fields":    "max-fields",
	"Limits.Target":    "max-target",
	"Limits.Body":      "max-body",
	"Timeouts.Open":    "timeout-open",
	"Timeouts.Head":    "timeout-head",
	"Timeouts.Idle":    "timeout-idle",
	"Timeouts.Body":    "timeout-body",
	"Timeouts.Write":   "timeout-write",
	"Timeouts.Handler": "timeout-handler",
	"Timeouts.Held":    "timeout-held",
	"Timeouts.Drain":   "timeout-drain",
	"Timeouts.Rate":    "min-rate",
}

// blame says which flag is at fault for an error of the configuration.
func blame(err error) string {
	var field *bobtail.ConfigError
	if errors.As(err, &field) {
		name := flagOf[field.Field]
		if name == "" {
			return err.Error()
		}
		return "-" + name + " must be " + field.Rule
	}
	return err.Error()
}
