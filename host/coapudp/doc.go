// Package coapudp speaks CoAP over UDP (RFC 7252), for programs that run on a
// system with package net: a [Server] for the same resources as other drivers
// serve, and a [Conn], the message layer of a client. Package coapdial, above
// it, is the client that most programs want: it knows URIs and blocks.
//
//	r := new(resource.Router)
//	r.Handle("GET /hello", func(w resource.Response, _ *resource.Request) error {
//		return w.Text("hello")
//	})
//	s, err := coapudp.New(coapudp.ServerConfig{Resources: r})
//	if err != nil {
//		return err
//	}
//	return s.ListenAndServe("udp", ":5683")
//
// # Memory
//
// All that a server holds is made by New, and ServerConfig.Memory says how much
// it is; no request allocates anything. Whatever comes, the number of peers that
// are known, of requests that are under way, of requests that are remembered
// and of messages that wait is bounded, and each bound has a rule for what
// becomes of what is beyond it.
//
// # Duplicates
//
// A request that comes twice is handled once, and answered as it was (RFC 7252
// section 4.5): by its peer and message ID it is found among the last
// ServerConfig.Exchanges requests. Requests that may be done twice with the same
// effect, those but POST and PATCH, have a ring of their own, so that no number
// of them has others forgotten. The answers are in a ring of bytes. Where the
// answer is forgotten but the request is not, an idempotent one is handled
// again, and others are answered 5.00: they have been done, and nobody knows
// with what result. Where the request is forgotten too, as on a server that has
// more than Exchanges of them within the four minutes in which a duplicate may
// come, it is new.
//
// # Real peers
//
// What a datagram says of its sender may be a lie, told to have the answer sent
// to somebody else. So a peer gets no more than three times the bytes that it
// has sent before it has shown, by repeating an Echo option (RFC 9175), that it
// gets what it is sent; longer answers, and all observations, are refused until
// then by 4.01 with that option. Connections of this package repeat it by
// themselves; ServerConfig.Amplification turns it off, for peers that cannot.
//
// A request that has an effect is not refused when it has had it: its answer may
// be longer, but all such answers together go no more than 16 KB a second beyond
// the limit, and when that is used up such requests are refused before they are
// handled.
//
// # Observers
//
// A peer has one notification at a time that waits for its acknowledgement; what
// is published in the meantime replaces what waits, so that the last state
// arrives, however slow the way is (RFC 7641 section 4.5). Between confirmable
// notifications there are others, no more than one in a round-trip time. An
// observation ends when its peer rejects a notification, and all of a peer's do
// when it does not acknowledge one.
//
// # Groups
//
// A server joins no multicast group. It answers from the address that the system
// chooses: a server of a machine with several addresses should listen at each of
// them, since a peer takes answers only from where it has sent its request to
// (RFC 7252 section 5.3.2).
package coapudp
