//go:build linux && (amd64 || arm64) && !tinygo

package epoll

import (
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"github.com/bobtail-go/bobtail/transport"
)

// rawTime is how long, in nanoseconds, a lane may hold the processor before
// it yields to other goroutines, and how long a raw wait may last: longer
// delays what else the program does and every collection of garbage, shorter
// falls back too often on the blocking call, which costs a fifth of a request.
const rawTime = 1_000_000

// livelyTime is how long, in nanoseconds, the raw wait of a lane may last that has
// begun to wait within the last rawTime, and so will hardly have to wait for that
// long. It is longer than a tick of the kernel: a timer that is the processor's first is
// written into its clock each time a wait begins and ends, which on a virtual machine
// costs more than the rest of the wait.
const livelyTime = 5_000_000

func (l *lane) wait(b *Backend, events []syscall.EpollEvent, deadline int64) (int, error) {
	if deadline == 0 {
		n, e := l.pwaitRaw(events, 0)
		return waited(n, e)
	}
	now := b.Now()
	if now-l.yield > rawTime {
		runtime.Gosched()
		l.yield = now
	}
	most := rawTime / 1_000_000
	if now-l.last < rawTime {
		most = livelyTime / 1_000_000
	}
	l.last = now
	ms := milliseconds(now, deadline)
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
		n, _, e := syscall.Syscall6(syscall.SYS_EPOLL_PWAIT, uintptr(l.epfd), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(milliseconds(now, deadline)), 0, 0)
		// A blocking call has given the processor away.
		l.yield = b.Now()
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
