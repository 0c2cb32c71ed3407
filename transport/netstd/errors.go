package netstd

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"

	"github.com/bobtail-go/bobtail/transport"
)

// errorOf is the transport's name for an error of package net.
func errorOf(err error) transport.Error {
	var e transport.Error
	var netErr net.Error
	switch {
	case err == io.EOF:
		return transport.EOF
	case errors.As(err, &e):
		return e
	}
	if e = errnoOf(err); e != 0 {
		return e
	}
	switch {
	case errors.Is(err, net.ErrClosed), errors.Is(err, context.Canceled):
		return transport.ErrClosed
	case errors.Is(err, io.ErrClosedPipe), errors.Is(err, io.ErrUnexpectedEOF):
		return transport.ErrReset
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return transport.ErrTimedOut
	case errors.Is(err, fs.ErrPermission):
		return transport.ErrPermission
	case errors.As(err, &netErr) && netErr.Timeout():
		return transport.ErrTimedOut
	}
	return transport.ErrSystem
}
