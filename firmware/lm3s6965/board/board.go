//go:build lm3s6965

// Package board is the hardware of the LM3S6965 evaluation board that a server
// uses: its Ethernet controller, its LED, and what its memory holds. The pages
// named are those of the chip's data sheet (DS-LM3S6965, revision of 2014).
package board

import (
	"runtime"
	"runtime/volatile"
	"unsafe"
)

func reg(a uintptr) *volatile.Register32 { return (*volatile.Register32)(unsafe.Pointer(a)) }

const (
	gpioF = 0x40025000 // port F; the LED is its pin 0

	rcgc1 = 0x400FE104 // clocks of the UARTs
	rcgc2 = 0x400FE108 // clocks of the ports and of Ethernet

	clockEthernet = 1<<30 | 1<<28 // the PHY and the MAC
	clockPortF    = 1 << 5
	clockPortA    = 1 << 0
	clockUART0    = 1 << 0
)

// Configure starts the LED's pin, the serial port at 115200 baud, and the
// Ethernet controller with a hardware address. It is called once.
func Configure(mac [6]byte) {
	reg(rcgc1).SetBits(clockUART0)
	reg(rcgc2).SetBits(clockEthernet | clockPortF | clockPortA)
	reg(rcgc2).Get() // three cycles pass before the parts may be touched

	// PA0 and PA1 are the serial port's; 50 MHz / (16 * 115200) = 27 + 8/64.
	const gpioA, uart0 = 0x40004000, 0x4000C000
	reg(gpioA + 0x420).SetBits(3) // AFSEL
	reg(gpioA + 0x51C).SetBits(3) // DEN
	reg(uart0 + 0x030).Set(0)
	reg(uart0 + 0x024).Set(27)
	reg(uart0 + 0x028).Set(8)
	reg(uart0 + 0x02C).Set(3<<5 | 1<<4) // 8 bits, FIFO
	reg(uart0 + 0x030).Set(1<<9 | 1<<8 | 1)

	reg(gpioF + 0x400).SetBits(1)      // DIR
	reg(gpioF + 0x420).ClearBits(0b1)  // AFSEL
	reg(gpioF + 0x51C).SetBits(1)      // DEN
	reg(gpioF + 0x420).SetBits(0b1100) // PF2 and PF3 are the LEDs of the socket
	reg(gpioF + 0x51C).SetBits(0b1100)
	LED(false)

	configureEthernet(mac)
}

// LED switches the user LED.
func LED(on bool) {
	v := uint32(0)
	if on {
		v = 1
	}
	reg(gpioF + 1<<2).Set(v) // bits 2 to 9 of the address choose the pins
}

// Heap is how many bytes of the heap are in use, garbage included, and how
// many there are.
func Heap() (used, size uint64) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse, m.HeapSys
}
