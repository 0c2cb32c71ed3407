// Package coapconn is one connection of CoAP over a reliable stream of bytes
// (RFC 8323).
package coapconn
