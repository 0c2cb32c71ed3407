// Package coaptcp is the driver of CoAP over TCP (RFC 8323): it serves the
// resources of a resource.Router on the slots of an engine, beside HTTP and by the
// same workers.
//
// A [Driver] is made for a server before it listens, with its resources, and is
// found by the scheme of an address:
//
//	var r resource.Router
//	r.Handle("GET /hello", func(w resource.Response, _ *resource.Request) error { return w.Text("hello") })
//	d, err := coaptcp.New(srv, coaptcp.Config{Resources: &r})
//	err = srv.ListenAndServe("http://:8080", "coap+tcp://:5683")
//
// # Room to answer first
//
// A request is looked at only when output blocks are set aside that keep its
// answer, if the peer does not take it, and nothing of an earlier answer waits for
// the peer. So no handler runs for nothing, and none waits for a peer. While there
// is no room, a connection is a parked slot, and the peer that has not read what
// waits for it for the longest time, two seconds at least, is dropped. If there is
// none for too long (the server's Timeouts.Held), requests are answered 5.03
// (Service Unavailable) with Max-Age, as they are when Config.Handlers run already;
// and if there is no room even for that, the connection ends.
//
// Requests that came at once are answered by one send. What a peer asks while
// Config.InFlight answers are to come later (resource.Request.Later) is not read
// before one of them is given. Two requests with one token are answered one after
// the other, so that it is known which answer is whose.
//
// An answer that comes later is never dropped for notifications: if there is no
// room for it, the connection ends, and the ticket says so.
//
// # What a connection costs
//
// A slot of 64 bytes and a record of 32: between messages, and in the midst of one
// that does not go on, a connection has no buffer, no goroutine and no timer. What
// was received of a message that is not whole is in a block of the server's stash,
// and is looked at when it is; when all blocks are taken, the sender that has
// stalled longest is sent an Abort. Nothing that is done for a message allocates.
//
// The longest message is three eighths of a worker's memory ([Driver.MaxWhole]),
// and the longest answer half of it; both ends cut what is longer into blocks (RFC
// 7959), with a worker of 4 KB too. A worker of 16 KB speaks BERT (RFC 8323 section
// 6).
//
// # What comes by itself
//
// Our CSM is sent when a client is accepted. Pings are answered, those that ask for
// custody when all before them is answered. A peer that is silent is sent a Ping,
// and dropped when it says nothing to that (Config.Ping). After a peer's Release,
// and when a peer closes its end, what it has asked is answered, also if that comes
// later, and the connection closed. When the server shuts down, peers are sent a
// Release with Config.HoldOff, what they have asked is answered, and those who do
// not close are closed. Whoever breaks a rule of the protocol is sent an Abort that
// says which, and so is one whose handler does not return in time.
//
// # Asking back
//
// Over TCP either end may ask. [Driver.Request] sends a request to a client on its
// own connection, such as a device behind a firewall that has registered, and
// [Driver.Dial] opens a connection of ours; whoever is dialled may ask, too.
//
// # Concurrency
//
// All methods of a Driver may be called from any goroutine. Handlers run on the
// workers, for one connection one after the other. Callbacks of Request and Dial
// run on a worker, but when the engine is stopped on another goroutine.
//
// # Limits
//
// While a connection is not read from, its peer's Pings wait too. There is no
// OSCORE and no DTLS; TLS is that of package transport/secure.
package coaptcp
