// Package lneto is a backend over lneto, a TCP/IP stack that is ordinary Go
// code: no operating system is needed below it, only something that sends and
// receives Ethernet frames.
//
// A program makes a [Backend] with [New], gives it to the server, and lets a
// goroutine [Backend.Run] it over its network card, a [NIC]; or it calls
// [Backend.Step] itself, as often as it likes.
package lneto
