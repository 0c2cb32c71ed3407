//go:build linux && (amd64 || arm64) && !tinygo

package epoll

import (
	"runtime"
	"syscall"
	"unsafe"

	"github.com/bobtail-go/bobtail/transport"
)

// rawTime is how long, in nanoseconds, a lane may hold the processor before
// it yields to other goroutines, and how long a raw wait may last: longer
// delays what else the program does and every collection of garbage, shorter
// falls back too often on the blocking call, which costs a fifth of a request.
const rawTime = 1_000_000

func (l *lane) wait(b *Backend, events []syscall.EpollEvent, deadline int64, idle bool) (int, error) {
	if deadline == 0 {
		n, e := l.pwaitRaw(events, 0)
		return waited(n, e)
	}
	now := b.Now()
	if !idle {
		if now-l.yield > rawTime {
			runtime.Gosched()
			l.yield = now
		}
		n, e := l.pwaitRaw(events, int(min(uint(milliseconds(now, deadline)), rawTime/1_000_000)))
		if n > 0 || e != 0 && e != syscall.EINTR {
			return waited(n, e)
		}
	}
	for {
		if now = b.Now(); now >= deadline && deadline != transport.Forever {
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
