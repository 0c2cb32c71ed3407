package site

import "github.com/bobtail-go/bobtail"

// statsRoom is enough for each part of the statistics, in bytes: six numbers of
// twenty digits, and their names.
const statsRoom = 256

// stats answers with the counts of the server and the board, as JSON. It is
// made part by part, so that it needs few bytes of the request's arena.
func (s *Site) stats(w bobtail.Response, r *bobtail.Request) error {
	b, err := r.Alloc(statsRoom)
	if err != nil {
		return err
	}
	v := s.srv.Stats()
	body, err := w.Status(200).Header("Content-Type", "application/json").Header("Cache-Control", "no-store").Stream()
	if err != nil {
		return err
	}
	s.mu.Lock()
	b = s.appendBoard(append(b[:0], '{'))
	s.mu.Unlock()
	b = number(b, `,"memory":`, s.memory)
	if _, err = body.Write(b); err != nil {
		return err
	}
	if _, err = body.Write(appendNow(b[:0], &v)); err != nil {
		return err
	}
	b = number(b[:0], `,"requests":`, v.Requests.Total())
	if s.messages != nil {
		b = number(b, `,"messages":`, s.messages())
	}
	if s.requests != nil {
		b = number(b, `,"coap":`, s.requests())
	}
	b = number(b, `,"received":`, v.Received)
	b = number(b, `,"sent":`, v.Sent)
	if _, err = body.Write(b); err != nil {
		return err
	}
	if _, err = body.Write(appendConnections(b[:0], &v)); err != nil {
		return err
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

func appendNow(b []byte, v *bobtail.Stats) []byte {
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

func appendConnections(b []byte, v *bobtail.Stats) []byte {
	b = number(b, `,"connections":{"accepted":`, v.Accepted)
	b = number(b, `,"refused":`, v.Refused)
	b = number(b, `,"evicted":`, v.Evicted)
	b = number(b, `,"stalled":`, v.Stalled)
	b = number(b, `,"reclaimed":`, v.Reclaimed)
	return append(b, '}')
}
