//go:build linux && (amd64 || arm64) && !tinygo

package uring_test

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"github.com/bobtail-go/bobtail/internal/childtest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/uring"
)

// TestRefused has New say so, and leave nothing open, where a sandbox forbids
// io_uring, as those of containers do, or one of its calls.
func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		call uint32
		e    syscall.Errno
	}{
		{"setup is not permitted", 425, syscall.EPERM},
		{"setup does not exist", 425, syscall.ENOSYS},
		{"setup may lock no memory", 425, syscall.ENOMEM},
		{"enter is not permitted", 426, syscall.EPERM},
		{"enter does not exist", 426, syscall.ENOSYS},
		{"register is not permitted", 427, syscall.EPERM},
	} {
		t.Run(tt.name, func(t *testing.T) {
			childtest.Start(t, func() error {
				runtime.LockOSThread() // a filter is of a thread
				if err := forbid(tt.call, tt.e); err != nil {
					return fmt.Errorf("cannot forbid it: %w", err)
				}
				before := newDescriptor()
				if _, err := uring.New(uring.Config{Lanes: 2}); err != transport.ErrNotSupported {
					return fmt.Errorf("New = %v, want ErrNotSupported", err)
				}
				if after := newDescriptor(); after != before {
					return fmt.Errorf("descriptors are left open: the next is %d, and was %d", after, before)
				}
				return nil
			}).Wait()
		})
	}
}

// newDescriptor is the lowest that is free.
func newDescriptor() int {
	fd, err := syscall.Dup(0)
	if err != nil {
		return -1
	}
	syscall.Close(fd)
	return fd
}

// forbid has a system call of this thread fail (seccomp(2)).
func forbid(call uint32, e syscall.Errno) error {
	const (
		setNoNewPrivs = 38
		setSeccomp    = 22
		filterMode    = 2
		load          = 0x20 // BPF_LD|BPF_W|BPF_ABS, at 0: the number of the call
		jumpEqual     = 0x15
		result        = 0x06
		fail          = 0x00050000
		allow         = 0x7fff0000
	)
	type instruction struct {
		code    uint16
		yes     uint8
		no      uint8
		operand uint32
	}
	program := [...]instruction{{load, 0, 0, 0}, {jumpEqual, 0, 1, call}, {result, 0, 0, fail | uint32(e)}, {result, 0, 0, allow}}
	filter := struct {
		n    uint16
		code *instruction
	}{uint16(len(program)), &program[0]}
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PRCTL, setNoNewPrivs, 1, 0, 0, 0, 0); e != 0 {
		return e
	}
	if _, _, e := syscall.RawSyscall(syscall.SYS_PRCTL, setSeccomp, filterMode, uintptr(unsafe.Pointer(&filter))); e != 0 {
		return e
	}
	return nil
}
