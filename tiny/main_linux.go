//go:build amd64 || arm64

package main

import "sync/atomic"

const usage = `usage: tiny [-v] [-t SECONDS] [WORKERS [IP [PORT [COAP-PORT]]]]
Serves HTTP, WebSocket at /ws, and CoAP over TCP.
  WORKERS    threads, 1 to 16 (2)
  IP         IPv4 address to listen at (0.0.0.0)
  PORT       of HTTP and WebSocket, 0 for a free one (8000)
  COAP-PORT  of CoAP, 0 for a free one (5683)
  -t         how long a client may take to send a head or to read an answer,
             1 to 3600 (10)
  -v         log what happens to standard error
  -h         this text`

// maxWorkers is the greatest number of threads that serve.
const maxWorkers = 16

// options are what the command line says.
var options = struct {
	log     bool
	workers int
	wait    int64 // milliseconds for a head, or for an answer to be read
	web     address
	coap    address
}{
	workers: 2,
	wait:    10_000,
	web:     address{port: [2]byte{8000 >> 8, 8000 & 0xFF}},
	coap:    address{port: [2]byte{5683 >> 8, 5683 & 0xFF}},
}

// listeners are the descriptors at which clients come, of each worker its own,
// among which the system shares them out.
var listeners [maxWorkers][2]int32

// The listeners, by what their clients speak.
const (
	web = iota
	coapTCP
)

const (
	stdout = 1
	stderr = 2
)

// told is what the main thread says.
var told line

// stopping says that the program is to end, and alarm is a descriptor that wakes
// the workers for it; busy is how many of them have not ended.
var (
	stopping, busy atomic.Uint32
	alarm          int32
)

func main() {
	if !parse() {
		return
	}
	// Descriptors that came closed are not to be those of sockets.
	for alarm <= stderr && alarm >= 0 {
		alarm = int32(call3(sysEventFD, 0, socketFlags, 0))
	}
	if !open(web, &options.web) || hasCoAP && !open(coapTCP, &options.coap) {
		return
	}
	holdSignals()
	busy.Store(uint32(options.workers))
	for i := range options.workers {
		w := &workers[i]
		w.number = i
		if !w.prepare() || !start(w) {
			told.text("tiny: the system has no epoll, or no thread").end(stderr)
			exit(1)
			return
		}
	}
	told.text("tiny: ")
	told.url("http://", &options.web)
	if hasCoAP {
		told.url(" coap+tcp://", &options.coap)
	}
	told.text(" workers ").num(options.workers).end(stdout)
	for !awaitSignal(3600_000) {
	}
	stopping.Store(1)
	setup.one = 1
	call3(sysWrite, uintptr(alarm), pointer(&setup.one), 8)
	for i := range listeners {
		// Those who wait in the backlog are reset.
		for _, fd := range listeners[i] {
			if fd != 0 {
				call3(sysShutdown, uintptr(fd), 2, 0)
			}
		}
	}
	// Twice that time is for those who are in the midst of something, whom the
	// workers end before it is over; a second signal ends the program at once.
	for n := 2 * options.wait / 20; n > 0 && busy.Load() != 0; n-- {
		if awaitSignal(20) {
			break
		}
	}
	exit(0)
}

func exit(status uintptr) { call3(sysExitGroup, status, 0, 0) }

func (l *line) url(scheme string, a *address) {
	l.text(scheme)
	for i, c := range a.ip {
		if i != 0 {
			l.text(".")
		}
		l.num(int(c))
	}
	l.text(":").num(a.number())
}

// open listens for clients who speak one protocol.
func open(kind int, a *address) bool {
	for i := range options.workers {
		fd := listen(a, i == 0)
		if fd >= 0 {
			listeners[i][kind] = int32(fd)
			continue
		}
		told.text("tiny: ")
		told.url("", a)
		if fd == errInUse {
			told.text(" is in use").end(stderr)
		} else {
			told.text(" cannot be listened at, error ").num(-fd).end(stderr)
		}
		exit(2)
		return false
	}
	return true
}

// parse reads the command line, and reports whether the program is to go on.
func parse() bool {
	place := 0
	for i := 1; ; i++ {
		s, more := argument(i)
		if !more {
			return true
		}
		ok := true
		n := 0
		switch {
		case s == "-h":
			write(stdout, usage)
			exit(0)
			return false
		case s == "-v":
			options.log = true
		case s == "-t":
			i++
			s, _ = argument(i)
			n, ok = number(s, 3600)
			ok = ok && n != 0
			options.wait = int64(n) * 1000
		case place == 0:
			place++
			options.workers, ok = number(s, maxWorkers)
			ok = ok && options.workers != 0
		case place == 1:
			place++
			options.web.ip, ok = parseIP(s)
			options.coap.ip = options.web.ip
		case place == 2:
			place++
			ok = options.web.setPort(s)
		case place == 3 && hasCoAP:
			place++
			ok = options.coap.setPort(s)
		default:
			ok = false
		}
		if !ok {
			told.text("tiny: what is ").text(s).text("? tiny -h helps").end(stderr)
			exit(2)
			return false
		}
	}
}

func (a *address) setPort(s string) bool {
	n, ok := number(s, 65535)
	a.port = [2]byte{byte(n >> 8), byte(n)}
	return ok
}

// parseIP reads an IPv4 address.
func parseIP(s string) (ip [4]byte, ok bool) {
	for i := range ip {
		n := 0
		for n < len(s) && s[n] != '.' {
			n++
		}
		v, ok := number(s[:n], 255)
		if !ok || (n < len(s)) != (i < 3) {
			return ip, false
		}
		ip[i] = byte(v)
		s = s[min(n+1, len(s)):]
	}
	return ip, true
}
