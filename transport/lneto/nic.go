package lneto

// NIC is a network card. Only Step calls it, from one goroutine at a time.
type NIC interface {
	// Send sends one Ethernet frame, without its checksum. The driver has
	// copied it when Send returns. It fails with transport.ErrWouldBlock when
	// it has no room; the stack tries again in a later Step. The frame is lost
	// at any other error.
	Send(frame []byte) error

	// Receive puts one frame that came, without its checksum, into buf, which
	// has room for the largest (14 bytes and the MTU), and returns its length;
	// 0 and nil if there is none. It drops a frame that does not fit. An error
	// ends the Step.
	Receive(buf []byte) (int, error)
}
