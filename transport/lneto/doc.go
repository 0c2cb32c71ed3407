// Package lneto is a backend over lneto, a TCP/IP stack that is ordinary Go
// code: no operating system is needed below it, only something that sends and
// receives Ethernet frames.
//
// A program makes a [Backend] with [New], gives it to the server, and lets a
// goroutine [Backend.Run] it over its network card, a [NIC]; or it calls
// [Backend.Step] itself, as often as it likes. All memory is made by New; how
// much that is, [Config.Memory] tells.
//
// # What there is
//
// IPv4 with one address, fixed or by DHCP (RFC 2131), ARP, answers to ICMP
// echo, and TCP: a fixed number of connections, each with a receive and a
// transmit buffer of its own. lneto keeps the state of TCP, the buffers and the
// order of bytes. Round-trip times, retransmission, congestion (RFC 5681, 6298),
// probes, keep-alive, resets, and what a segment has to be before lneto sees it,
// are this package's; the comment of the type stream tells why.
//
// There is no IPv6: lneto v0.3.2 has frames, neighbour discovery and an echo
// client for it, but no duplicate address detection and no answer to router
// advertisements, so that a machine would have no address beyond its link. There
// are no fragments, no options of TCP but the segment size, no path MTU
// discovery (packets are not larger than MTU and not fragmented), and no
// answers about ports of UDP.
//
// # When all streams are taken
//
// A SYN is not answered, so that the client asks again, after one second, two,
// four and so on, and is let in when a stream is free. Only where some streams
// are held by clients whose handshake is not done, as under a flood of SYNs, the
// answer is one that needs no stream until the client has shown that he is there
// (SYN cookies, RFC 4987), and he takes the place of one who has not.
//
// # How connections end
//
// A stream that the server has closed keeps its place until its peer has
// acknowledged all, for Linger at most since it has last acknowledged as much as
// one who reads does. TIME-WAIT takes no place: a few ended connections are
// remembered for ten seconds, to answer a FIN that is repeated.
package lneto
