package relay

import (
	"encoding/binary"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// device is one whose frames go to and come from a test.
type device struct {
	in, out chan []byte
	once    sync.Once
	closed  chan struct{}
}

func newDevice() *device {
	return &device{in: make(chan []byte, 100), out: make(chan []byte, 10000), closed: make(chan struct{})}
}

func (d *device) Read(b []byte) (int, error) {
	select {
	case f := <-d.in:
		return copy(b, f), nil
	case <-d.closed:
		return 0, io.EOF
	}
}

func (d *device) Write(b []byte) (int, error) {
	d.out <- append([]byte(nil), b...)
	return len(b), nil
}

func (d *device) Close() error {
	d.once.Do(func() { close(d.closed) })
	return nil
}

// packet is a frame of a type, with a number.
func packet(kind uint16, n int) []byte {
	b := make([]byte, header+4)
	binary.BigEndian.PutUint16(b[12:], kind)
	binary.BigEndian.PutUint32(b[header:], uint32(n))
	return b
}

func number(b []byte) int { return int(binary.BigEndian.Uint32(b[header:])) }

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newDevice(), newDevice()
		r := Start(a, b, Config{Delay: 10 * time.Millisecond})
		defer r.Close()
		began := time.Now()
		for n := range 3 {
			a.in <- packet(typeIPv4, n)
			b.in <- packet(typeIPv4, n)
			time.Sleep(time.Millisecond)
		}
		for n := range 3 {
			for _, d := range []*device{a, b} {
				if got := number(<-d.out); got != n {
					t.Errorf("packet %d, want %d", got, n)
				}
			}
			if took, want := time.Since(began), time.Duration(10+n)*time.Millisecond; took != want {
				t.Errorf("packet %d comes after %v, want %v", n, took, want)
			}
		}
		if ab, ba := r.Counts(); ab != (Count{3, 3 * (header + 4), 0}) || ba != ab {
			t.Errorf("counts %v, %v", ab, ba)
		}
	})
}

// TestLoss wants the same packets lost for the same seed, and about as many as
// was asked for, others in the other direction, and no ARP.
func TestLoss(t *testing.T) {
	arrived := func(seed uint64) (got [2]map[int]bool) {
		synctest.Test(t, func(t *testing.T) {
			const packets = 4000
			d := [2]*device{newDevice(), newDevice()}
			r := Start(d[0], d[1], Config{Loss: 0.1, Seed: seed})
			defer r.Close()
			for n := range packets {
				for _, from := range d {
					from.in <- packet(typeIPv4, n)
				}
				if n%100 == 0 {
					d[0].in <- packet(typeARP, packets)
				}
			}
			synctest.Wait()
			for i := range d {
				got[i] = make(map[int]bool)
				arps := 0
				for to := d[1-i]; len(to.out) > 0; {
					if n := number(<-to.out); n == packets {
						arps++
					} else {
						got[i][n] = true
					}
				}
				if lost := packets - len(got[i]); lost < packets/12 || lost > packets/8 {
					t.Errorf("%d of %d are lost", lost, packets)
				}
				if want := [2]int{packets / 100, 0}[i]; arps != want {
					t.Errorf("%d of ARP arrive, want %d", arps, want)
				}
			}
			if a, _ := r.Counts(); a.Frames != packets || a.Dropped != int64(packets-len(got[0])) {
				t.Errorf("count %v", a)
			}
		})
		return got
	}
	same := func(a, b map[int]bool) bool {
		for n := range a {
			if !b[n] {
				return false
			}
		}
		return len(a) == len(b)
	}
	one, again, other := arrived(1), arrived(1), arrived(2)
	if !same(one[0], again[0]) || !same(one[1], again[1]) {
		t.Error("the same seed does not lose the same")
	}
	if same(one[0], other[0]) || same(one[0], one[1]) {
		t.Error("another seed, or the other direction, loses the same")
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newDevice(), newDevice()
		r := Start(a, b, Config{Delay: time.Hour})
		a.in <- packet(typeIPv4, 1)
		b.in <- []byte("too short")
		synctest.Wait()
		r.Close()
	})
}
