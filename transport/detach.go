package transport

// Descriptor is the system's descriptor of a stream that was detached, for
// whoever has it to close. It does not block.
type Descriptor uintptr

// Detacher is what a backend may be beside a Backend: it can give a stream
// away, for a program that takes a connection over.
type Detacher interface {
	// Detach ends the events of a stream, and its name, without closing it,
	// and gives it to the caller: as a Descriptor, as a net.Conn, or as an
	// io.ReadWriteCloser, with all that was received and not taken yet still
	// to be read. It may wait for bytes that Send has taken to leave. On error
	// the stream is as it was. It may allocate.
	Detach(s Stream) (any, error)
}
