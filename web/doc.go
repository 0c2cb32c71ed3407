// Package web is the driver of HTTP/1.1: it serves requests on the slots of an
// engine with handlers.
//
// Between requests a connection is a parked slot and nothing else. A worker
// that finds bytes for it parses as far as they go. What is not a whole
// request is put into a stash block, and the slot is parked again under the
// deadline of its phase. A request whose content is here, or is short enough
// to wait for in the stash, is given to its handler, which then never waits
// for the peer; one with long content needs a worker that may be lent, unless
// its route takes content as events ([Sink]). Answers of pipelined requests
// are gathered and sent together; what the peer does not take is kept in
// output blocks and sent as it does, without a worker. Content that lies in a
// file or elsewhere is only named by its handler ([Head.Source]) and sent by
// the driver, in turns with what others have to be sent.
//
// Programs use package bobtail, which has the names of this package that they
// need.
package web
