// Package nethttp joins Bobtail and package net/http, for programs that run on
// a system with package net.
//
// # Handlers of net/http on Bobtail
//
// [Handler] makes a handler of package net/http one of Bobtail's, which is
// mounted at a pattern, beside others. The route must keep all fields of its
// requests; [Route] says so.
//
//	srv.Add(nethttp.Route("/old/", http.StripPrefix("/old", files)))
//
// The handler runs on a goroutine of its own, with a worker of the server
// waiting for it: Config.Workers bounds how many run at once, and the route's
// timeout how long. Handlers allocate, as they do under net/http; other routes
// of the server do not.
//
// A request whose content is short and of a declared length is waited for
// before the handler begins, which costs nothing; chunked content is not.
//
// The handler sees what it would see under net/http: all fields in their canonical
// form, content that is read as it comes, a context that ends when the peer
// closes its end or the connection, when the handler's time is over, and when
// the handler returns. Its ResponseWriter finds out the content's type and,
// up to 2048 bytes, its length, sends chunks, trailers and interim responses,
// and is an http.Flusher, an http.Hijacker, an io.ReaderFrom and an
// io.StringWriter. These are the differences:
//
//   - A handler that panics before the head has left is answered for with 500,
//     where net/http closes the connection; http.ErrAbortHandler aborts it
//     here as well. If a handler has declared more content than it writes, the
//     connection is reset.
//   - When the handler's time is over the peer gets 503, if nothing was sent
//     yet, and the worker goes on to others. The handler, which cannot be
//     stopped, finds its context done and its writes failing with
//     http.ErrHandlerTimeout.
//   - Reading content and writing the answer take turns: a goroutine that
//     waits for content keeps others from writing, and the other way round. So http.ResponseController's
//     EnableFullDuplex succeeds, but it is for handlers that read and write by
//     turns. SetReadDeadline and SetWriteDeadline are not supported: the
//     server's own deadlines hold, and count how fast the peer is.
//   - The trailer section of a request is checked and dropped: Request.Trailer
//     has the declared names, without values.
//   - The head of an answer must fit into a quarter of Config.WorkerMemory.
//   - A Date is sent even if the handler has set it to nil; a 205 has no
//     content; controls in a field's value are sent as spaces; the Transfer-
//     Encoding is always the server's.
//   - A connection persists behind a request that http.MaxBytesReader has cut
//     short, if what is left of its content is short; a Content-Length that is
//     no number is replaced by the right one where that is known.
//   - Requests with more than http1.MaxKept fields are answered 431.
//
// A handler that takes the connection over (http.Hijacker) gets a net.Conn,
// gives its worker back at once, and may go on for as long as it likes.
//
// # Handlers of Bobtail on net/http
//
// [Serve] makes a handler of Bobtail's an http.Handler: for programs that have
// a server of net/http already, for its HTTP/2, and for tests that are written
// against net/http. Both directions stream.
package nethttp
