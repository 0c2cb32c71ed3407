// Package splittest cuts the input of a parser in every way that a network
// may, and guards the memory that tests lend, for tests.
package splittest

import (
	"bytes"
	"strconv"
	"testing"
)

// Way is one way in which an input arrives.
type Way struct {
	Name string
	Ends []int // after each read, how many bytes of the input are here; the last is all of it
}

// Ways are the ways to run an input of n bytes: whole, byte by byte, and in
// two reads cut at every offset.
func Ways(n int) []Way {
	w := []Way{{"whole", []int{n}}}
	if n < 2 {
		return w
	}
	each := make([]int, n)
	for i := range each {
		each[i] = i + 1
	}
	w = append(w, Way{"byte by byte", each})
	for i := 1; i < n; i++ {
		w = append(w, Way{"cut at " + strconv.Itoa(i), []int{i, n}})
	}
	return w
}

// Trailing are bytes to put behind an input that must not be looked at: what
// would go on with it, what would end it, and what is no text.
var Trailing = []string{"\r\n", "GET / HTTP/1.1\r\n", "0\r\n\r\n", "a", " ", "\x00\xFF\x16\x03"}

// canary surrounds guarded bytes. No parser of text takes it for something.
const canary = "\x00\xFECANARY\xFE"

// Guarded is a copy of an input with nothing behind it: reading past its end
// panics, since its capacity is its length, and writing outside of it is seen.
type Guarded struct {
	Bytes []byte
	whole []byte
}

// Guard copies s between canaries.
func Guard[T ~string | ~[]byte](s T) *Guarded {
	whole := make([]byte, 0, len(s)+2*len(canary))
	whole = append(whole, canary...)
	whole = append(whole, s...)
	whole = append(whole, canary...)
	n := len(canary)
	return &Guarded{whole[n : n+len(s) : n+len(s)], whole}
}

// Intact reports whether nothing outside of the bytes was written.
func (g *Guarded) Intact() bool {
	n := len(canary)
	return string(g.whole[:n]) == canary && string(g.whole[len(g.whole)-n:]) == canary
}

// Rubbish is what Memory is full of.
const Rubbish = 0xA5

// Memory is n bytes of rubbish to lend to what is tested. The test fails at its
// end if anything around them was written.
func Memory(t testing.TB, n int) []byte {
	g := Guard(bytes.Repeat([]byte{Rubbish}, n))
	t.Cleanup(func() {
		if !g.Intact() {
			t.Error("bytes outside of a buffer were written")
		}
	})
	return g.Bytes
}
