package netstd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"testing"

	"github.com/bobtail-go/bobtail/transport"
)

func TestErrorOf(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want transport.Error
	}{
		{"end", io.EOF, transport.EOF},
		{"an error of ours", fmt.Errorf("wrapped: %w", transport.ErrDescriptors), transport.ErrDescriptors},
		{"closed by us", &net.OpError{Err: net.ErrClosed}, transport.ErrClosed},
		{"deadline", &net.OpError{Err: os.ErrDeadlineExceeded}, transport.ErrTimedOut},
		{"context's deadline", context.DeadlineExceeded, transport.ErrTimedOut},
		{"context canceled", context.Canceled, transport.ErrClosed},
		{"pipe closed by the peer", io.ErrClosedPipe, transport.ErrReset},
		{"cut inside a record", io.ErrUnexpectedEOF, transport.ErrReset},
		{"permission", fs.ErrPermission, transport.ErrPermission},
		{"another timeout", &net.DNSError{IsTimeout: true}, transport.ErrTimedOut},
		{"no name here", errors.New("surprise"), transport.ErrSystem},
	} {
		if got := errorOf(tt.err); got != tt.want {
			t.Errorf("%s: errorOf(%v) = %v, want %v", tt.name, tt.err, got, tt.want)
		}
	}
}
