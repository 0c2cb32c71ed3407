//go:build amd64 || arm64

package main

import (
	"debug/elf"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"github.com/bobtail-go/bobtail/internal/childtest"
)

// The limits of what TinyGo makes of this folder, in bytes.
const (
	mostResident = 512 << 10 // with 100 connections

	// mostGrowth is what 40000 requests may add to it: pages of slots that were
	// not used before, 8 of each of the 4 workers, and less than 16 bytes for
	// each request.
	mostGrowth = 8 * 4 * (inSize + outSize + 1024)
)

// TestSize holds the program to the size that the variable TINY_MOST names, and
// wants it static and without symbols.
func TestSize(t *testing.T) {
	most, err := strconv.ParseInt(os.Getenv("TINY_MOST"), 10, 64)
	if err != nil {
		t.Skip("no limit in TINY_MOST")
	}
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > most {
		t.Errorf("the program has %d bytes, want %d at most", info.Size(), most)
	}
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if symbols, _ := f.Symbols(); len(symbols) != 0 {
		t.Errorf("the program has %d symbols", len(symbols))
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the program has a segment of type %v, and so is not static", p.Type)
		}
	}
}

// TestStressConnections has 100 connections open, each of which was used.
func TestStressConnections(t *testing.T) {
	onWorkers(t, func(t *testing.T, p *program) {
		all := make([]*peer, 100)
		for i := range all {
			switch {
			case i%3 == 0:
				all[i] = p.socket("/ws", masked(0x81, "squid")).want("\x81\x05squid")
			case i%3 == 1 && hasCoAP:
				all[i] = p.dial(p.coap).want("\x00\xe1").send("\x00\xe1\x00\xe2").want("\x00\xe3")
			default:
				all[i] = p.dial(p.web)
				all[i].send(get("/plaintext")).status(200)
			}
		}
		if n := p.count("open"); n != len(all)+1 {
			t.Errorf("%d connections are open, want %d", n, len(all)+1)
		}
		if n := childtest.Resident(t, p.cmd.Process.Pid); byOther != "" && n > mostResident {
			t.Errorf("100 connections make %d bytes resident, want %d at most", n, mostResident)
		} else {
			t.Logf("resident: %d bytes", n)
		}
		for i, c := range all {
			if i%3 == 0 {
				c.send(masked(0x88, "\x03\xe8")).want("\x88\x02\x03\xe8").end()
			}
			c.Close()
		}
		p.await("open", 1)
	})
}

// TestStressRequests looks for memory that requests have taken.
func TestStressRequests(t *testing.T) {
	p := launch(t, 4)
	round := func() {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				c, err := net.Dial("tcp", p.web)
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				const n = 500
				go io.WriteString(c, strings.Repeat(get("/plaintext")+"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n"+strings.Repeat("e", 4000), n)+
					"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
				b, err := io.ReadAll(c)
				if got := strings.Count(string(b), "HTTP/1.1 200 OK"); err != nil || got != 2*n {
					t.Errorf("%d answers, want %d: %v", got, 2*n, err)
				}
			})
		}
		all.Wait()
		p.await("open", 1)
	}
	round()
	before := childtest.Resident(t, p.cmd.Process.Pid)
	for range 5 {
		round()
	}
	if after := childtest.Resident(t, p.cmd.Process.Pid); byOther != "" && after > before+mostGrowth {
		t.Errorf("from %d bytes the program has grown to %d", before, after)
	} else {
		t.Logf("resident: %d bytes, then %d", before, after)
	}
}

// TestStressFull has more clients come than there are descriptors: those who are
// idle give way, and while nobody is, others are left to wait.
func TestStressFull(t *testing.T) {
	p := launch(t, 4)
	const most = 100
	limit := [2]uint64{most, most}
	const number = 7 // RLIMIT_NOFILE
	if _, _, err := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(p.cmd.Process.Pid), number, uintptr(unsafe.Pointer(&limit)), 0, 0, 0); err != 0 {
		t.Skip(err)
	}
	first := p.dial(p.web)
	first.send(get("/plaintext")).status(200)
	for range 3 * most { // all but a few of them are idle
		p.dial(p.web).send(get("/plaintext")).status(200)
	}
	first.end()
	var busy []*peer
	for range 2 * most {
		busy = append(busy, p.dial(p.web).send("GET /plaintext HTTP/1.1\r\n"))
	}
	late := p.dial(p.web).send(get("/plaintext"))
	for _, c := range busy[:most+most/2] {
		c.Close()
	}
	late.status(200)
}

// TestConcurrent has clients of all kinds at once.
func TestConcurrent(t *testing.T) {
	onWorkers(t, func(t *testing.T, p *program) {
		var all sync.WaitGroup
		for i := range 24 {
			all.Go(func() {
				c, err := net.Dial("tcp", p.web)
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				switch i % 3 {
				case 0: // requests, some of which sleep
					for range 50 {
						fmt.Fprint(c, get("/plaintext")+get("/sleep?ms=1"))
						expect(t, c, "Slept.\n")
					}
				case 1: // content
					text := strings.Repeat("0123456789", 2000) + "."
					for range 20 {
						fmt.Fprintf(c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
						expect(t, c, text)
					}
				case 2: // messages
					fmt.Fprint(c, strings.Replace(handshake, "PATH", "/ws", 1)+"\r\n")
					expect(t, c, "\r\n\r\n")
					for range 50 {
						fmt.Fprint(c, masked(0x82, "some arms")+masked(0x89, "many"))
						expect(t, c, "\x82\x09some arms\x8a\x04many")
					}
				}
			})
		}
		all.Wait()
	})
}

// expect reads until what came ends in s.
func expect(t *testing.T, c net.Conn, s string) {
	var b []byte
	piece := make([]byte, 4096)
	for !strings.HasSuffix(string(b), s) {
		n, err := c.Read(piece)
		if err != nil {
			t.Errorf("%.100q, %v came, want %.20q at its end", b, err, s)
			return
		}
		b = append(b, piece[:n]...)
	}
}
