// Package uring is a backend of Linux over io_uring (5.19 and later): raw
// system calls, no goroutine. What a request costs elsewhere, a wait, a receive
// and a send, is here one call for all the requests of a turn.
//
// Each lane has a ring. A stream that is empty has a receive in it, for one
// buffer of those that all streams of the lane share; when bytes come the
// kernel takes a buffer and fills it, so that a parked stream holds none. A stream
// that has had more at a time than a buffer has room for is polled instead, and
// received from by a system call, until it has less. What
// is sent in the turn in which the bytes were told is copied, and submitted with
// the receives of that turn when the lane waits again. All else, which is what is
// long, what others send, listeners and files, is done by plain system calls,
// those of package epoll: streams are descriptors here too.
//
// # Bounds
//
// A stream has at most one receive under way, for one buffer: who is not read
// from holds no more than that, and the kernel does the rest. If all buffers are
// taken the receive fails, the stream is told readable, and is received from by a
// system call; where that lasts, the kernel is given more buffers, up to 1024 a
// lane. In the same way a send that finds no buffer free, or that is too
// long for one, is a system call. So no number of peers takes more than 2.4 MB a
// lane, and the slower way is that of package epoll.
//
// A parked stream costs 24 bytes here, and its receive some 860 bytes of the
// kernel's (Linux 6.18), where its place in an epoll instance is some 200.
//
// A stream that is closed while something is being sent, to a peer who does not
// read, keeps its descriptor until that has left, or the peer has taken nothing
// for 20 seconds; at most 192 of a lane do.
//
// # Threads
//
// The ring is not bound to a thread, since any goroutine may lead a lane. A
// receive that completes is finished by the thread that has asked for it, when
// that is in the kernel the next time: at once if it sleeps there, and if it
// computes, with the next tick of the kernel's clock. To interrupt it instead
// (no IORING_SETUP_COOP_TASKRUN) costs a seventh of a request. Each receive is
// asked for anew, by who leads the lane then. A thread that ends has its receives
// cancelled; they are asked for again.
//
// A thread that sleeps where nothing interrupts it, as for a disk, finishes them
// when it wakes. So a handler that reads a file which is not in memory, or has one
// written to the disk (fsync), keeps not only its own peer waiting for so long, but
// any whose receive its thread has asked for. Where disks are slow, package epoll is the
// better choice.
//
// # Waiting
//
// As in package epoll, a wait is a raw call for at most a millisecond, and only
// when that came back empty a call that gives the processor away; and a lane
// yields once a millisecond.
//
// The package builds with Go for Linux on amd64 and arm64. Others have nothing
// of it, and New fails with transport.ErrNotSupported where the kernel, or a
// sandbox, has no io_uring, or one that lacks something.
package uring
