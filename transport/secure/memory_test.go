//go:build !race && (amd64 || arm64)

package secure_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/secure"
)

const clientsEnv = "BOBTAIL_TEST_TLS_CLIENTS"

// parkedClients is how many connections are measured.
const parkedClients = 1000

// TestParkedClients is the other process of TestParkedMemory: clients who ask
// once, or send but their first flight, and then stay.
func TestParkedClients(t *testing.T) {
	addr := os.Getenv(clientsEnv)
	if addr == "" {
		t.Skip("for TestParkedMemory")
	}
	for range parkedClients {
		c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
	}
	os.Stdout.WriteString("parked\n")
	io.Copy(io.Discard, os.Stdin) // until the measuring is done
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
	s := serve(t, func() (transport.Backend, error) { return bobtail.OpenBackend(2) }, bobtail.Config{Sockets: 2 * parkedClients}, secure.Config{})
	s.get(s.client(clientConfig()), "/")
	before := inUse()
	cmd := exec.Command(os.Args[0], "-test.run=^TestParkedClients$")
	cmd.Env = append(os.Environ(), clientsEnv+"="+s.addr)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "parked\n" {
		t.Fatalf("the clients say %q, %v", line, err)
	}
	each := (inUse() - before) / parkedClients
	in.Close()
	cmd.Wait()
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
