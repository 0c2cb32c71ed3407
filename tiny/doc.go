// Tiny is a server of HTTP/1.1, WebSocket and CoAP over TCP for Linux that TinyGo
// makes a static program of 43 KB, 36 KB without CoAP (the tag nocoap), and that
// has no heap at all. It takes protocols from packages http1, ws and coap, and
// has instead of package engine a loop of its own: threads with an epoll instance
// and a listener each, and connections in an array. Go builds the same program,
// which is larger.
//
//	tiny [-v] [-t SECONDS] [WORKERS [IP [PORT [COAP-PORT]]]]
//
// # What it serves
//
// A page at /, /plaintext, /json, /stats, /sleep?ms=N, and POST /echo; WebSockets
// that echo at /ws, for pages of its own; and as CoAP /hello, /time, POST /echo and
// /.well-known/core. Content and messages of any length are echoed as they come.
// CoAP messages have at most 1152 bytes, and are not sent by blocks.
//
// # Limits
//
// What must be kept of the head of a request may have 2048 bytes, its target 1024;
// the rest of the head is checked and forgotten. A client has the time of -t for a
// head, for each 2560 bytes of content, and to read what it is sent, at 256 bytes a
// second beyond; six times of it between requests, and before it is pinged. There
// are 16384 slots for connections, shared by the workers evenly. When those of a
// worker, or the descriptors, are taken, the client that has been idle longest
// gives way, and while nobody is idle, new ones are left to the kernel.
//
// SIGINT and SIGTERM end the program in order: WebSockets get 1001, CoAP peers a
// Release, and requests under way their answer. A second signal ends it at once.
package main
