// Package wsconn speaks WebSocket over any stream of bytes, as server or as
// client, in the caller's memory. It is the protocol of package ws with the
// waiting added, and needs no server and no operating system.
package wsconn
