// Package resource has the handlers of CoAP, whatever carries them: a Router
// finds what handles a request, and an Exchange serves one at a time.
package resource
