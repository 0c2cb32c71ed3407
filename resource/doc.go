// Package resource has the handlers of CoAP (RFC 7252), whatever carries their
// messages: over TCP on the slots of a server (package coaptcp), over any stream
// (coapconn), or over UDP (host/coapudp).
//
//	r := new(resource.Router)
//	r.Handle("GET /hello/{name}", func(w resource.Response, r *resource.Request) error {
//		return w.Text("Hello, ", string(r.PathValue("name")), "!")
//	})
//
// One router serves all drivers of a program. Its routes are added before the
// first of them; its first error is kept (Router.Err).
//
// # What comes by itself
//
// 4.04 for a path that nobody handles, 4.05 for a method, 4.02 for a critical
// option that is not understood, 4.15 and 4.06 for formats ([Route]), 5.05 for what
// is meant for a proxy. 2.03 without the payload to a peer that has the state
// already, by its ETag. Silence where No-Response asks for it. The links of
// /.well-known/core, filtered by the query and with the attributes that routes
// give. And all that has to do with blocks.
//
// # Blocks
//
// An answer that does not fit into a message, or that the peer wants in blocks,
// is cut (RFC 7959), into blocks of several KB where both ends can (RFC 8323
// section 6). Nothing is kept of it: for each block the handler of GET, and of
// FETCH, is asked anew. So content of 1 MB costs no memory:
//
//   - [Head.Bytes] and [Head.Text] are for content that is at hand. Without an ETag
//     it gets a hash as one, lest blocks of two states are put together; that
//     costs a look at all of it for each block.
//   - [Head.Source] reads what goes into the block, and no more. Give it an ETag if
//     it may change.
//
// What other methods answer may not be asked for twice, and is kept for the peer
// to fetch: in one of Router.Gathers buffers, or as the Source that it is.
//
// Payloads that come in blocks are put together for a [Handler] in such a buffer
// too, if they are no longer than Router.Gather; else they are refused with 4.13.
// [Data] is for those of any length: it is called with each block, in order, and
// [Request.SetValue] keeps what belongs to the upload between.
//
// All transfers are bounded in number. Who comes when all places are taken gets
// 5.03, unless one of them has stalled.
//
// # Observing
//
// A [Topic] tells a resource's observers of its states (RFC 7641). A handler says
// by [Request.Observe] that its resource may be observed, before it looks at the
// state; whatever changes that calls [Topic.Publish] after. Registration, the
// order of notifications, deregistration and the ends of peers come by themselves.
//
// # Answering later
//
// A handler that waits for something takes a [Ticket] and returns: no worker is
// held until somebody calls [Ticket.Answer], from any goroutine. A ticket that
// nobody uses is answered 5.03 at its limit.
//
// # Concurrency and memory
//
// Handlers run on several workers at a time. The request, the response and what
// they give belong to the handler until it returns. Router, Topic and Ticket may
// be used from any goroutine.
//
// The tables are made when the first driver is, and are as large as the Router's
// fields say; Router.Memory tells how large. After that nothing here allocates, by
// Go or by TinyGo: a request, a block, a notification.
//
// # For drivers
//
// An [Exchange] serves one request at a time, by stages, with memory of the
// driver's. A [Pusher] is how messages come to peers from elsewhere.
package resource
