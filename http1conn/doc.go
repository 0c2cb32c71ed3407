// Package http1conn is one HTTP/1.1 connection of a server over a stream of
// bytes, in memory of the caller's: package http1 with buffers around it.
//
// It can be used in two ways. A program with its own loop over any
// io.ReadWriter calls [Conn.Next] for each request, reads its content, and
// answers; or lets [ServeStream] do that with a function. A driver that must
// never wait feeds the bytes that it has ([Conn.Space], [Conn.Feed]) and asks
// for what they make ([Conn.Parse]); what does not make a request yet is put
// away with [Conn.Save] and taken up again with [Conn.Load].
//
// The life of a connection is the table of http1.State, and each method says
// in which states it may be called; in others it fails with http1.ErrState
// and does nothing. In short: Idle, Head, then the request (Body, Respond),
// then the response (Early, Content), then Complete; and again.
//
// Nothing allocates after [New].
package http1conn
