//go:build rp2040

// Picow is the program of the Raspberry Pi Pico W: HTTP and WebSocket on port
// 80, CoAP on port 5683, and its LED. See README.md for how to build and flash
// it.
package main

import (
	"machine"
	"runtime"
	"time"
	"unsafe"

	"github.com/bobtail-go/bobtail/firmware/picow/device"
	"github.com/bobtail-go/bobtail/firmware/picow/mdns"
	"github.com/bobtail-go/bobtail/firmware/picow/wlan"
	"github.com/bobtail-go/bobtail/firmware/site"
	"github.com/soypat/cyw43439"
)

// These are set when the program is built, by -ldflags "-X main.ssid=NAME
// -X main.password=SECRET -X main.hostname=NAME", so that no secret is in the
// sources. Without a password the network is an open one.
var ssid, password, hostname string

// nic is larger than a stack.
var nic wlan.NIC

func main() {
	if hostname == "" {
		hostname = "bobtail"
	}
	// A terminal takes a moment to find the serial port.
	time.Sleep(2 * time.Second)
	print("bobtail on a Pico W\n")
	radio := cyw43439.NewPicoWDevice()
	for {
		err := radio.Init(cyw43439.DefaultWifiConfig())
		if err == nil {
			break
		}
		say("the radio does not start", err)
		time.Sleep(5 * time.Second)
	}
	nic.Radio = radio
	mac := join(radio)
	// Only questions for names come to a group.
	if err := radio.SetMulticastList([][6]byte{mdns.Group}); err != nil {
		say("no questions for names", err)
	}
	radio.RecvEthHandle(nic.Deliver)
	d, err := device.New(device.Config{
		NIC: &nic, MAC: mac, Hostname: hostname, Seed: seed(),
		Board: site.Board{Name: "Pico W", LED: nic.LED, Heap: heap},
		Print: write,
	})
	if err != nil {
		fatal(err)
	}
	used, size := heap()
	print("heap ", used, " of ", size, "\n")
	turn(d, radio)
}

// turn moves frames, and joins the network again when it is lost.
func turn(d *device.Device, radio *cyw43439.Device) {
	for {
		moved, err := d.Turn()
		if err == nil {
			err = nic.Turn()
		}
		if err != nil {
			say("the radio", err)
			time.Sleep(100 * time.Millisecond) // it may last
		}
		if !radio.IsLinkUp() {
			join(radio)
		}
		runtime.Gosched()
		if !moved {
			time.Sleep(time.Millisecond)
		}
	}
}

// join joins the network, however long it takes, and returns our address in it.
func join(radio *cyw43439.Device) [6]byte {
	for {
		print("joining ", ssid, "\n")
		err := radio.Join(ssid, cyw43439.JoinOptions{Passphrase: password})
		if err == nil {
			var mac [6]byte
			if mac, err = radio.HardwareAddr6(); err == nil {
				return mac
			}
		}
		say("not joined", err)
		time.Sleep(5 * time.Second)
	}
}

// seed is made of the chip's ring oscillator.
func seed() (s uint64) {
	for range 2 {
		v, err := machine.GetRNG()
		if err != nil {
			fatal(err)
		}
		s = s<<32 | uint64(v)
	}
	return s
}

// heap is how many bytes of the heap are in use, garbage included, and how many
// there are.
func heap() (used, size uint64) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse, m.HeapSys
}

// write writes a line to the serial port, which drops it when nobody reads.
func write(line []byte) { print(unsafe.String(unsafe.SliceData(line), len(line))) }

func say(what string, err error) { print(what, ": ", err.Error(), "\n") }

// fatal is for what cannot happen but by a mistake in the program.
func fatal(err error) {
	for {
		say("cannot serve", err)
		time.Sleep(5 * time.Second)
	}
}
