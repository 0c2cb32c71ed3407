//go:build (amd64 || arm64) && nocoap

package main

// What is left of CoAP where it is left out.

const hasCoAP = false

type session struct{}

func (w *worker) greet(c *conn)                 {}
func (w *worker) coap(c *conn, b []byte) []byte { return nil }
func (w *worker) pingCoAP()                     {}
func (w *worker) release(c *conn)               {}
