// Tiny is a server of HTTP, WebSocket and CoAP over TCP that is a static program
// of some 30 KB when TinyGo compiles it, and has no heap.
package main
