//go:build unix

package netconn_test

import (
	"net"
	"syscall"
	"testing"

	"github.com/bobtail-go/bobtail/internal/netconn"
	"github.com/bobtail-go/bobtail/transport"
)

// TestDescriptor wants a descriptor to be taken: what is given back is another
// of the same socket, and the first is closed.
func TestDescriptor(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	f, err := accepted.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	accepted.Close()
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	c, err := netconn.Of(transport.Descriptor(fd), transport.Addr{}, transport.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.RemoteAddr().String() != peer.LocalAddr().String() {
		t.Errorf("the peer is %v, want %v", c.RemoteAddr(), peer.LocalAddr())
	}
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != syscall.EBADF {
		t.Errorf("the descriptor: %v", err)
	}
	if _, err := netconn.Of(transport.Descriptor(fd), transport.Addr{}, transport.Addr{}); err == nil {
		t.Error("a descriptor that is closed makes a connection")
	}
}
