//go:build linux && (amd64 || arm64)

package epoll

import (
	"syscall"
	"testing"

	"github.com/bobtail-go/bobtail/transport"
)

// TestLateEvent is of a stream that was closed after the kernel had told of it, and
// whose descriptor another stream has by then.
func TestLateEvent(t *testing.T) {
	b, err := New(Config{Lanes: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	const s transport.Stream = 1000
	told := func(lane int, data uint64) (tag uint64, ok bool) {
		b.lanes[lane].stage.begin()
		defer b.lanes[lane].stage.begun()
		return b.lanes[lane].stage.told(b, &syscall.EpollEvent{Fd: int32(uint32(data)), Pad: int32(uint32(data >> 32))})
	}
	enroll := func(lane int, tag uint64) (data uint64) {
		data, err := b.enroll(s, lane, tag)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	first := enroll(0, 11)
	if tag, ok := told(0, first); tag != 11 || !ok {
		t.Errorf("an event in time: %d, %v", tag, ok)
	}
	b.forget(s)
	if _, ok := told(0, first); ok {
		t.Error("it is told of a stream that is closed")
	}
	for lane := range 2 {
		second := enroll(lane, 12)
		if _, ok := told(0, first); ok {
			t.Errorf("it is told of the descriptor's next stream, on lane %d", lane)
		}
		if tag, ok := told(lane, second); tag != 12 || !ok {
			t.Errorf("an event of that on lane %d: %d, %v", lane, tag, ok)
		}
		b.forget(s)
	}
}
