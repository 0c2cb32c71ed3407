package main

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strconv"
	"sync"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
)

// sums takes payloads of any length, block by block, and answers with their
// length and SHA-256. It keeps nothing else of them.
type sums struct {
	mu   sync.Mutex
	free *sum // those that were used before
}

// sum is a payload that is coming. There are at most as many as there are
// transfers.
type sum struct {
	next   *sum
	hash   hash.Hash
	size   uint64
	digest [sha256.Size]byte
	text   [20 + len(" ") + 2*sha256.Size]byte
}

func (s *sums) get() *sum {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.free
	if v == nil {
		return &sum{hash: sha256.New()}
	}
	s.free = v.next
	v.size = 0
	v.hash.Reset()
	return v
}

func (s *sums) put(v *sum) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.next, s.free = s.free, v
}

// dropped is told of a payload whose end will not come.
func (s *sums) dropped(value any) {
	if v, ok := value.(*sum); ok {
		s.put(v)
	}
}

func (s *sums) take(w resource.Response, r *resource.Request, p resource.Part) error {
	v, ok := r.Value().(*sum)
	if !ok {
		v = s.get()
		r.SetValue(v)
	}
	v.hash.Write(p.P)
	v.size += uint64(len(p.P))
	if !p.Last {
		return nil
	}
	b := append(strconv.AppendUint(v.text[:0], v.size, 10), ' ')
	err := w.Code(coap.CodeChanged).Format(coap.FormatText).Bytes(hex.AppendEncode(b, v.hash.Sum(v.digest[:0])))
	s.put(v)
	return err
}
