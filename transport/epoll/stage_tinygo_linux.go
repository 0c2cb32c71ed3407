//go:build linux && (amd64 || arm64) && tinygo

package epoll

import (
	"syscall"

	"github.com/bobtail-go/bobtail/transport"
)

// Under TinyGo nothing is staged, and events carry their tags.
type (
	stage   struct{}
	streams struct{}
)

// maxDescriptor is what an int32 can hold.
const maxDescriptor = 1<<31 - 1

func (*streams) open(*Backend) error { return nil }

func (*stage) end() {}

func (b *Backend) flush() {}

func (b *Backend) settle(transport.Stream) error { return nil }

func (b *Backend) enroll(_ transport.Stream, _ int, tag uint64) (data uint64, err error) {
	return tag, nil
}

func (b *Backend) forget(transport.Stream) (settled bool) { return true }

func (*stage) begin() {}

func (*stage) begun() {}

func (*stage) told(_ *Backend, e *syscall.EpollEvent) (tag uint64, ok bool) { return dataOf(e), true }

func (b *Backend) ended(transport.Stream) error { return transport.EOF }

// Send implements transport.Backend.
func (b *Backend) Send(s transport.Stream, bufs [][]byte) (int, error) { return b.send(s, bufs) }
