// Package http1 is HTTP/1.1 without I/O, in the role of a server: bytes in,
// values and bytes out (RFC 9110, RFC 9112).
package http1
