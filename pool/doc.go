// Package pool holds the sockets of a server: a table of slots, sized once,
// and what a slot may need beside itself.
//
// A slot is 64 bytes, and that is all that a connection with nothing to do
// costs. What work needs comes from bounded stores that all slots share:
//
//   - [Stash] blocks keep what a slow sender has sent so far,
//   - [Outputs] keep what a slow receiver has not taken yet,
//   - [Deadlines] say when each slot's patience ends,
//   - [Ring] orders the slots that wait for a worker,
//   - [Addresses] count the slots of each peer.
//
// The package knows no protocol, reads no clock and starts no goroutine: time
// is an argument. Who serves a slot is package engine's business; the rule
// that makes it safe is here, in [State]: a slot belongs to whoever moved its
// word, by one compare-and-swap, into a state that has an owner.
package pool
