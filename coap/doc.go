// Package coap is the Constrained Application Protocol without I/O: messages
// over reliable transports (RFC 8323) and over UDP (RFC 7252), options, blocks
// and signaling.
package coap
