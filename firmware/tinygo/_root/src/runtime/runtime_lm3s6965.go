//go:build lm3s6965

// Package runtime is the part of TinyGo's for the Stellaris LM3S6965. TinyGo has
// one for QEMU's machine of this chip, whose clock stands still; this one keeps
// time, sleeps in the processor's own way, and works with the chip's registers
// as the data sheet has them.
package runtime

import (
	"device/arm"
	"runtime/volatile"
	"unsafe"
)

// The clock is the crystal's 8 MHz, multiplied to 200 MHz and divided by 4.
const (
	cyclesPerTick = 50_000 // at 50 MHz, a millisecond
	nanosPerCycle = 20
	nanosPerTick  = cyclesPerTick * nanosPerCycle
)

func register(a uintptr) *volatile.Register32 {
	return (*volatile.Register32)(unsafe.Pointer(a))
}

// tickCount is the ticks since the start, written by the interrupt alone.
var tickCount volatile.Register32

// tickEpoch counts the times that tickCount has begun again at 0.
var tickEpoch volatile.Register32

//export Reset_Handler
func main() {
	seed := seedOfRAM()
	paintStack()
	preinit()
	ramSeed = seed
	initClock()
	run()
	abort()
}

// ramSeed is what the memory held before the start.
var ramSeed uint64

// seedOfRAM mixes what the memory holds at power-on, which differs from chip to
// chip and from start to start; the chip has no source of random numbers. The
// emulator's memory is zero. FNV-1a.
func seedOfRAM() uint64 {
	h := uint64(14695981039346656037)
	for p := uintptr(0x20000000); p < 0x20010000; p += 4 {
		h = (h ^ uint64(*(*uint32)(unsafe.Pointer(p)))) * 1099511628211
	}
	return h
}

// paintStack fills the system stack below the running function with a pattern,
// so that what was never used can be told.
func paintStack() {
	for p := uintptr(0x20000000); p < getCurrentStackPointer()-64; p += 4 {
		*(*uint32)(unsafe.Pointer(p)) = stackPaint
	}
}

const stackPaint = 0x70616e74

// initClock starts the PLL (data sheet, section 5.3.4, "Initialization and
// Configuration" of system control) and the tick.
func initClock() {
	rcc := register(0x400FE060)
	const (
		bypass   = 1 << 11
		pwrdn    = 1 << 13
		useDiv   = 1 << 22
		xtal8MHz = 0xE << 6
		divBy4   = 3 << 23
		keep     = 1<<1 | 0xF<<27 // what is none of our business
	)
	v := rcc.Get()&keep | bypass | pwrdn
	rcc.Set(v)
	v = v&^pwrdn | xtal8MHz
	rcc.Set(v)
	v |= divBy4 | useDiv
	rcc.Set(v)
	ris := register(0x400FE050)
	for i := 0; i < 32768 && ris.Get()&(1<<6) == 0; i++ { // until the PLL has locked
	}
	rcc.Set(v &^ bypass)

	arm.SYST.SYST_RVR.Set(cyclesPerTick - 1)
	arm.SYST.SYST_CVR.Set(0)
	arm.SYST.SYST_CSR.Set(arm.SYST_CSR_CLKSOURCE | arm.SYST_CSR_TICKINT | arm.SYST_CSR_ENABLE)
}

//export SysTick_Handler
func tick() {
	n := tickCount.Get() + 1
	tickCount.Set(n)
	if n == 0 {
		tickEpoch.Set(tickEpoch.Get() + 1)
	}
}

// last is the latest time that ticks has returned.
var last timeUnit

// ticks is the nanoseconds since the start.
func ticks() timeUnit {
	mask := arm.DisableInterrupts()
	epoch, n := tickEpoch.Get(), tickCount.Get()
	left := arm.SYST.SYST_CVR.Get()
	if register(0xE000ED04).Get()&(1<<26) != 0 { // ICSR.PENDSTSET: a tick that is not counted yet
		left = arm.SYST.SYST_CVR.Get()
		n++
		if n == 0 {
			epoch++
		}
	}
	t := (timeUnit(epoch)<<32 + timeUnit(n)) * nanosPerTick
	if left != 0 { // at 0 the tick is over
		t += timeUnit(cyclesPerTick-left) * nanosPerCycle
	}
	// Whether the tick that ends at 0 is counted yet cannot be told.
	t = max(t, last)
	last = t
	arm.EnableInterrupts(mask)
	return t
}

func ticksToNanoseconds(ticks timeUnit) int64 { return int64(ticks) }

func nanosecondsToTicks(ns int64) timeUnit { return timeUnit(ns) }

// idleNanos is how long the processor has slept.
var idleNanos timeUnit

// sleepTicks sleeps until an interrupt, which comes every millisecond. The
// scheduler calls again if that was too early.
func sleepTicks(timeUnit) { waitForEvents() }

func waitForEvents() {
	// With interrupts off, one that is pending still ends the wait, and none
	// is missed between the look at the queue and the wait.
	mask := arm.DisableInterrupts()
	if runqueue.Empty() {
		from := ticks()
		arm.Asm("wfi")
		idleNanos += ticks() - from
	}
	arm.EnableInterrupts(mask)
}

// boardIdle sleeps until an interrupt unless a goroutine is ready.
//
//go:linkname boardIdle
func boardIdle() { waitForEvents() }

// boardIdled is the nanoseconds that were slept.
//
//go:linkname boardIdled
func boardIdled() int64 { return int64(idleNanos) }

//go:linkname boardSeed
func boardSeed() uint64 { return ramSeed ^ uint64(ticks())<<32 }

// boardStack is how much of the i-th stack has been used, and its size: 0 is
// the system's, the others the goroutines' in the order of their addresses,
// which is that of their start until the first collection of garbage.
//
//go:linkname boardStack
func boardStack(i int) (used, size uintptr) {
	if i == 0 {
		p := uintptr(0x20000000)
		for *(*uint32)(unsafe.Pointer(p)) == stackPaint {
			p += 4
		}
		return stackTop - p, stackTop - 0x20000000
	}
	// A stack begins with the canary and was all zeros. A piece of memory that
	// begins with the same word by chance would only be shown beside them.
	const canary = 0x670c1333b83bf575 & 0xFFFFFFFF
	for b := gcBlock(0); b < endBlock; b++ {
		start := b.address() + align(unsafe.Sizeof(objHeader{}))
		if b.state() != blockStateHead || *(*uint32)(unsafe.Pointer(start)) != canary {
			continue
		}
		if i--; i > 0 {
			continue
		}
		end := b.findNext().address()
		p := start + 4
		for p < end && *(*uint32)(unsafe.Pointer(p)) == 0 {
			p += 4
		}
		return end - p, end - start
	}
	return 0, 0
}

// UART0, and its flag that says whether there is room.
func putchar(c byte) {
	for register(0x4000C018).Get()&(1<<5) != 0 {
	}
	register(0x4000C000).Set(uint32(c))
}

func getchar() byte { return 0 }

func buffered() int { return 0 }

// bobtail_fault ends every exception that nothing handles: it writes where the
// program was, and starts the chip again.
//
//export bobtail_fault
func bobtail_fault(s *interruptStack, exception uint32) {
	print("fault ", exception, ": cfsr=", hex(arm.SCB.CFSR.Get()), " hfsr=", hex(arm.SCB.HFSR.Get()),
		" bfar=", hex(arm.SCB.BFAR.Get()), " sp=", hex(uintptr(unsafe.Pointer(s))))
	// What the exception pushed is to be believed only if it is in RAM.
	if a := uintptr(unsafe.Pointer(s)); a >= 0x20000000 && a < 0x20010000-unsafe.Sizeof(*s) {
		print(" pc=", hex(s.PC), " lr=", hex(s.LR), " r0=", hex(s.R0), " r1=", hex(s.R1), " psr=", hex(s.PSR))
	}
	println()
	for register(0x4000C018).Get()&(1<<3) != 0 { // until the last byte has left
	}
	arm.SCB.AIRCR.Set(0x05FA<<16 | 1<<2) // SYSRESETREQ
	for {
		arm.Asm("wfi")
	}
}

// hex makes print write a number in hexadecimal, as it writes pointers.
func hex[T uint32 | uintptr](v T) unsafe.Pointer { return unsafe.Pointer(uintptr(v)) }
