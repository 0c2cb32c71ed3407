package coapudp

import (
	"math/rand/v2"
	"time"
)

// Transmission has the parameters of RFC 7252 section 4.8. A zero field has the
// default that its comment names, which is that of the RFC. Both ends should
// have the same; ends that do not know each other have the defaults.
type Transmission struct {
	// AckTimeout is how long the peer has to acknowledge a confirmable message
	// before it is sent again; 0 is 2 s. Each further attempt has twice as long.
	// It should not be less than a second without a way to avoid congestion
	// (section 4.8.1); at most a minute.
	AckTimeout time.Duration

	// RandomFactor is how many times as long the first attempt may last at most,
	// by chance; 0 is 1.5. From 1 to 4.
	RandomFactor float64

	// MaxRetransmit is how often a message is sent again; 0 is 4, -1 is never;
	// at most 10.
	MaxRetransmit int

	// NStart is how many interactions with a peer may be outstanding at a time
	// (section 4.7); 0 is 1, at most 1024. The rest wait.
	NStart int
}

// maxLatency is how long a datagram may be under way (RFC 7252 section 4.8.2).
const maxLatency = 100 * time.Second

func (t *Transmission) setDefaults() {
	or(&t.AckTimeout, 2*time.Second)
	or(&t.RandomFactor, 1.5)
	or(&t.MaxRetransmit, 4)
	if t.MaxRetransmit == -1 {
		t.MaxRetransmit = 0
	}
	or(&t.NStart, 1)
}

// check names the field that is out of its bounds, "" if none is.
func (t *Transmission) check() string {
	switch {
	case t.AckTimeout < 0 || t.AckTimeout > time.Minute:
		return "AckTimeout"
	case t.RandomFactor != 0 && !(t.RandomFactor >= 1 && t.RandomFactor <= 4): // nor NaN
		return "RandomFactor"
	case t.MaxRetransmit < -1 || t.MaxRetransmit > 10:
		return "MaxRetransmit"
	case t.NStart < 0 || t.NStart > 1024:
		return "NStart"
	}
	return ""
}

// first is how long the first attempt lasts: between ACK_TIMEOUT and
// ACK_TIMEOUT * ACK_RANDOM_FACTOR (RFC 7252 section 4.2).
func (t *Transmission) first() time.Duration {
	return t.AckTimeout + time.Duration(rand.Float64()*(t.RandomFactor-1)*float64(t.AckTimeout))
}

// span is MAX_TRANSMIT_SPAN: how long after the first the last attempt may be.
func (t *Transmission) span() time.Duration {
	return time.Duration(float64(t.AckTimeout) * float64(int(1)<<t.MaxRetransmit-1) * t.RandomFactor)
}

// exchangeLifetime is EXCHANGE_LIFETIME: how long after its first attempt a
// confirmable message, or its answer, may still be seen. PROCESSING_DELAY is
// ACK_TIMEOUT.
func (t *Transmission) exchangeLifetime() time.Duration {
	return t.span() + 2*maxLatency + t.AckTimeout
}

// nonLifetime is NON_LIFETIME: the same for a non-confirmable message, which
// may be repeated as often as a confirmable one.
func (t *Transmission) nonLifetime() time.Duration { return t.span() + maxLatency }

func or[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}
