package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// cpuTime is what processes have used of the processors.
type cpuTime struct {
	total  time.Duration // user and system, in the kernel's nanoseconds
	user   int64         // in ticks
	system int64         // in ticks
}

func (a cpuTime) add(b cpuTime) cpuTime {
	return cpuTime{a.total + b.total, a.user + b.user, a.system + b.system}
}

func (a cpuTime) sub(b cpuTime) cpuTime {
	return cpuTime{a.total - b.total, a.user - b.user, a.system - b.system}
}

// userPart is the part of the total that was spent in user mode, as far as the
// ticks of the kernel's clock tell. It is 0 where they are too few to tell.
func (a cpuTime) userPart() float64 {
	const few = 20
	if a.user+a.system < few {
		return 0
	}
	return float64(a.user) / float64(a.user+a.system)
}

// usedCPU is the CPU time of a process and of its descendants, so far.
func usedCPU(pid int) (cpuTime, error) {
	var sum cpuTime
	for _, p := range tree(pid) {
		total, err := processClock(p)
		if err != nil {
			return sum, err
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
		if err != nil {
			return sum, err
		}
		user, system, err := parseStat(stat)
		if err != nil {
			return sum, err
		}
		sum.total += total
		sum.user += user
		sum.system += system
	}
	return sum, nil
}

// processClock reads the CPU clock of another process, threads that have ended
// included. /proc/PID/stat would tell the same in ticks of 10 ms.
func processClock(pid int) (time.Duration, error) {
	const schedClock = 2 // CPUCLOCK_SCHED of the kernel; clock_getcpuclockid(3) makes the same number
	var ts syscall.Timespec
	clock := uintptr(^pid<<3 | schedClock)
	if _, _, e := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&ts)), 0); e != 0 {
		return 0, os.NewSyscallError("clock_gettime", e)
	}
	return time.Duration(ts.Nano()), nil
}

// parseStat returns the ticks in user and in system mode from the text of
// /proc/PID/stat. The name of the program, in brackets, may hold anything.
func parseStat(b []byte) (user, system int64, err error) {
	i := bytes.LastIndexByte(b, ')')
	if i < 0 {
		return 0, 0, fmt.Errorf("no program name in %q", b)
	}
	const first = 3 // number of the first field after the name; proc_pid_stat(5) counts from 1
	f := strings.Fields(string(b[i+1:]))
	if len(f) <= 15-first {
		return 0, 0, fmt.Errorf("too few fields in %q", b)
	}
	if user, err = strconv.ParseInt(f[14-first], 10, 64); err != nil {
		return 0, 0, err
	}
	if system, err = strconv.ParseInt(f[15-first], 10, 64); err != nil {
		return 0, 0, err
	}
	return user, system, nil
}

// tree is a process and its descendants. One that has ended meanwhile is left out.
func tree(pid int) []int {
	pids := []int{pid}
	names, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, name := range names {
		b, _ := os.ReadFile(name)
		for _, f := range strings.Fields(string(b)) {
			if child, err := strconv.Atoi(f); err == nil {
				pids = append(pids, tree(child)...)
			}
		}
	}
	return pids
}

// memory is what processes hold in user space, in bytes.
type memory struct {
	resident int64
	private  int64 // the part of it that no other process shares
}

func (a memory) sub(b memory) memory {
	return memory{a.resident - b.resident, a.private - b.private}
}

// usedMemory is the memory of a process and of its descendants.
func usedMemory(pid int) (memory, error) {
	var sum memory
	for _, p := range tree(pid) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p))
		if err != nil {
			return sum, err
		}
		m, err := parseRollup(b)
		if err != nil {
			return sum, err
		}
		sum.resident += m.resident
		sum.private += m.private
	}
	return sum, nil
}

// parseRollup reads the text of /proc/PID/smaps_rollup.
func parseRollup(b []byte) (memory, error) {
	var m memory
	found := 0
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(line, ":")
		var sum *int64
		switch name {
		case "Rss":
			sum = &m.resident
		case "Private_Clean", "Private_Dirty":
			sum = &m.private
		default:
			continue
		}
		kB, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return m, fmt.Errorf("%q: %w", line, err)
		}
		*sum += kB << 10
		found++
	}
	if found != 3 {
		return m, fmt.Errorf("%d of 3 fields in the memory of a process", found)
	}
	return m, nil
}
