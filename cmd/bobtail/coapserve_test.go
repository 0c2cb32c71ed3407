package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/resource"
)

func TestCoAPGreeting(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := startCoAP(t, "-backend", backend)
		if !regexp.MustCompile(`^serving http://127\.0\.0\.1:\d+/ coap\+tcp://127\.0\.0\.1:(\d+)/ coap://127\.0\.0\.1:\d+/ over ` + backend + `\b`).MatchString(p.greets) {
			t.Errorf("the first line is %q", p.greets)
		}
		if tcp, udp := strings.TrimPrefix(p.tcp, "coap+tcp"), strings.TrimPrefix(p.udp, "coap"); tcp != udp {
			t.Errorf("TCP is at %s, and UDP at %s", tcp, udp)
		}
		for range 2 {
			runCoAP(t, "", "get", p.tcp+"hello")
		}
		runCoAP(t, "", "get", p.tcp+"nothing")
		runCoAP(t, "", "get", p.udp+"hello")
		got := p.stop()
		for _, want := range []string{`\n  CoAP +\d`, `\n  coap\+tcp +3  2 2\.xx, 1 4\.xx\n`, `\n  coap +1\n`} {
			if got.status != 0 || !regexp.MustCompile(want).MatchString(got.stdout) {
				t.Errorf("%q is not in %+v", want, got)
			}
		}
	})
}

// TestCoAPAddresses serves at addresses of other forms.
func TestCoAPAddresses(t *testing.T) {
	for _, at := range []string{"localhost:0", ":0", "[::1]:0"} {
		t.Run(at, func(t *testing.T) {
			if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
				t.Skip(err)
			} else {
				l.Close()
			}
			p := startCoAP(t, "-coap", at)
			for _, u := range []string{p.tcp, p.udp} {
				if got := runCoAP(t, "", "get", u+"hello"); got.stdout != hello {
					t.Errorf("get %shello = %+v", u, got)
				}
			}
		})
	}
}

// TestCoAPTrust asks by a datagram that knows nothing of Echo.
func TestCoAPTrust(t *testing.T) {
	for _, test := range []struct {
		args []string
		want coap.Code
	}{{nil, coap.CodeUnauthorized}, {[]string{"-coap-trust"}, coap.CodeContent}} {
		p := startCoAP(t, test.args...)
		u, err := neturl.Parse(p.udp)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("udp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(time.Minute))
		ask := coap.Message{Code: coap.CodeGET, Options: coap.AppendOption(nil, 0, coap.OptURIPath, []byte("large"))}
		if _, err := c.Write(coap.AppendUDP(nil, coap.Datagram{Message: ask, ID: 7})); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 2048)
		n, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		if d, err := coap.ParseUDP(b[:n]); err != nil || d.Code != test.want {
			t.Errorf("%v: the answer is %v, %v, want %v", test.args, d.Code, err, test.want)
		}
	}
	if got := runToEnd(t, "serve", "-coap-trust"); got.status != 2 || !strings.Contains(got.stderr, "give -coap HOST:PORT") {
		t.Errorf("without -coap: %+v", got)
	}
}

func TestCoAPBusyPort(t *testing.T) {
	p := startCoAP(t)
	u, err := neturl.Parse(p.tcp)
	if err != nil {
		t.Fatal(err)
	}
	for _, backend := range backendNames() {
		got := runToEnd(t, "serve", "-addr", "127.0.0.1:0", "-backend", backend, "-coap", u.Host)
		if got.status != 2 || got.stdout != "" || !strings.Contains(got.stderr, "-coap: "+u.Host+" is in use") || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("a second one = %+v, want status 2 and one line", got)
		}
	}
	// Of a port that is free for UDP only, too.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got := runToEnd(t, "serve", "-addr", "127.0.0.1:0", "-coap", l.Addr().String()); got.status != 2 || !strings.Contains(got.stderr, "is in use") {
		t.Errorf("at a busy port of TCP = %+v", got)
	}
}

func TestCoAPOverTLS(t *testing.T) {
	p := start(t, "-coap", "127.0.0.1:0", "-tls-self")
	m := regexp.MustCompile(` (coaps\+tcp://\S+/)`).FindStringSubmatch(p.greets)
	if m == nil {
		t.Fatalf("it greets with %q", p.greets)
	}
	if got := runCoAP(t, "", "get", "-insecure", m[1]+"hello"); got.status != 0 || got.stdout != hello {
		t.Errorf("get = %+v", got)
	}
	if got := runCoAP(t, "", "get", m[1]+"hello"); got.status != 1 || !strings.Contains(got.stderr, "certificate is not accepted") || !strings.Contains(got.stderr, "-insecure accepts any") {
		t.Errorf("with a certificate that nobody knows = %+v", got)
	}
}

// TestCoAPStats wants what CoAP does counted where HTTP is.
func TestCoAPStats(t *testing.T) {
	p := startCoAP(t)
	for range 3 {
		runCoAP(t, "", "get", p.tcp+"hello")
	}
	runCoAP(t, "", "get", p.tcp+"nothing")
	runCoAP(t, "", "get", p.udp+"hello")
	c := client(t)
	var stats struct {
		CoAP struct {
			TCP struct {
				Requests map[string]int
				Opened   int
			}
			UDP struct{ Requests, Endpoints int }
		}
	}
	text := want(t, c, "GET", p.url+"stats", 200, "application/json", "*")
	if err := json.Unmarshal([]byte(text), &stats); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if k := &stats.CoAP; k.TCP.Requests["2.xx"] != 3 || k.TCP.Requests["4.xx"] != 1 || k.TCP.Requests["total"] != 4 || k.TCP.Opened != 4 || k.UDP.Requests != 1 || k.UDP.Endpoints != 1 {
		t.Errorf("/stats is %s", text)
	}
	text = want(t, c, "GET", p.url+"metrics", 200, "*", "*")
	for _, line := range []string{`bobtail_coap_tcp_requests_total{class="2.xx"} 3`, `bobtail_coap_tcp_requests_total{class="4.xx"} 1`, `bobtail_coap_udp_requests_total 1`, `bobtail_sockets 1024`} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("/metrics has no %s:\n%s", line, text)
		}
	}
}

// connect opens a connection to a server of CoAP over TCP, which ends with the
// test, and exchanges CSMs.
func connect(t *testing.T, uri string) net.Conn {
	t.Helper()
	u, err := neturl.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialTimeout("tcp", u.Host, patient)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(patient))
	t.Cleanup(func() { conn.Close() })
	if _, err := conn.Write(coap.AppendCSM(nil, coap.Settings{})); err != nil {
		t.Fatal(err)
	}
	if m := next(t, conn); m.Code != coap.CodeCSM {
		t.Fatalf("the first message is %v", m)
	}
	return conn
}

// next reads a message, and nothing behind it.
func next(t *testing.T, conn net.Conn) coap.Message {
	t.Helper()
	var b []byte
	for {
		m, n, err := coap.ParseTCP(b)
		if err != nil {
			t.Fatalf("%v in %x", err, b)
		}
		if n > 0 {
			return m
		}
		var one [1]byte
		if _, err := io.ReadFull(conn, one[:]); err != nil {
			t.Fatalf("after %x: %v", b, err)
		}
		b = append(b, one[0])
	}
}

// TestCoAPLive wants the page to show connections that speak CoAP.
func TestCoAPLive(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := startCoAP(t, "-backend", backend, "-sockets", "20")
		for range 3 {
			connect(t, p.tcp)
		}
		c := dialWS(t, p.program, "ws/live")
		for overdue := time.Now().Add(patient); ; {
			all := cells(t, hear(t, c).Sockets)
			if strings.Count(all, "c") == 3 {
				break
			}
			if time.Now().After(overdue) {
				t.Fatalf("the sockets stay at %q", all)
			}
		}
	})
}

func TestCoAPLog(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := startCoAP(t, "-backend", backend, "-log")
		for _, u := range []string{p.tcp, p.udp} {
			runCoAP(t, "", "get", u+"hello?a=b&c=%20")
			runCoAP(t, "", "post", "-payload", "squid", u+"echo")
			runCoAP(t, "", "get", u+"no/thing")
			runCoAP(t, "", "get", u)
			runCoAP(t, "", "get", u+"sleep?ms=1")
		}
		conn := connect(t, p.tcp)
		conn.Write([]byte{0x0f, 1}) // the token's length is reserved
		if m := next(t, conn); m.Code != coap.CodeAbort {
			t.Errorf("what is malformed is answered %v", m)
		}
		conn.Close()
		conn = dial(t, p.program)
		conn.Write([]byte{0x16, 3, 1}) // which is no HTTP, as what came before was no CoAP
		head(t, conn)
		conn.Close()
		got := p.stop()
		const when, from, took = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\S* `, `127\.0\.0\.1:\d+ `, ` \d+\.\d{3}ms\n`
		pattern := `^`
		for _, scheme := range []string{`coap\+tcp:`, `coap:`} {
			challenge := "" // of an address that is not known yet, to which the answer would be long
			if scheme == `coap:` {
				challenge = when + from + `GET coap:/ 4\.01 0` + took
			}
			pattern += when + from + `GET ` + scheme + `/hello\?a=b&c=\\x20 2\.05 13` + took +
				when + from + `POST ` + scheme + `/echo 2\.04 5` + took +
				when + from + `GET ` + scheme + `/no/thing 4\.04 \d+` + took +
				challenge + when + from + `GET ` + scheme + `/ 2\.05 62` + took +
				when + from + `GET ` + scheme + `/sleep\?ms=1 later 0` + took
		}
		pattern += when + `#\d+\.\d+ bad input: coap: reserved token length, aborted, worker \d+\n` +
			when + `#\d+\.\d+ bad input: http1: .*, answered 400, worker \d+\n$`
		if !regexp.MustCompile(pattern).MatchString(got.stderr) {
			t.Errorf("-log says\n%s", got.stderr)
		}
	})
}

func TestAppendTarget(t *testing.T) {
	path := func(o coap.Options, all ...string) coap.Options {
		for _, s := range all {
			o = coap.InsertOption(o, coap.OptURIPath, []byte(s))
		}
		return o
	}
	query := func(o coap.Options, all ...string) coap.Options {
		for _, s := range all {
			o = coap.InsertOption(o, coap.OptURIQuery, []byte(s))
		}
		return o
	}
	for _, v := range []struct {
		name string
		o    coap.Options
		n    int
		want string
	}{
		{"nothing", nil, 99, "/"},
		{"a path", path(nil, "a", "b"), 99, "/a/b"},
		{"a query without a path", query(nil, "a"), 99, "/?a"},
		{"both", query(path(nil, "a"), "b=c", "d"), 99, "/a?b=c&d"},
		{"an empty segment", path(nil, "a", ""), 99, "/a/"},
		{"what a terminal would obey", path(nil, "\x1b[2J"), 99, `/\x1b[2J`},
		{"too long in a segment", path(nil, "abcdef", "g"), 4, "/abc..."},
		{"too long behind a segment", path(nil, "abc", "d"), 4, "/abc..."},
		{"just not too long", path(nil, "abc"), 4, "/abc"},
		{"options between", query(coap.InsertOption(path(nil, "a"), coap.OptAccept, []byte{50}), "b"), 99, "/a?b"},
	} {
		if got := string(appendTarget(nil, v.o, v.n)); got != v.want {
			t.Errorf("%s: %q, want %q", v.name, got, v.want)
		}
	}
}

// TestCoAPIsFinished ends the program while answers are to come and somebody
// observes.
func TestCoAPIsFinished(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := startCoAP(t, "-backend", backend)
		type run struct {
			cmd       *exec.Cmd
			out, errs bytes.Buffer
		}
		begin := func(args ...string) *run {
			r := &run{cmd: exec.Command(binary, append([]string{"coap"}, args...)...)}
			r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.errs
			if err := r.cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { r.cmd.Process.Kill(); r.cmd.Wait() })
			return r
		}
		file := filepath.Join(t.TempDir(), "time")
		observe := []*run{begin("observe", "-o", file, p.tcp+"time"), begin("observe", "-o", file+"2", p.udp+"time")}
		late := []*run{begin("get", "-timeout", "8s", p.tcp+"sleep?ms=1500"), begin("get", "-timeout", "8s", p.udp+"sleep?ms=1500")}
		c := client(t)
		for overdue := time.Now().Add(patient); ; {
			var stats struct {
				CoAP struct{ Observations, Later int }
			}
			text := want(t, c, "GET", p.url+"stats", 200, "*", "*")
			if err := json.Unmarshal([]byte(text), &stats); err != nil {
				t.Fatal(err)
			}
			if stats.CoAP.Later == 2 && stats.CoAP.Observations == 2 {
				break
			}
			if time.Now().After(overdue) {
				t.Fatalf("the statistics stay at %s", text)
			}
		}
		p.signal(os.Interrupt)
		for _, r := range late {
			if err := r.cmd.Wait(); err != nil || r.out.String() != "Slept." {
				t.Errorf("%v answers %q, %q, %v, want what was to come", r.cmd.Args[2:], r.out.String(), r.errs.String(), err)
			}
		}
		for _, r := range observe {
			if err := r.cmd.Wait(); err == nil || !strings.HasSuffix(r.errs.String(), "/time answers 5.03 Service Unavailable; try again in 5 seconds\n") {
				t.Errorf("who observed is told %q, %v", r.errs.String(), err)
			}
		}
		if got := p.end(); got.status != 0 || got.stderr != "" {
			t.Errorf("the end = %+v, want status 0", got)
		}
	})
}

// TestResourcesAllocateNothing serves each resource often.
func TestResourcesAllocateNothing(t *testing.T) {
	if raceFlag == "-race" {
		t.Skip("the race detector allocates")
	}
	server, err := bobtail.New(bobtail.Config{Sockets: 8})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	here, err := newSite(server, "test")
	if err != nil {
		t.Fatal(err)
	}
	r, err := newResources(here)
	if err != nil {
		t.Fatal(err)
	}
	x := resource.NewExchange(&r.router, 0, make([]byte, 4096))
	dst := make([]byte, 0, 4096)
	for _, v := range []struct {
		method  coap.Code
		path    string
		payload string
		want    coap.Code
	}{
		{coap.CodeGET, "/", "", coap.CodeContent},
		{coap.CodeGET, "/hello", "", coap.CodeContent},
		{coap.CodeGET, "/hello/squid", "", coap.CodeContent},
		{coap.CodeGET, "/time", "", coap.CodeContent},
		{coap.CodeGET, "/large", "", coap.CodeContent},
		{coap.CodeGET, "/stats", "", coap.CodeContent},
		{coap.CodeGET, "/nothing", "", coap.CodeNotFound},
		{coap.CodeGET, "/.well-known/core", "", coap.CodeContent},
		{coap.CodePOST, "/echo", "squid", coap.CodeChanged},
		{coap.CodePOST, "/sum", "squid", coap.CodeChanged},
	} {
		options, err := coap.AppendPathOptions(nil, 0, coap.OptURIPath, v.path)
		if err != nil {
			t.Fatal(err)
		}
		m := coap.Message{Code: v.method, Options: options, Payload: []byte(v.payload)}
		terms := resource.Terms{Reliable: true, SZX: 6, Peer: 1}
		alloctest.Zero(t, v.path, func() {
			if a := x.Serve(m, &terms, dst); a.Code != v.want {
				t.Fatalf("%s is answered %v %q", v.path, a.Code, a.Body)
			}
		})
	}
}
