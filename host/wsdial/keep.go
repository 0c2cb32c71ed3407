package wsdial

import (
	"sync"
	"time"
)

// keeper pings a peer that is silent, and closes the connection if it stays
// so. Whatever comes is a sign of life. Nobody may be reading, who could see
// one: then the peer is not to blame.
type keeper struct {
	c             *Conn
	every, within time.Duration

	mu     sync.Mutex
	timer  *time.Timer // nil once it is over
	pinged int64       // when a ping was sent that is not answered, 0 if there is none
	asking bool        // a ping is being sent
}

func keep(c *Conn, every, within time.Duration) *keeper {
	k := &keeper{c: c, every: every, within: within}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.timer = time.AfterFunc(every, k.tick)
	return k
}

func (k *keeper) stop() {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.timer != nil {
		k.timer.Stop()
		k.timer = nil
	}
}

// tick runs when a ping or an answer may be due.
func (k *keeper) tick() {
	k.mu.Lock()
	if k.timer == nil {
		k.mu.Unlock()
		return
	}
	now, heard, waits := clock(), k.c.stream.heard.Load(), k.c.stream.waits.Load()
	if k.pinged != 0 && heard < k.pinged {
		if waits != 0 && waits <= k.pinged {
			k.mu.Unlock()
			k.c.stream.fail(ErrUnanswered)
			return
		}
		// Whoever begins to read now has all of the time to find an answer.
		k.pinged = now
		k.timer.Reset(k.within)
		k.mu.Unlock()
		return
	}
	k.pinged = 0
	if silent := time.Duration(now - heard); silent < k.every {
		k.timer.Reset(k.every - silent)
		k.mu.Unlock()
		return
	}
	// The timer runs before the ping is sent, which may take for ever.
	k.pinged = now
	k.timer.Reset(k.within)
	asking := k.asking
	k.asking = true
	k.mu.Unlock()
	if asking {
		return // one that waits for the frame under way is as good as many
	}
	k.c.Ping(nil) // if this fails, so does reading
	k.mu.Lock()
	k.asking = false
	k.mu.Unlock()
}
