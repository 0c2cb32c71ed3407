// Package pace says when a thread whose waits the runtime's scheduler does not see,
// since they are raw system calls, gives its processor to other goroutines, and how
// long such a wait may last.
package pace

import "runtime"

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

// Pace is of one lane, whose waits follow one another. Its zero value is that of
// one that has never waited. Times are in nanoseconds, of one clock.
type Pace struct {
	yielded int64 // when the lane last gave the processor away
	began   int64 // when it last began to wait
}

// Due reports whether the lane is to Yield before it waits.
func (p *Pace) Due(now int64) bool { return now-p.yielded > rawTime }

// Yield lets other goroutines run.
func (p *Pace) Yield(now int64) {
	runtime.Gosched()
	p.yielded = now
}

// Blocked says that a wait that the scheduler has seen is over: the processor was
// given away.
func (p *Pace) Blocked(now int64) { p.yielded = now }

// Begin begins a wait, and returns how long it may be raw.
func (p *Pace) Begin(now int64) (most int64) {
	most = rawTime
	if now-p.began < rawTime {
		most = livelyTime
	}
	p.began = now
	return most
}
