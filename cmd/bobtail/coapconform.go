package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bobtail-go/bobtail/coap"
)

// conforming is what the flags of coap conform say.
type conforming struct {
	uri      coap.URI
	run      pattern
	skip     pattern
	list     bool
	strict   bool
	verbose  bool
	quiet    bool
	insecure bool
	timeout  time.Duration
	parallel int
}

func conformOptions() (*options, *conforming) {
	c := &conforming{timeout: 2 * time.Second, parallel: 1}
	o := newOptions("coap conform")
	o.group("Which cases")
	o.add(&c.run, "run", "PATTERN", "only those whose name or section fits a regular expression")
	o.add(&c.skip, "skip", "PATTERN", "none of those that fit this one")
	o.add(on{&c.list}, "list", "", "list them, and run none")
	o.group("How")
	o.add(patience{&c.timeout}, "timeout", "TIME", "how long the server may take over each step")
	o.add(count{&c.parallel, ""}, "parallel", "N", "how many cases to run at a time")
	o.add(on{&c.insecure}, "insecure", "", "with coaps+tcp, accept any certificate")
	o.group("What counts, and what is shown")
	o.add(on{&c.strict}, "strict", "", "what is tolerated has failed")
	o.add(on{&c.verbose}, "v", "", "show each byte that is sent and received")
	o.add(on{&c.quiet}, "quiet", "", "show no case that passes")
	return o, c
}

// pattern is a regular expression.
type pattern struct{ re *regexp.Regexp }

func (p *pattern) String() string { return "" }

func (p *pattern) fits(k *conformCase) bool {
	return p.re.MatchString(k.name) || p.re.MatchString(k.section)
}

func (p *pattern) Set(s string) (err error) {
	p.re, err = regexp.Compile(s)
	return err
}

// coapConform runs the cases of RFC 8323 against a server.
func coapConform(args []string) int {
	o, c := conformOptions()
	flags, words := o.split(args)
	wantsHelp, err := o.parse(flags)
	if wantsHelp {
		fmt.Print("usage: bobtail coap conform [flags] URI\n\n" +
			"Checks a server against RFC 8323, CoAP over TCP, case by case. The path of the URI\n" +
			"is what is asked for, /.well-known/core if there is none; any answer to that does.\n\n" +
			"  passed     as the section says\n" +
			"  tolerated  not what a SHOULD or MAY of it wants, or another reading of it\n" +
			"  failed     against a MUST; the status is 1 if there is any\n\n" +
			"  bobtail coap conform coap+tcp://127.0.0.1\n" +
			"  bobtail coap conform -v -run 'Ping|Abort' coap+tcp://192.0.2.1:5683/time\n")
		o.help(os.Stdout)
		return exitOK
	}
	if err != nil {
		return refuse("%v", err)
	}
	cases := c.chosen()
	if len(cases) == 0 {
		return refuse("no case is left by -run and -skip; -list alone lists them")
	}
	if c.list {
		for _, k := range cases {
			fmt.Printf("%-6s %-14s %s\n", k.level, k.section, k.name)
		}
		return exitOK
	}
	if len(words) != 1 {
		return refuse("coap conform takes one URI, and there %s; bobtail coap conform -h tells more", areWords(words))
	}
	if err := c.setURI(words[0]); err != nil {
		return refuse("%v", err)
	}
	// A server that is not there fails no case.
	conn, err := c.dial()
	if err != nil {
		return fail(fmt.Errorf("%s: %w", c.uri, bareDial(err)))
	}
	conn.Close()
	return c.report(os.Stdout, cases)
}

// setURI takes the URI of the server, coap+tcp being understood.
func (c *conforming) setURI(s string) (err error) {
	if !strings.Contains(s, "://") {
		s = "coap+tcp://" + s
	}
	c.uri, err = coap.ParseURI(s)
	switch {
	case err != nil:
		return fmt.Errorf("%s: want a URI such as coap+tcp://host:port/path", visible(s))
	case !c.uri.IsTCP():
		return fmt.Errorf("%s is not over TCP, which the cases are about; try coap+tcp://", s)
	}
	if c.uri.Path == "" || c.uri.Path == "/" {
		c.uri.Path = "/.well-known/core"
	}
	_, err = c.uri.AppendOptions(nil)
	return err
}

// chosen are the cases that -run and -skip leave.
func (c *conforming) chosen() (some []conformCase) {
	for _, k := range conformCases() {
		if (c.run.re == nil || c.run.fits(&k)) && (c.skip.re == nil || !c.skip.fits(&k)) {
			some = append(some, k)
		}
	}
	return some
}

// dial connects to the server.
func (c *conforming) dial() (net.Conn, error) {
	address := string(c.uri.AppendAddress(nil))
	d := &net.Dialer{Timeout: c.timeout}
	if !c.uri.IsSecure() {
		return d.Dial("tcp", address)
	}
	// RFC 8323 section 8.2: the protocol is named.
	return tls.DialWithDialer(d, "tcp", address, &tls.Config{InsecureSkipVerify: c.insecure, NextProtos: []string{"coap"}})
}

// bareDial is what the system says, without what the URI has said.
func bareDial(err error) error {
	if e, ok := err.(*net.OpError); ok {
		return fmt.Errorf("cannot connect: %w", bare(e.Err))
	}
	return err
}

// report runs the cases, shows what comes of each, and is the status to end
// with.
func (c *conforming) report(w io.Writer, cases []conformCase) int {
	var counted [numVerdicts]int
	c.tryAll(cases, func(t *trial) {
		v := t.verdict
		if c.strict && v == tolerated {
			v = failed
		}
		counted[v]++
		if v == passed && c.quiet {
			return
		}
		line := fmt.Sprintf("%-9s  %-6s %-14s %s", v, t.level, t.section, t.name)
		if t.why != "" {
			line += ": " + t.why
		}
		fmt.Fprintln(w, line)
		if c.verbose {
			fmt.Fprint(w, t.trace.String())
		}
	})
	fmt.Fprintf(w, "%s: %d passed, %d tolerated, %d failed\n", plural(uint64(len(cases)), "case"), counted[passed], counted[tolerated], counted[failed])
	if counted[failed] > 0 {
		return exitFailed
	}
	return exitOK
}

// tryAll runs the cases, as many at a time as there may be, and tells of each in
// their order.
func (c *conforming) tryAll(cases []conformCase, tell func(*trial)) {
	var next atomic.Int64
	done := make([]chan *trial, len(cases))
	for i := range done {
		done[i] = make(chan *trial, 1)
	}
	for range min(c.parallel, len(cases)) {
		go func() {
			for i := next.Add(1) - 1; i < int64(len(cases)); i = next.Add(1) - 1 {
				done[i] <- c.try(&cases[i])
			}
		}()
	}
	for _, d := range done {
		tell(<-d)
	}
}

// level is how much a section wants what it wants (RFC 2119).
type level uint8

const (
	may level = iota
	should
	must
)

func (l level) String() string { return [...]string{"MAY", "SHOULD", "MUST"}[l] }

// verdict is what comes of a case.
type verdict uint8

const (
	undecided verdict = iota
	passed
	tolerated
	failed
	numVerdicts
)

func (v verdict) String() string { return [...]string{"undecided", "passed", "tolerated", "failed"}[v] }
