//go:build !race && (amd64 || arm64)

package secure_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/internal/childtest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/secure"
)

// parkedClients is how many connections are measured.
const parkedClients = 1000

// park is the other process of TestParkedMemory: clients of the address that
// it reads, who ask once and then stay.
func park() error {
	in := bufio.NewReader(os.Stdin)
	addr, err := in.ReadString('\n')
	if err != nil {
		return err
	}
	for range parkedClients {
		c, err := tls.Dial("tcp", strings.TrimSpace(addr), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			return err
		}
		defer c.Close()
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != 200 {
			return fmt.Errorf("%v, %v", resp, err)
		}
	}
	fmt.Println("parked")
	io.Copy(io.Discard, in) // until the measuring is done
	return nil
}

// inUse is what the heap and the stacks hold.
func inUse() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

func TestParkedMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	clients := childtest.Start(t, park)
	s := serve(t, func() (transport.Backend, error) { return bobtail.OpenBackend(2) }, bobtail.Config{Sockets: 2 * parkedClients}, secure.Config{})
	s.get(s.client(clientConfig()), "/")
	before := inUse()
	fmt.Fprintln(clients.In, s.addr)
	if line := clients.Line(); line != "parked" {
		t.Fatalf("the clients say %q", line)
	}
	each := (inUse() - before) / parkedClients
	clients.In.Close()
	clients.Wait()
	t.Logf("%d bytes a parked connection", each)
	if runtime.GOOS == "linux" && each > secure.ParkedMemory {
		t.Errorf("a parked connection holds %d bytes, and ParkedMemory says %d", each, secure.ParkedMemory)
	}
}

// TestShakingMemory has clients who stop after their first flight.
func TestShakingMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	const clients = 300
	first := hello(t)
	s := serve(t, func() (transport.Backend, error) { return bobtail.OpenBackend(2) }, bobtail.Config{}, secure.Config{Handshakes: clients})
	s.get(s.client(clientConfig()), "/")
	before := inUse()
	for range clients {
		s.dial().Write(first)
	}
	until(t, "handshakes are under way", func() bool { return s.b.Stats().Shaking == clients })
	each := (inUse() - before) / clients
	t.Logf("%d bytes a handshake, the client's net.Conn included", each)
	if most := secure.ParkedMemory + secure.ShakingMemory; runtime.GOOS == "linux" && each > most {
		t.Errorf("a handshake holds %d bytes, and ParkedMemory and ShakingMemory say %d", each, most)
	}
	for _, end := range s.ends {
		end()
	}
}
