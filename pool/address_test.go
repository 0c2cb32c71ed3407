package pool_test

import (
	"math/rand/v2"
	"testing"

	"github.com/bobtail-go/bobtail/pool"
)

func withAddresses(slots, limit int) *pool.Pool {
	p := pool.New(pool.Config{Slots: slots, Stash: 1, StashSize: 64, Blocks: 1, BlockSize: 64, Nodes: 1, PerAddress: limit})
	for range slots {
		p.Acquire()
	}
	return p
}

// TestAddressesModel counts at random, with keys that collide, and compares
// with a map.
func TestAddressesModel(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 4))
		slots, limit := 1+rng.IntN(20), 1+rng.IntN(4)
		p := withAddresses(slots, limit)
		mask := p.Addresses.Mask()
		keys := make([]uint64, slots+3)
		for i := range keys {
			// The same few places to begin at, one of them the last, so that
			// entries are pushed on, also round the end.
			keys[i] = (uint64(i)+1)*(mask+1) + []uint64{0, 1, mask, mask - 1}[rng.IntN(4)]
		}
		model := map[uint64]int{}
		of := make([]uint64, slots)
		for step := range 600 {
			i := rng.IntN(slots)
			s := p.Slot(i)
			if of[i] == 0 {
				key := keys[rng.IntN(len(keys))]
				want := model[key] < limit
				if got := p.Addresses.Add(s, key); got != want {
					t.Fatalf("seed %d step %d: Add(%#x) = %v with %d of %d", seed, step, key, got, model[key], limit)
				}
				if want {
					model[key]++
					of[i] = key
				}
			} else {
				p.Addresses.Remove(s)
				if model[of[i]]--; model[of[i]] == 0 {
					delete(model, of[i])
				}
				of[i] = 0
			}
			for _, key := range keys {
				if got := p.Addresses.Count(key); got != model[key] {
					t.Fatalf("seed %d step %d: %#x is counted %d times, want %d", seed, step, key, got, model[key])
				}
			}
			if got := p.Addresses.Entries(); got != len(model) {
				t.Fatalf("seed %d step %d: %d entries for %d addresses", seed, step, got, len(model))
			}
		}
	}
}

func TestNoAddressLimit(t *testing.T) {
	p := withAddresses(2, 0)
	for i := range 2 {
		if !p.Addresses.Add(p.Slot(i), 5) {
			t.Errorf("slot %d is turned away", i)
		}
		p.Addresses.Remove(p.Slot(i))
	}
	if p.Addresses.Limited() || !withAddresses(1, 1).Addresses.Limited() {
		t.Error("Limited is wrong")
	}
}

// TestRemoveTwice is what Release after Remove does.
func TestRemoveTwice(t *testing.T) {
	p := withAddresses(2, 2)
	p.Addresses.Add(p.Slot(0), 5)
	p.Addresses.Add(p.Slot(1), 5)
	p.Addresses.Remove(p.Slot(0))
	p.Addresses.Remove(p.Slot(0))
	if n := p.Addresses.Count(5); n != 1 {
		t.Errorf("the other slot of the address is counted %d times", n)
	}
}

func TestAddressKey(t *testing.T) {
	ip := func(b ...byte) (a [16]byte) { copy(a[:], b); return a }
	v4 := func(a, b, c, d byte) [16]byte {
		return ip(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d)
	}
	for _, tt := range []struct {
		name string
		a, b [16]byte
		same bool
	}{
		{"one IPv4 address", v4(192, 0, 2, 1), v4(192, 0, 2, 1), true},
		{"two IPv4 addresses", v4(192, 0, 2, 1), v4(192, 0, 2, 2), false},
		{"IPv4 addresses that differ in front", v4(192, 0, 2, 1), v4(193, 0, 2, 1), false},
		{"two hosts of one IPv6 network are one peer", ip(0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 1), ip(0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 2), true},
		{"two IPv6 networks", ip(0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 1), ip(0x20, 1, 0xd, 0xb8, 0, 0, 0, 2, 1), false},
		{"an IPv6 address that nearly maps one of IPv4", v4(192, 0, 2, 1), ip(0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0xff, 0xff, 192, 0, 2, 1), false},
		{"no address and the loopback address, both of which are nobody's", [16]byte{}, [16]byte{15: 1}, true},
	} {
		a, b := pool.AddressKey(tt.a), pool.AddressKey(tt.b)
		if (a == b) != tt.same || a == 0 || b == 0 {
			t.Errorf("%s: keys %#x, %#x", tt.name, a, b)
		}
	}
	// The mapping of IPv4 is one to one: no two of many are the same.
	seen := map[uint64]bool{}
	for i := range 1 << 16 {
		seen[pool.AddressKey(v4(10, byte(i>>8), byte(i), byte(i*7)))] = true
	}
	if len(seen) != 1<<16 {
		t.Errorf("%d keys of %d addresses", len(seen), 1<<16)
	}
}
