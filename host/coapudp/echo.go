package coapudp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/bobtail-go/bobtail/coap"
)

// Whether a peer is where it says it is. The address of a datagram can be
// forged, and who answers a short question by a long answer serves those who
// want to flood somebody (RFC 7252 section 11.3). So a peer that was not seen
// to get what it is sent gets no more than Amplification times what it has sent,
// and is asked to repeat an Echo option (RFC 9175 section 2.4). Acknowledgements
// and Resets prove nothing: their 16 bits are guessed.
//
// The value is a code of the address and the time, so that nothing needs to be
// kept for who does not come back.

// echoLength is the length of our Echo values in bytes: 2^64 guesses, and 14
// bytes of answer, without a token, to a request of at least 4. That is the one
// answer that may be longer than the limit.
const echoLength = 8

// echoTime is how long a value is good for at least; at most it is twice that.
const echoTime = time.Minute

type echo struct {
	block   cipher.Block
	x       [aes.BlockSize]byte
	numbers [64]byte // of random16
	used    int
}

func (e *echo) init() error {
	var key [16]byte
	if _, err := rand.Read(key[:]); err != nil {
		return err
	}
	e.used = len(e.numbers)
	var err error
	e.block, err = aes.NewCipher(key[:])
	return err
}

// value is the Echo value of an address in a time slot, valid until the next
// call: CBC-MAC, which is sound for what has the same length always.
func (e *echo) value(a netip.AddrPort, slot int64) []byte {
	e.x = a.Addr().As16()
	e.block.Encrypt(e.x[:], e.x[:])
	e.x[0] ^= byte(a.Port() >> 8)
	e.x[1] ^= byte(a.Port())
	for i := range 8 {
		e.x[8+i] ^= byte(slot >> (8 * i))
	}
	e.block.Encrypt(e.x[:], e.x[:])
	return e.x[:echoLength]
}

// check reports whether a value is one that the address was given lately.
func (e *echo) check(a netip.AddrPort, v []byte, now int64) bool {
	if len(v) != echoLength {
		return false
	}
	got := binary.LittleEndian.Uint64(v)
	slot := now / int64(echoTime)
	for range 2 {
		// One comparison of eight bytes takes the same time wherever they differ.
		if binary.LittleEndian.Uint64(e.value(a, slot)) == got {
			return true
		}
		slot--
	}
	return false
}

// random16 is a number that nobody can guess, for the first message ID (RFC
// 7252 sections 4.4 and 11.1).
func (e *echo) random16() uint16 {
	if e.used == len(e.numbers) {
		rand.Read(e.numbers[:]) // never fails
		e.used = 0
	}
	e.used += 2
	return binary.LittleEndian.Uint16(e.numbers[e.used-2:])
}

// What has had an effect cannot be answered as if it had not, so the answers of
// such requests may go beyond the limit of their peer; but all of them together
// no more than excessRate bytes a second, and excessMost at once, which nobody can
// flood anybody with. If that is used up the request is challenged before it is
// looked at.
const (
	excessRate = 16 << 10
	excessMost = 64 << 10
)

// reserve sets bytes of the excess aside for the answer to a request that has an
// effect, and reports whether there are enough.
func (s *Server) reserve(p *endpoint, c coap.Code, now int64) (n int, ok bool) {
	if p.seen || safe(c) || p.budget >= baseMessage {
		return 0, true
	}
	s.refill(now)
	n = baseMessage - max(p.budget, 0)
	if n > s.excess {
		return 0, false
	}
	s.excess -= n
	return n, true
}

// refill adds what time has brought to the excess.
func (s *Server) refill(now int64) {
	// An hour fills it whatever it was, and the product is no number of 64 bits
	// after a week.
	n := min(now-s.filled, int64(time.Hour)) * excessRate / int64(time.Second)
	if s.excess += int(n); s.excess >= excessMost || now-s.filled > int64(time.Hour) {
		s.excess, s.filled = min(s.excess, excessMost), now
		return
	}
	s.filled += n * int64(time.Second) / excessRate // the rest of a byte counts later
}

// overrun takes what an answer of n bytes has beyond the limit of its endpoint
// from the excess.
func (s *Server) overrun(p *endpoint, n int) {
	n -= max(p.budget, 0)
	s.excess -= n
	s.counts.Excess += uint64(n)
	p.budget += n
}

// welcome reports whether a request of a peer that was not seen to be real may
// be looked at, and looks whether it shows that it is. To observe is to ask for
// any number of answers.
func (s *Server) welcome(p *endpoint, d *coap.Datagram, now int64) bool {
	if v, ok := d.Options.Get(coap.OptEcho); ok && s.echo.check(p.addr, v, now) {
		p.seen = true
		return true
	}
	v, ok := d.Options.Uint(coap.OptObserve)
	return !ok || v != 0 || !safe(d.Code)
}

// challenge answers 4.01 with an Echo option (RFC 9175 section 2.3).
func (s *Server) challenge(d *coap.Datagram, from way, ep int32, now int64) {
	s.counts.Challenged++
	var o [coap.MaxOptionHeader + echoLength]byte
	a := *d
	a.Options = coap.AppendOption(o[:0], 0, coap.OptEcho, s.echo.value(from.addr, now/int64(echoTime)))
	s.brief(&a, coap.CodeUnauthorized, from, ep)
}
