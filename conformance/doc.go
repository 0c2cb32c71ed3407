// Package conformance holds what others think of Bobtail: its tests drive the
// program of cmd/bobtail, and servers of the tests' own, by curl and by a
// browser (Chromium, without a window), and have its WebSockets, of servers and
// of clients, talk to those of other packages and keep to the cases of the
// Autobahn test suite; and have its CoAP talk, both ways, over TCP and UDP, to
// the programs of libcoap and to go-coap. It is a module of its own, so that
// nothing of what it needs is needed by those who use the library.
//
// What is not on the machine is not tested, and a line says so; where the
// variable CONFORMANCE is "all", that is a failure. It is left out of the
// parts unit and race of the project's test.sh and has one of its own, peers,
// which installs the tools where it may.
package conformance
