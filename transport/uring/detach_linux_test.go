//go:build linux && (amd64 || arm64)

package uring_test

import (
	"io"
	"syscall"
	"testing"

	"github.com/bobtail-go/bobtail/transport"
)

// TestDetachWithoutDescriptors gives away a stream with bytes that were received,
// where no descriptor is left for a duplicate: it must not be closed, since the
// engine would close it again, and then perhaps another's.
func TestDetachWithoutDescriptors(t *testing.T) {
	n := newNetwork(t)
	defer n.end()
	p := n.connect()
	io.WriteString(p.peer, "rest")
	n.until(p, transport.Readable)
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	none := was
	none.Cur = uint64(newDescriptor())
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	v, err := n.Detach(p.id)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatalf("Detach = %v", err)
	}
	p.done = true
	c := v.(io.ReadWriteCloser)
	if _, err := c.Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	io.WriteString(p.peer, " and more")
	p.peer.CloseWrite()
	if got, err := io.ReadAll(c); string(got) != "rest and more" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(p.peer); string(got) != "answer" || err != nil {
		t.Errorf("the peer reads %q, %v", got, err)
	}
}
