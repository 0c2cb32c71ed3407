//go:build !unix

package netstd

import (
	"net"
	"time"
)

// hasRaw says that streams can do without buffers.
const hasRaw = false

func newRaw(*stream, net.Conn) conduit { return nil }

// drainTime is how long acceptNow waits: package net has no way to take a
// client only if one waits.
const drainTime = 5 * time.Millisecond

func acceptNow(l net.Listener) (net.Conn, error) { return acceptSoon(l, drainTime) }

func quiet(net.Listener) {}
