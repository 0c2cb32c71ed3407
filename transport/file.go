package transport

// FileSender is what a backend may be beside a Backend: it sends content of the
// system's files without taking it through the program's memory.
type FileSender interface {
	// SendFile takes bytes as Send does: head, and then n bytes of the file fd
	// from offset off on, as far as they fit. It returns how many it has taken
	// of both. What it has not taken, and no error, says that the stream is
	// full, and room raises a new Writable event.
	//
	// The errors are those of Send, and more: ErrNotSupported says that this
	// file cannot be sent so, and its content must be read and given to Send;
	// EOF, that the file has ended before off+n. Both may come after bytes were
	// taken. The file's own offset is neither used nor moved. fd is the
	// caller's, open until the call returns, which it does without waiting for
	// the peer; for the disk it may wait.
	SendFile(s Stream, head []byte, fd uintptr, off int64, n int) (int, error)
}
