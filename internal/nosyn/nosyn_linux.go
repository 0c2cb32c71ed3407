package nosyn

import (
	"syscall"
	"time"
)

// moment is how long a handshake that is under way may take to reach the
// queue: a busy machine may leave the kernel's own work for some milliseconds.
// Once in the life of a server there is time for it.
const moment = 20 * time.Millisecond

// Attach makes the kernel drop the segments that would begin a connection of
// the socket (SYN without ACK), so that their senders try again until somebody
// else listens. Without filters in the kernel, or permission, it makes the
// queue as short as it can be, which may turn away a client whose handshake
// is under way.
func Attach(fd int) {
	// A classic Berkeley packet filter sees a segment from the first byte of
	// its TCP header on (RFC 9293 section 3.1).
	//lint:ignore SA1019 what is named instead is a dependency
	err := syscall.AttachLsf(fd, []syscall.SockFilter{
		{Code: syscall.BPF_LD | syscall.BPF_B | syscall.BPF_ABS, K: 13},           // the byte of the flags
		{Code: syscall.BPF_ALU | syscall.BPF_AND | syscall.BPF_K, K: 0x12},        // SYN and ACK
		{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, Jf: 1, K: 0x02}, // SYN alone?
		{Code: syscall.BPF_RET | syscall.BPF_K, K: 0},                             // take nothing of it
		{Code: syscall.BPF_RET | syscall.BPF_K, K: 0xFFFF_FFFF},                   // take all
	})
	if err != nil {
		syscall.Listen(fd, 0)
	}
	time.Sleep(moment)
}
