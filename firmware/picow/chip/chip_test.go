package main_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/firmware/image"
	"github.com/bobtail-go/bobtail/firmware/picow/device"
	"github.com/bobtail-go/bobtail/firmware/site/sitetest"
	"github.com/bobtail-go/bobtail/internal/childtest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/lneto"
	"github.com/bobtail-go/bobtail/transport/lneto/lnetotest"
)

// start runs an image on the emulator, with its card on a wire.
func start(t *testing.T, file string, w *lnetotest.Wire) *childtest.Text {
	t.Helper()
	cmd := exec.Command("node", "emulate.cjs", os.Getenv("RP2040JS"), file)
	serial := new(childtest.Text)
	cmd.Stderr = serial
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	card, ended, stop := w.Card(), make(chan struct{}), make(chan struct{})
	go func() { // what the chip sends
		defer close(ended)
		r := bufio.NewReader(out)
		var frame [2 + 1514]byte
		for {
			if _, err := io.ReadFull(r, frame[:2]); err != nil {
				return
			}
			n := int(frame[0])<<8 | int(frame[1])
			if n > 1514 {
				t.Errorf("the chip sends a frame of %d bytes", n)
				return
			}
			if _, err := io.ReadFull(r, frame[2:2+n]); err != nil {
				return
			}
			card.Send(frame[2 : 2+n])
		}
	}()
	var writer sync.WaitGroup
	writer.Go(func() { // and what it is sent
		var frame [2 + 1514]byte
		for {
			select {
			case <-stop:
				return
			default:
			}
			n, _ := card.Receive(frame[2:])
			if n == 0 {
				card.Idle()
				continue
			}
			frame[0], frame[1] = byte(n>>8), byte(n)
			if _, err := in.Write(frame[:2+n]); err != nil {
				return
			}
		}
	})
	t.Cleanup(func() {
		close(stop)
		in.Close()
		<-ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("the emulator ends with %v", err)
		}
		writer.Wait()
		if t.Failed() {
			t.Logf("the chip says:\n%s", serial)
		}
	})
	return serial
}

// TestChip drives the program on an emulated RP2040. Afterwards its heap is
// what it was.
func TestChip(t *testing.T) {
	if os.Getenv("RP2040JS") == "" {
		t.Skip("./test.sh picow runs this")
	}
	file := filepath.Join(t.TempDir(), "chip.uf2")
	_, err := image.Build("picow", ".", file, "-serial=uart")
	if errors.Is(err, image.ErrNoCompiler) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	w := lnetotest.NewWire(lnetotest.Faults{})
	serial := start(t, file, w)
	host, err := lnetotest.NewHost(w, lneto.Config{MAC: [6]byte{2, 0, 0, 0, 0, 9}, Addr: transport.IPv4(10, 0, 0, 9, 0), Seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close() })
	d := sitetest.Device{HTTP: "10.0.0.2:80", CoAP: "10.0.0.2:5683", Sockets: device.Sockets, Patience: 2 * time.Minute, Connect: host.DialContext}
	sitetest.Run(t, d)
	before := heap(t, d)
	sitetest.Run(t, d)
	if after := heap(t, d); after != before {
		t.Errorf("the heap holds %d bytes, and held %d before", after, before)
	} else {
		t.Logf("the heap holds %d bytes before and after", after)
	}
	if text := serial.String(); !strings.HasPrefix(text, "bobtail on an RP2040\nhttp://10.0.0.2") || !strings.Contains(text, "the LED is on\n") {
		t.Errorf("the serial port says %q", text)
	}
}

// heap is how many bytes of it are taken, as the device tells.
func heap(t *testing.T, d sitetest.Device) int {
	t.Helper()
	transport := &http.Transport{DialContext: d.Connect}
	defer transport.CloseIdleConnections()
	r, err := (&http.Client{Transport: transport, Timeout: d.Patience}).Get("http://" + d.HTTP + "/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var v struct{ Heap [2]int }
	if err := json.NewDecoder(r.Body).Decode(&v); err != nil || v.Heap[0] == 0 {
		t.Fatal(v, err)
	}
	return v.Heap[0]
}
