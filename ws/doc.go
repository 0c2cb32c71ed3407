// Package ws is the WebSocket protocol (RFC 6455) without I/O: frames, the
// rules of a connection and its handshake, for both roles, over the caller's
// bytes. Nothing here allocates or knows a stream, a clock or a server.
package ws
