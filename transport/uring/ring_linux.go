//go:build linux && (amd64 || arm64) && !tinygo

package uring

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/bobtail-go/bobtail/transport"
)

// The sizes of a ring. An entry of the submission queue is 64 bytes, one of the
// completion queue 16. What does not fit the latter is kept by the kernel.
const (
	submissions = 256
	completions = 2048
)

// Buffers of a lane. Those for receiving are used in turn, so the kernel is given
// a few only, and more when it has had none left so often that it is no burst; of
// those for sending, which are of two sizes, the last one freed is taken first. So
// memory that was never needed was never touched. Those for sending are as many as
// two Waits of the engine tell events, and some for peers who do not read.
const (
	receiveBuffers = 1024 // a power of two
	firstBuffers   = 32
	nextBuffers    = 128
	dryReceives    = 8192 // bring the next
	receiveSize    = 2048
	receiveStride  = receiveSize + 64 // beginnings at all places of the cache

	smallBuffers = 128
	smallSize    = 512
	largeBuffers = 64
	largeSize    = 4096
	sendBuffers  = smallBuffers + largeBuffers // at most 255
)

// ring is an io_uring with its buffers. What it has is guarded by its lane's
// lock, but for enter.
type ring struct {
	fd       int32
	queues   []byte // mapped: both queues, but for the next
	entries  []byte // mapped: the submissions
	memory   []byte // mapped: buffers, and the ring of those for receiving
	sqHead   *atomic.Uint32
	sqTail   *atomic.Uint32
	sqFlags  *atomic.Uint32
	cqHead   *atomic.Uint32
	cqTail   *atomic.Uint32
	cqMask   uint32
	sqMask   uint32
	sqes     []sqe
	cqes     []cqe
	tail     uint32 // of the submissions, those that the kernel does not know of included
	told     uint32 // the tail that the kernel knows
	head     uint32 // of the completions
	incoming []byte
	outgoing []byte
	offered  []ringBuffer
	offers   uint16 // tail of offered
	buffers  uint16 // those that the kernel was ever given
	dry      uint16 // receives that found none, since the last were given
	tail16   *atomic.Uint32
	wait     getEvents
	timeout  timespec
}

// pageSize is a size that is a whole number of the kernel's pages, whatever
// they are.
const pageSize = 64 << 10

// open makes the ring. It fails with ErrNotSupported if the kernel has none, or
// too old a one, or forbids it, or has no memory for it, of which a process without
// privileges has what RLIMIT_MEMLOCK allows: 68 KB a lane are needed.
func (r *ring) open() error {
	r.fd = -1
	p := params{flags: setupCQSize | setupSubmitAll | setupCoopTaskrun, cqEntries: completions}
	fd, _, e := syscall.RawSyscall(sysSetup, submissions, uintptr(unsafe.Pointer(&p)), 0)
	switch e {
	case 0:
	case syscall.EMFILE, syscall.ENFILE:
		return transport.ErrDescriptors
	default:
		return transport.ErrNotSupported
	}
	r.fd = int32(fd)
	const needed = featSingleMmap | featNoDrop | featSubmitStable | featFastPoll | featExtArg
	if p.features&needed != needed {
		return transport.ErrNotSupported
	}
	var err error
	if r.queues, err = mapped(r.fd, 0, max(int(p.cq.cqes)+int(p.cqEntries)*int(unsafe.Sizeof(cqe{})), int(p.sq.array)+4*int(p.sqEntries))); err != nil {
		return err
	}
	if r.entries, err = mapped(r.fd, mmapSQEs, int(p.sqEntries)*int(unsafe.Sizeof(sqe{}))); err != nil {
		return err
	}
	at := func(off uint32) *atomic.Uint32 { return (*atomic.Uint32)(unsafe.Pointer(&r.queues[off])) }
	r.sqHead, r.sqTail, r.sqFlags = at(p.sq.head), at(p.sq.tail), at(p.sq.flags)
	r.cqHead, r.cqTail = at(p.cq.head), at(p.cq.tail)
	r.sqMask, r.cqMask = at(p.sq.mask).Load(), at(p.cq.mask).Load()
	r.sqes = unsafe.Slice((*sqe)(unsafe.Pointer(&r.entries[0])), p.sqEntries)
	r.cqes = unsafe.Slice((*cqe)(unsafe.Pointer(&r.queues[p.cq.cqes])), p.cqEntries)
	for i := range p.sqEntries { // an entry of the queue is its place in sqes
		at(p.sq.array + 4*i).Store(i)
	}
	return r.openBuffers()
}

func (r *ring) openBuffers() error {
	const ringSize = receiveBuffers * int(unsafe.Sizeof(ringBuffer{})) // whole pages, and aligned to them
	const total = (ringSize + receiveBuffers*receiveStride + smallBuffers*smallSize + largeBuffers*largeSize + pageSize - 1) / pageSize * pageSize
	var err error
	if r.memory, err = mapped(-1, 0, total); err != nil {
		return err
	}
	r.offered = unsafe.Slice((*ringBuffer)(unsafe.Pointer(&r.memory[0])), receiveBuffers)
	r.tail16 = (*atomic.Uint32)(unsafe.Pointer(&r.memory[12])) // id and tail of the first
	rest := r.memory[ringSize:]
	r.incoming, r.outgoing = rest[:receiveBuffers*receiveStride], rest[receiveBuffers*receiveStride:]
	reg := bufferReg{addr: addressOf(r.memory), entries: receiveBuffers}
	if _, _, e := syscall.RawSyscall6(sysRegister, uintptr(r.fd), registerBufferRing, uintptr(unsafe.Pointer(&reg)), 1, 0, 0); e != 0 {
		return transport.ErrNotSupported
	}
	r.more(firstBuffers)
	return nil
}

// mapped maps the kernel's memory of a ring, or memory of our own if fd is -1. That
// is taken by the kernel's usual pages, where it would have huge ones at once.
func mapped(fd int32, off int64, n int) ([]byte, error) {
	flags := syscall.MAP_SHARED | mapPopulate
	if fd < 0 {
		flags = syscall.MAP_PRIVATE | syscall.MAP_ANON | syscall.MAP_NORESERVE
	}
	b, err := syscall.Mmap(int(fd), off, n, syscall.PROT_READ|syscall.PROT_WRITE, flags)
	if err != nil {
		return nil, transport.ErrDescriptors
	}
	if fd < 0 {
		syscall.Madvise(b, syscall.MADV_NOHUGEPAGE) // fails where there are none
	}
	return b, nil
}

// close frees what open has made, as far as it has come; the buffers too if all
// says that nothing is under way in them.
func (r *ring) close(all bool) {
	if r.fd >= 0 {
		syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(r.fd), 0, 0)
		r.fd = -1
	}
	for _, m := range [...][]byte{r.queues, r.entries, r.memory} {
		if all && m != nil {
			syscall.Munmap(m)
		}
	}
}

// more gives the kernel n more buffers, or as many as there are.
func (r *ring) more(n uint16) {
	for range min(n, receiveBuffers-r.buffers) {
		r.offer(r.buffers)
		r.buffers++
	}
}

// lacked counts a receive that has found no buffer.
func (r *ring) lacked() {
	if r.dry++; r.dry == dryReceives {
		r.dry = 0
		r.more(nextBuffers)
	}
}

// offer gives a buffer to the kernel for a receive.
func (r *ring) offer(id uint16) {
	b := &r.offered[r.offers&(receiveBuffers-1)]
	b.addr = addressOf(r.received(id))
	b.len = receiveSize
	b.id = id
	r.offers++
	// The tail has to be stored after the rest. It shares its word with the id
	// of the first entry, which does not change meanwhile: machines are
	// little-endian.
	r.tail16.Store(uint32(r.offered[0].id) | uint32(r.offers)<<16)
}

func addressOf(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(&b[0]))) }

// received are the bytes of a buffer.
func (r *ring) received(id uint16) []byte {
	return r.incoming[int(id)*receiveStride:][:receiveSize]
}

// room is the send buffer i.
func (r *ring) room(i uint8) []byte {
	if i < smallBuffers {
		return r.outgoing[int(i)*smallSize:][:smallSize]
	}
	return r.outgoing[smallBuffers*smallSize+int(i-smallBuffers)*largeSize:][:largeSize]
}

// next is the next entry of the submissions, cleared; or nil if the kernel takes
// none any more.
func (r *ring) next() *sqe {
	if r.tail-r.sqHead.Load() == uint32(len(r.sqes)) {
		if r.submit(); r.tail-r.sqHead.Load() == uint32(len(r.sqes)) {
			return nil
		}
	}
	s := &r.sqes[r.tail&r.sqMask]
	*s = sqe{}
	r.tail++
	return s
}

// pending reports whether there are entries that the kernel has not taken.
func (r *ring) pending() bool { return r.tail != r.sqHead.Load() }

// tell makes the entries known, and returns how many the kernel has still to
// take.
func (r *ring) tell() uint32 {
	if r.told != r.tail {
		r.told = r.tail
		r.sqTail.Store(r.tail)
	}
	return r.tail - r.sqHead.Load()
}

// submit has the kernel take the entries, without waiting for anything but that it
// has memory for them: nobody would be there to submit them later. If it refuses
// the call itself, as a sandbox does that has come since, they stay in the queue for
// the next Wait, which tells of the error.
func (r *ring) submit() {
	for n := r.tell(); n > 0; n = r.tell() {
		_, _, e := syscall.RawSyscall6(sysEnter, uintptr(r.fd), uintptr(n), 0, 0, 0, 0)
		switch e {
		case 0, syscall.EINTR:
		case syscall.EAGAIN, syscall.ENOMEM:
			runtime.Gosched()
		default:
			return
		}
	}
}

// enter submits n entries and waits until there is a completion, or for some
// nanoseconds if ns is not negative: raw, or so that the scheduler knows. It
// needs no lock, but there must be only one who waits.
func (r *ring) enter(n uint32, ns int64, raw bool) syscall.Errno {
	const flags = enterGetEvents | enterExtArg
	least := uintptr(1)
	if ns == 0 {
		least = 0
	}
	r.wait.ts = 0
	if ns > 0 {
		r.timeout = timespec{ns / 1e9, ns % 1e9}
		r.wait.ts = uint64(uintptr(unsafe.Pointer(&r.timeout)))
	}
	var e syscall.Errno
	if raw {
		_, _, e = syscall.RawSyscall6(sysEnter, uintptr(r.fd), uintptr(n), least, flags, uintptr(unsafe.Pointer(&r.wait)), unsafe.Sizeof(r.wait))
	} else {
		_, _, e = syscall.Syscall6(sysEnter, uintptr(r.fd), uintptr(n), least, flags, uintptr(unsafe.Pointer(&r.wait)), unsafe.Sizeof(r.wait))
	}
	return e
}
