// Package epoll is the backend of Linux: raw system calls, no package net, no
// goroutine. A stream is a descriptor and 16 bytes, so a parked connection costs
// little more than the kernel's socket and the pool's slot.
//
// Each lane is an epoll instance. A stream is registered once, edge-triggered
// for both directions, and never again: a receive that comes up short says
// that the socket is empty, which saves the call that would have failed. A
// listener is level-triggered, on lane 0.
//
// # Waiting
//
// What a Go program pays around each system call is the scheduler's
// bookkeeping, and a server that waits, receives and sends for every request
// pays it three times. Receive and Send never block and are made as raw calls
// which the scheduler does not notice. A wait is raw too, for at most a
// millisecond, since it holds the processor for Go; only when that came back
// empty does it become a blocking call that gives the processor away. Under
// load a raw wait always finds something, so that the processor would never
// be given away: a lane therefore yields once a millisecond. Under TinyGo a
// goroutine is a thread, the scheduler has nothing to notice, and every wait
// simply blocks.
//
// # Sending
//
// Short answers to what a Wait has told of are sent together, before the lane
// waits again: see stage. Under TinyGo each is sent at once.
//
// The package builds with Go and with TinyGo, for Linux on amd64 and arm64.
package epoll
