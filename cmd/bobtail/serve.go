package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/static"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/secure"
)

// grace is how long requests under way may take after the first Ctrl-C.
const grace = 5 * time.Second

// noticeAfter is how long the end may take before the user is told why.
const noticeAfter = 200 * time.Millisecond

func serve(args []string) int {
	o, s := serveOptions()
	flags, words := o.split(args)
	wantsHelp, err := o.parse(flags)
	if wantsHelp {
		fmt.Print("usage: bobtail serve [flags] [DIR]\n\n" +
			"Serves a folder over HTTP/1.1 until Ctrl-C, or without one a small site that\n" +
			"shows what can be served. Names that begin with a dot are not served. With -coap,\n" +
			"the site has resources of CoAP too, over TCP and UDP.\n")
		o.help(os.Stdout)
		return exitOK
	}
	if err != nil {
		return refuse("%v", err)
	}
	var folder *static.Dir
	switch {
	case len(words) > 1:
		return refuse("serve takes one folder, and there %s; bobtail serve -h tells more", areWords(words))
	case len(words) == 1:
		s.dir = words[0]
		if folder, err = openFolder(s.dir, !s.noList); err != nil {
			return refuse("%v", err)
		}
		defer folder.Close()
	case s.noList:
		return refuse("-no-list is for a folder, and none is given: bobtail serve -no-list DIR")
	}
	if folder != nil && s.coap != "" {
		return refuse("-coap is for the site, and a folder is given; leave one of them out")
	}
	if s.trust && s.coap == "" {
		return refuse("-coap-trust is for CoAP: give -coap HOST:PORT, too")
	}
	at, err := resolve(s.addr)
	if err != nil {
		return refuse("-addr %s: %v", s.addr, err)
	}
	var coapAt transport.Addr
	if s.coap != "" {
		if coapAt, err = resolve(s.coap); err != nil {
			return refuse("-coap %s: %v", s.coap, err)
		}
	}
	certificate, err := s.certificate(at)
	if err != nil {
		return refuse("%v", err)
	}
	if s.config.Spare == 0 {
		s.config.Spare = -1 // none; 0 would be the default
	}
	for i, name := range admissions {
		if name == s.admit {
			s.config.Admission = bobtail.Admission(i)
		}
	}
	if err := s.config.Validate(); err != nil {
		return refuse("%s", blame(err))
	}
	s.config.Backend, err = openBackend(s.backend, min(runtime.GOMAXPROCS(0), s.config.Workers))
	if err != nil {
		if err == transport.ErrDescriptors {
			return refuse("the process may not open enough descriptors; raise the limit with ulimit -n")
		}
		return refuse("the backend %s cannot be opened: %v", s.backend, err)
	}
	scheme := "http"
	if certificate != nil {
		scheme = "https"
		config := secure.Config{TLS: &tls.Config{Certificates: []tls.Certificate{*certificate}, NextProtos: []string{"http/1.1"}}}
		if s.coap != "" {
			config.TLS.NextProtos = append(config.TLS.NextProtos, "coap") // RFC 8323 section 8.2
		}
		if s.config.Backend, err = secure.New(s.config.Backend, config); err != nil {
			return refuse("%v", err)
		}
	}
	out := io.Writer(os.Stdout)
	if s.quiet {
		out = io.Discard
	}
	lines := s.startLog()
	server, err := bobtail.New(s.config)
	if err != nil {
		return refuse("%s", blame(err))
	}
	var here *site
	if folder != nil {
		err = server.Handle("/", folder.Serve)
	} else if here, err = newSite(server, s.backend); err == nil {
		here.mount()
		if s.coap != "" {
			err = s.newCoAP(here, lines)
		}
	}
	if err != nil {
		server.Close()
		return refuse("%v", err)
	}
	got, err := server.Listen(scheme + "://" + at.String())
	if err != nil {
		server.Close()
		return refuse("-addr: %s", cannotListen(err, at, s.backend))
	}
	if at.IsUnset() {
		got = at.WithPort(got.Port()) // of both families, however the backend calls that
	}
	address := scheme + strings.TrimPrefix(url(got), "http")
	if here != nil {
		if here.coap != nil {
			defer here.coap.close()
			if err := here.coap.listen(server, coapAt, certificate != nil); err != nil {
				server.Close()
				return refuse("-coap: %s", cannotListen(err, coapAt, s.backend))
			}
		}
		here.at(address)
	}
	// Whoever has read the address may send a signal.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if err := server.Start(); err != nil {
		server.Close()
		return refuse("%v", err)
	}
	began := time.Now()
	s.greet(out, server, address, folder, here)
	if s.tlsSelf {
		fmt.Fprintf(out, "the certificate's SHA-256 is %s\n", secure.Fingerprint(*certificate))
	}
	if here != nil {
		here.run()
	}
	status := exitOK
	select {
	case <-signals:
	case err := <-here.failed():
		status = fail(fmt.Errorf("CoAP over UDP cannot be served any longer: %w", err))
	}
	if here != nil {
		here.close()
	}
	status = max(status, shutDown(server, here, signals, out))
	if lines != nil {
		lines.close()
	}
	farewell(out, server.Stats(), here, time.Since(began))
	return status
}

// startLog puts the hooks of the log into the configuration. It returns nil
// if nothing is to be logged.
func (s *settings) startLog() *lineLog {
	if s.log == logNothing {
		return nil
	}
	l := newLineLog(os.Stderr, s.log == logAll)
	s.config.Access, s.config.Log = l.request, l.event
	return l
}

// shutDown ends the server within its grace, or at once after a further
// signal, and returns the status to end with.
func shutDown(server *bobtail.Server, here *site, signals <-chan os.Signal, out io.Writer) int {
	ctx, cancel := context.WithTimeoutCause(context.Background(), grace,
		fmt.Errorf("cut off what was not finished after %v", grace))
	defer cancel()
	over := make(chan struct{})
	go func() {
		defer close(over)
		var beside sync.WaitGroup
		if here != nil && here.coap != nil {
			beside.Go(func() { here.coap.shutdown(ctx) })
		}
		server.Shutdown(ctx)
		beside.Wait()
	}()
	notice := time.After(noticeAfter)
	for finishing := true; finishing; {
		select {
		case <-over:
			finishing = false
		case <-signals:
			fmt.Fprintln(os.Stderr, "bobtail: cut off what was not finished")
			return exitFailed
		case <-notice:
			fmt.Fprintf(out, "\nfinishing %s, %v at most; Ctrl-C again cuts off\n",
				plural(uint64(server.Stats().Open), "connection"), grace)
		}
	}
	if ctx.Err() != nil {
		fmt.Fprintf(os.Stderr, "bobtail: %v\n", context.Cause(ctx))
		return exitFailed
	}
	return exitOK
}

// greet says what is served, and what the server holds in memory.
func (s *settings) greet(out io.Writer, server *bobtail.Server, address string, folder *static.Dir, here *site) {
	lanes := ""
	if n := s.config.Backend.Lanes(); n > 1 {
		lanes = fmt.Sprintf(", %d lanes", n)
	}
	from := ""
	if folder != nil {
		from = " from " + s.dir
	}
	coap := row{name: "CoAP", note: fmt.Sprintf("%d echoes of %s, and UDP", mostEchoes, bytesText(mostEcho))}
	if here != nil && here.coap != nil {
		address = strings.Join(append([]string{address}, here.coap.urls...), " ")
		coap.bytes = here.coap.memory()
	}
	fmt.Fprintf(out, "serving %s%s over %s%s; Ctrl-C ends it\n", address, from, s.backend, lanes)
	m := server.Memory()
	// What one more socket costs: the pool has some bytes that are no socket's.
	more := s.config
	more.Sockets++
	each := more.Memory().Pool.Slots - m.Pool.Slots
	served := row{"site", siteMemory(server), "for uploads and events"}
	if folder != nil {
		served = row{"files", folder.Memory(), "at most, of the folder"}
	}
	table(out, []row{
		{"sockets", m.Pool.Slots, fmt.Sprintf("%d, %d B each", s.config.Sockets, each)},
		{"workers", m.Workers + m.Exchanges, fmt.Sprintf("%d, and %d spare", s.config.Workers, max(s.config.Spare, 0))},
		{"stash", m.Pool.Stash, "for requests that come in pieces"},
		{"output", m.Pool.Output, "for answers that are taken slowly"},
		{"addresses", m.Pool.Addresses, "to count connections of each"},
		{"engine", m.Engine, ""},
		served,
		coap,
		{"memory", m.Total() + served.bytes + coap.bytes, "in all"},
	})
}
