//go:build rp2040

// Chip is the program of the Pico W for an RP2040 without a radio: its network
// card is the second serial port, whose other end carries frames. An emulator
// runs it; see the test.
package main

import (
	"device/rp"
	"runtime"
	"time"
	"unsafe"

	"github.com/bobtail-go/bobtail/firmware/picow/device"
	"github.com/bobtail-go/bobtail/firmware/picow/wlan"
	"github.com/bobtail-go/bobtail/firmware/site"
	"github.com/bobtail-go/bobtail/transport"
)

// port is a network card of two directions of bytes: each frame stands behind
// its length in two bytes.
type port struct {
	n   int
	buf [2 + wlan.MaxFrame]byte
}

// Bits of the port's registers (RP2040 data sheet, section 4.2.8).
const (
	receiveEmpty = 1 << 4 // UARTFR
	transmitFull = 1 << 5

	fifos, bits8                       = 1 << 4, 3 << 5         // UARTLCR_H
	enable, enableTransmit, enableRead = 1 << 0, 1 << 8, 1 << 9 // UARTCR
)

func (p *port) start() {
	rp.RESETS.RESET.ClearBits(rp.RESETS_RESET_UART1)
	rp.UART1.UARTIBRD.Set(1)
	rp.UART1.UARTLCR_H.Set(bits8 | fifos)
	rp.UART1.UARTCR.Set(enable | enableTransmit | enableRead)
}

func (p *port) put(b byte) {
	for rp.UART1.UARTFR.Get()&transmitFull != 0 {
	}
	rp.UART1.UARTDR.Set(uint32(b))
}

// Send implements lneto.NIC.
func (p *port) Send(frame []byte) error {
	p.put(byte(len(frame) >> 8))
	p.put(byte(len(frame)))
	for _, b := range frame {
		p.put(b)
	}
	return nil
}

// Receive implements lneto.NIC. What has come of a frame that is not whole is
// kept.
func (p *port) Receive(buf []byte) (int, error) {
	for rp.UART1.UARTFR.Get()&receiveEmpty == 0 {
		p.buf[p.n] = byte(rp.UART1.UARTDR.Get())
		p.n++
		if p.n < 2 {
			continue
		}
		if end := 2 + int(p.buf[0])<<8 + int(p.buf[1]); p.n == end {
			p.n = 0
			return copy(buf, p.buf[2:end]), nil
		}
	}
	return 0, nil
}

var card port

func main() {
	card.start()
	print("bobtail on an RP2040\n")
	d, err := device.New(device.Config{
		NIC: &card, MAC: [6]byte{2, 0, 0, 0, 0, 2}, Hostname: "bobtail", Addr: transport.IPv4(10, 0, 0, 2, 0), Seed: 1,
		Board: site.Board{Name: "RP2040", LED: led, Heap: heap},
		Print: write,
	})
	if err != nil {
		panic(err.Error())
	}
	for {
		moved, err := d.Turn()
		if err != nil {
			panic(err.Error())
		}
		runtime.Gosched()
		if !moved {
			time.Sleep(100 * time.Microsecond)
		}
	}
}

func led(on bool) {
	if on {
		print("the LED is on\n")
	} else {
		print("the LED is off\n")
	}
}

func heap() (used, size uint64) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse, m.HeapSys
}

func write(line []byte) { print(unsafe.String(unsafe.SliceData(line), len(line))) }
