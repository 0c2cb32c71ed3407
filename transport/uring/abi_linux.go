//go:build linux && (amd64 || arm64) && !tinygo

package uring

// The kernel's interface (include/uapi/linux/io_uring.h), as far as it is used
// here. It is the same on amd64 and arm64.

const (
	sysSetup    = 425
	sysEnter    = 426
	sysRegister = 427
)

// Opcodes.
const (
	opNop         = 0
	opPollAdd     = 6
	opAsyncCancel = 14
	opSend        = 26
	opRecv        = 27
)

// Flags.
const (
	setupCQSize      = 1 << 3
	setupSubmitAll   = 1 << 7 // 5.18
	setupCoopTaskrun = 1 << 8 // 5.19

	featSingleMmap   = 1 << 0
	featNoDrop       = 1 << 1
	featSubmitStable = 1 << 2
	featFastPoll     = 1 << 5
	featExtArg       = 1 << 8

	enterGetEvents = 1 << 0
	enterExtArg    = 1 << 3

	sqeBufferSelect = 1 << 5

	recvPollFirst = 1 << 0 // 5.19

	cqeBuffer      = 1 << 0
	cqeSockMore    = 1 << 2 // IORING_CQE_F_SOCK_NONEMPTY
	cqeBufferShift = 16

	registerBufferRing = 22 // 5.19

	mmapSQEs    = 0x10000000
	mapPopulate = 0x8000

	pollIn  = 0x1
	pollOut = 0x4
	pollErr = 0x8
	pollHup = 0x10

	msgWaitall = 0x100
)

// sqe is struct io_uring_sqe.
type sqe struct {
	op       uint8
	flags    uint8
	ioprio   uint16
	fd       int32
	off      uint64
	addr     uint64
	len      uint32
	opFlags  uint32
	userData uint64
	bufGroup uint16
	_        uint16
	_        uint32
	_        [2]uint64
}

// cqe is struct io_uring_cqe.
type cqe struct {
	userData uint64
	res      int32
	flags    uint32
}

// params is struct io_uring_params.
type params struct {
	sqEntries, cqEntries, flags uint32
	_                           [2]uint32
	features                    uint32
	_                           [4]uint32
	sq                          struct {
		head, tail, mask, entries, flags, dropped, array uint32
		_                                                [3]uint32
	}
	cq struct {
		head, tail, mask, entries, overflow, cqes uint32
		_                                         [4]uint32
	}
}

// getEvents is struct io_uring_getevents_arg.
type getEvents struct {
	sigmask   uint64
	sigmaskSz uint32
	_         uint32
	ts        uint64
}

// timespec is struct __kernel_timespec.
type timespec struct{ sec, nsec int64 }

// bufferReg is struct io_uring_buf_reg.
type bufferReg struct {
	addr    uint64
	entries uint32
	group   uint16
	_       uint16
	_       [3]uint64
}

// ringBuffer is struct io_uring_buf. The tail of the ring is in the last field
// of its first one.
type ringBuffer struct {
	addr uint64
	len  uint32
	id   uint16
	tail uint16
}
