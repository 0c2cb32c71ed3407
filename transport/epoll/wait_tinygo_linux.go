//go:build linux && (amd64 || arm64) && tinygo

package epoll

import (
	"syscall"

	"github.com/bobtail-go/bobtail/transport"
)

// wait blocks the thread, which is all that a goroutine is here.
func (l *lane) wait(b *Backend, events []syscall.EpollEvent, deadline int64) (int, error) {
	for {
		now := int64(0)
		if deadline != 0 && deadline != transport.Forever {
			now = b.Now()
		}
		n, e := l.pwaitRaw(events, milliseconds(now, deadline))
		if e == syscall.EINTR && deadline != 0 {
			continue
		}
		return waited(n, e)
	}
}

// bed is the lane without streams.
type bed struct{ lane }

func (d *bed) wait(b *Backend, deadline int64) error {
	n, err := d.lane.wait(b, d.events[:1], deadline)
	if n > 0 {
		d.woken.Store(false)
	}
	return err
}
