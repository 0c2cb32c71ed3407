package pool

import "sync"

// Addresses counts the slots of each peer address, so that one peer cannot
// have them all. It is a hash table of fixed size, twice the number of slots,
// probed in order; entries are shifted back upon removal, so it never fills
// with the dead.
type Addresses struct {
	mu      sync.Mutex
	limit   int
	mask    uint64
	entries []addressEntry
}

type addressEntry struct {
	key   uint64 // 0 if free
	count uint16
}

func addressSlots(slots int) int {
	n := 8
	for n < 2*slots {
		n *= 2
	}
	return n
}

func (a *Addresses) init(slots, limit int) {
	a.limit = limit
	if limit == 0 {
		return
	}
	a.entries = make([]addressEntry, addressSlots(slots))
	a.mask = uint64(len(a.entries) - 1)
}

// Limited reports whether there is a limit at all.
func (a *Addresses) Limited() bool { return a.limit > 0 }

// AddressKey is the key of an address of 16 bytes, IPv4 mapped into IPv6 (RFC
// 4291 section 2.5.5.2). Of IPv6 addresses the first 64 bits count, since a
// peer commonly has all addresses of such a prefix (RFC 7421). The mapping is
// one to one for each kind, so no two peers share a key.
func AddressKey(ip [16]byte) uint64 {
	var x uint64
	from, zero := 0, true
	for i := range 10 {
		zero = zero && ip[i] == 0
	}
	if zero && ip[10] == 0xff && ip[11] == 0xff {
		from = 8
	}
	for i := range 8 {
		x = x<<8 | uint64(ip[from+i])
	}
	// The finalizer of SplitMix64, which is a bijection.
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	if x == 0 {
		x = 1
	}
	return x
}

// Add counts the slot, which the caller owns, under a key. It fails if the
// peer has as many as it may.
func (a *Addresses) Add(s *Slot, key uint64) bool {
	if a.limit == 0 {
		return true
	}
	a.mu.Lock()
	ok := a.addLocked(s, key)
	a.mu.Unlock()
	return ok
}

// addLocked is Add under the lock.
func (a *Addresses) addLocked(s *Slot, key uint64) bool {
	i := a.find(key)
	e := &a.entries[i]
	if int(e.count) >= a.limit {
		return false
	}
	e.key = key
	e.count++
	s.address = key
	return true
}

// Remove stops counting the slot.
func (a *Addresses) Remove(s *Slot) {
	if s.address == 0 {
		return
	}
	a.mu.Lock()
	a.removeLocked(s)
	a.mu.Unlock()
}

// removeLocked is Remove under the lock.
func (a *Addresses) removeLocked(s *Slot) {
	i := a.find(s.address)
	s.address = 0
	a.entries[i].count--
	if a.entries[i].count > 0 {
		return
	}
	a.entries[i].key = 0
	// What was pushed past this place moves back into it.
	for j := (i + 1) & a.mask; a.entries[j].key != 0; j = (j + 1) & a.mask {
		home := a.entries[j].key & a.mask
		if (j-home)&a.mask >= (j-i)&a.mask {
			a.entries[i] = a.entries[j]
			a.entries[j] = addressEntry{}
			i = j
		}
	}
}

// find is the place of a key, or the free place where it belongs.
func (a *Addresses) find(key uint64) uint64 {
	i := key & a.mask
	for a.entries[i].key != 0 && a.entries[i].key != key {
		i = (i + 1) & a.mask
	}
	return i
}
