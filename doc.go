// Package bobtail serves HTTP/1.1 from a fixed pool of cheap sockets and a few
// workers that own the memory.
//
// A [Server] has Config.Sockets slots of some dozens of bytes, in which
// connections wait, and Config.Workers workers, each with Config.WorkerMemory
// bytes, on which handlers run. A connection with nothing to do costs its
// slot: no goroutine, no stack, no buffer. All memory is there when [New]
// returns; serving allocates nothing.
//
// Handlers are written straight down. They stage an answer by types (status,
// fields, one body), may read content and write an answer of any length, and
// may take their time: who waits, or is slow, holds up nobody else.
//
// The same handlers run over any backend of package transport: raw epoll on
// Linux (the default there), package net elsewhere, and a TCP/IP stack in
// user space on a microcontroller.
package bobtail
