package transporttest

import (
	"io"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/bobtail-go/bobtail/transport"
)

// Host is the fixture of a backend that uses the network of the operating
// system. Its peers are made by package net and know nothing of the backend.
func Host(b transport.Backend) Fixture {
	f := Fixture{
		Backend: b,
		Addr:    transport.IPv4(127, 0, 0, 1, 0),
		Dial:    dialHost,
		Listen:  listenHost,
		File:    fileHost,
	}
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		l.Close()
		f.Addr6 = transport.IPv6([16]byte{15: 1}, 0, 0)
	}
	return f
}

// fileHost makes a file without a name.
func fileHost(content []byte) (fd uintptr, file io.Closer, err error) {
	f, err := os.CreateTemp("", "transporttest")
	if err != nil {
		return 0, nil, err
	}
	os.Remove(f.Name())
	if _, err = f.Write(content); err != nil {
		f.Close()
		return 0, nil, err
	}
	return f.Fd(), f, nil
}

func dialHost(to transport.Addr) (Peer, error) {
	c, err := net.DialTimeout("tcp", to.String(), waitLimit)
	if err != nil {
		return nil, err
	}
	return newHostPeer(c), nil
}

func listenHost(at transport.Addr) (PeerListener, error) {
	l, err := net.Listen("tcp", at.String())
	if err != nil {
		return nil, err
	}
	l.(*net.TCPListener).SetDeadline(time.Now().Add(waitLimit))
	return hostListener{l}, nil
}

type hostListener struct{ net.Listener }

func (l hostListener) Addr() transport.Addr { return addrOf(l.Listener.Addr()) }

func (l hostListener) Accept() (Peer, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newHostPeer(c), nil
}

type hostPeer struct{ *net.TCPConn }

func newHostPeer(c net.Conn) hostPeer {
	p := hostPeer{c.(*net.TCPConn)}
	p.SetDeadline(time.Now().Add(waitLimit))
	// Filling a stream is quicker where the kernel does not let its buffers
	// grow to megabytes.
	p.SetReadBuffer(64 << 10)
	return p
}

func (p hostPeer) Local() transport.Addr  { return addrOf(p.LocalAddr()) }
func (p hostPeer) Remote() transport.Addr { return addrOf(p.RemoteAddr()) }

// Reset closes without lingering, which sends an RST.
func (p hostPeer) Reset() error {
	if err := p.SetLinger(0); err != nil {
		return err
	}
	return p.Close()
}

func addrOf(a net.Addr) transport.Addr {
	var ap netip.AddrPort
	if t, ok := a.(*net.TCPAddr); ok {
		ap = t.AddrPort()
	}
	return transport.IPv6(ap.Addr().As16(), ap.Port(), 0)
}
