package memory

import (
	"io"

	"github.com/bobtail-go/bobtail/transport"
)

var _ transport.FileSender = (*Network)(nil)

// fileBase is the descriptor of the first file, far from those of the system,
// so that one is not taken for the other.
const fileBase = 1 << 20

// AddFile gives a file a descriptor for SendFile, which knows no other. It
// stays until the network is collected.
func (n *Network) AddFile(f io.ReaderAt) (fd uintptr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.files = append(n.files, f)
	return fileBase + uintptr(len(n.files)) - 1
}

// SendFile implements transport.FileSender. A descriptor that AddFile has not
// given fails with ErrNotSupported.
func (n *Network) SendFile(s transport.Stream, head []byte, fd uintptr, off int64, k int) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	sent, err := n.sendPiece(s, head)
	if err != nil || sent < len(head) || k <= 0 {
		return sent, err
	}
	if fd < fileBase || fd-fileBase >= uintptr(len(n.files)) {
		return sent, transport.ErrNotSupported
	}
	if n.scratch == nil {
		n.scratch = make([]byte, n.cfg.Pipe)
	}
	for k > 0 {
		b := n.scratch[:min(k, len(n.scratch))]
		got, ended := n.files[fd-fileBase].ReadAt(b, off)
		if got < len(b) && ended == nil {
			panic("memory: a file's ReadAt has given less than it was asked for, and no error")
		}
		if got == 0 {
			return sent, transport.EOF
		}
		took, err := n.sendPiece(s, b[:got])
		sent, off, k = sent+took, off+int64(took), k-took
		if err == transport.ErrWouldBlock && sent > 0 {
			return sent, nil
		}
		if err != nil || took < got {
			return sent, err
		}
	}
	return sent, nil
}

func (n *Network) sendPiece(s transport.Stream, b []byte) (int, error) {
	n.piece[0] = b
	k, err := n.sendBytes(s, n.piece[:])
	n.piece[0] = nil
	return k, err
}
