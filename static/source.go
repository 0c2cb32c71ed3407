package static

import (
	"io"

	"github.com/bobtail-go/bobtail/web"
)

// Source is content that is read as it is sent.
type Source interface {
	ReadAt(p []byte, off int64) (int, error)
	Close() error
}

// errEnd is the end of a source.
var errEnd = io.EOF

// sendSource ends a response with n bytes of a source, which it closes.
func sendSource(h web.Head, r *web.Request, src Source, off, n int64) error {
	defer src.Close()
	b, err := h.StreamN(uint64(n))
	if err != nil {
		return err
	}
	if r.Method().String() == "HEAD" {
		return b.Close()
	}
	buf, err := r.Alloc(512)
	if err != nil {
		return err
	}
	for n > 0 {
		k, err := src.ReadAt(buf[:min(int64(len(buf)), n)], off)
		if k == 0 {
			return err
		}
		if _, err := b.Write(buf[:k]); err != nil {
			return err
		}
		off, n = off+int64(k), n-int64(k)
	}
	return b.Close()
}
