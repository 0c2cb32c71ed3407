package websocket

import (
	"io"
	"sync"

	"github.com/bobtail-go/bobtail/ws"
)

// keys are masking keys for frames that we send as a client: unpredictable ones
// (RFC 6455 section 5.3), read from the source of entropy many at a time.
type keys struct {
	mu   sync.Mutex
	rand io.Reader
	buf  [256]byte
	left int
	err  error
}

// next is a fresh key. It reports false if the source has failed: then nothing
// may be sent.
func (k *keys) next() (ws.Key, bool) {
	k.mu.Lock()
	defer k.mu.Unlock() // also if the source panics
	if k.left == 0 {
		if k.err == nil {
			k.fill()
		}
		k.left = len(k.buf)
	}
	k.left -= 4
	b := k.buf[k.left:]
	return ws.Key(b[0]) | ws.Key(b[1])<<8 | ws.Key(b[2])<<16 | ws.Key(b[3])<<24, k.err == nil
}

// fill reads fresh bytes, as io.ReadFull does, which compares interfaces.
func (k *keys) fill() {
	n := 0
	for n < len(k.buf) && k.err == nil {
		m := 0
		m, k.err = k.rand.Read(k.buf[n:])
		n += m
	}
	if n == len(k.buf) {
		k.err = nil
	}
}

// mask gives the header of a frame a fresh key. It fails with ErrNoRand. Somebody
// has dialled.
func (d *Driver) mask(h *ws.Header) error {
	key, ok := d.client.Load().key(&d.keys)
	if !ok {
		return ErrNoRand
	}
	h.Key, h.Masked = key, true
	return nil
}
