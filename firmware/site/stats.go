package site

import "github.com/bobtail-go/bobtail"

// statsRoom is enough for each part of the statistics, in bytes: eight numbers of
// twenty digits, and their names.
const statsRoom = 320

// stats answers with the counts of the server and the board, as JSON. It is
// made part by part, so that it needs few bytes of the request's arena.
func (s *Site) stats(w bobtail.Response, r *bobtail.Request) error {
	b, err := r.Alloc(statsRoom)
	if err != nil {
		return err
	}
	body, err := w.Status(200).Header("Content-Type", "application/json").Header("Cache-Control", "no-store").Stream()
	if err != nil {
		return err
	}
	for _, part := range [...]func(s *Site, b []byte) []byte{(*Site).appendSelf, (*Site).appendNow, (*Site).appendTraffic, (*Site).appendConnections} {
		// Nobody may hold the lock while he waits for a peer.
		s.mu.Lock()
		b = part(s, b[:0])
		s.mu.Unlock()
		if _, err = body.Write(b); err != nil {
			return err
		}
	}
	for i := 0; s.board.Stack != nil; i++ {
		name, used, size := s.board.Stack(i)
		if name == "" {
			break
		}
		b = append(b[:0], `,"stack `...)
		b = append(b, name...)
		b = number(b, `":[`, used)
		b = append(number(b, `,`, size), ']')
		if _, err = body.Write(b); err != nil {
			return err
		}
	}
	if err = body.WriteString("}\n"); err != nil {
		return err
	}
	return body.Close()
}

// The parts of the statistics, with mu held. The first reads what the next two
// tell.

func (s *Site) appendSelf(b []byte) []byte {
	s.srv.ReadStats(&s.counts)
	return number(s.appendBoard(append(b, '{')), `,"memory":`, s.memory)
}

func (s *Site) appendNow(b []byte) []byte {
	v := &s.counts
	b = number(b, `,"sockets":{"all":`, uint64(v.Sockets))
	b = number(b, `,"open":`, uint64(v.Open))
	b = number(b, `,"parked":`, uint64(v.Parked))
	b = number(b, `},"workers":{"all":`, uint64(v.Workers))
	b = number(b, `,"busy":`, uint64(v.Busy))
	b = number(b, `,"lent":`, uint64(v.Lent))
	b = number(b, `},"blocks":{"stash":`, uint64(v.Stash))
	b = number(b, `,"output":`, uint64(v.OutputBlocks))
	return append(b, '}')
}

func (s *Site) appendTraffic(b []byte) []byte {
	v := &s.counts
	b = number(b, `,"requests":`, v.Requests.Total())
	if s.messages != nil {
		b = number(b, `,"messages":`, s.messages())
	}
	if s.requests != nil {
		b = number(b, `,"coap":`, s.requests())
	}
	b = number(b, `,"received":`, v.Received)
	return number(b, `,"sent":`, v.Sent)
}

func (s *Site) appendConnections(b []byte) []byte {
	v := &s.counts
	b = number(b, `,"connections":{"accepted":`, v.Accepted)
	b = number(b, `,"refused":`, v.Refused)
	b = number(b, `,"evicted":`, v.Evicted)
	b = number(b, `,"stalled":`, v.Stalled)
	b = number(b, `,"reclaimed":`, v.Reclaimed)
	return append(b, '}')
}
