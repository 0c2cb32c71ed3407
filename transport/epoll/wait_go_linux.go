//go:build linux && (amd64 || arm64) && !tinygo

package epoll

import (
	"syscall"
	"time"
	"unsafe"

	"github.com/bobtail-go/bobtail/transport"
)

func (l *lane) wait(b *Backend, events []syscall.EpollEvent, deadline int64) (int, error) {
	if deadline == 0 {
		n, e := l.pwaitRaw(events, 0)
		return waited(n, e)
	}
	now := b.Now()
	if l.pace.Due(now) {
		l.pace.Yield(now)
	}
	ms, most := milliseconds(now, deadline), int(l.pace.Begin(now)/1_000_000)
	if ms < 0 || ms > most {
		ms = most
	}
	n, e := l.pwaitRaw(events, ms)
	if n > 0 || e != 0 && e != syscall.EINTR {
		return waited(n, e)
	}
	for {
		if now = b.Now(); now >= deadline {
			return 0, nil
		}
		b.flush() // for lanes whose turns last
		n, _, e := syscall.Syscall6(syscall.SYS_EPOLL_PWAIT, uintptr(l.epfd), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(milliseconds(now, deadline)), 0, 0)
		// A blocking call has given the processor away.
		l.pace.Blocked(b.Now())
		if e != syscall.EINTR {
			return waited(int(n), e)
		}
	}
}

// bed is the lane without streams. Its waits are the runtime's timers and not
// system calls: a call that blocks for a short while, time and again, makes
// the runtime's own monitor take its processor away each time and look every
// 20 microseconds for the next, which cost a tenth of each request.
type bed struct {
	timer *time.Timer
	woken chan struct{}
}

func (d *bed) open(*Backend) error {
	d.woken = make(chan struct{}, 1)
	d.timer = time.NewTimer(time.Hour)
	d.timer.Stop()
	return nil
}

func (d *bed) close() {}

func (d *bed) wait(b *Backend, deadline int64) error {
	if deadline == transport.Forever {
		<-d.woken
		return nil
	}
	left := deadline - b.Now()
	if left <= 0 {
		select {
		case <-d.woken:
		default:
		}
		return nil
	}
	d.timer.Reset(time.Duration(left))
	select {
	case <-d.woken:
		d.timer.Stop()
	case <-d.timer.C:
	}
	return nil
}

func (d *bed) wake() {
	select {
	case d.woken <- struct{}{}:
	default:
	}
}
