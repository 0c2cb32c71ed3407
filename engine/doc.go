// Package engine lets few workers serve many sockets.
//
// Sockets wait in the slots of a pool. Workers own the memory that serving
// needs. They meet when there is something to do: a worker that leads a lane
// of the backend waits on it, takes its events one after the other, and
// serves the slot of each in place, without handing it to anybody. What a
// slot speaks is its [Driver]'s business, one for each protocol; what the
// bytes travel on is the backend's.
//
// # Leading
//
// A lane has at most one leader, named by a word that changes only by
// compare-and-swap and also counts the events it has taken. The monitor, a
// goroutine without memory, looks at the words now and then. A word that has
// not changed since the last look, while its lane was not waiting, belongs to
// a leader that is stuck in a handler: the monitor changes the word, so that
// the old leader finds itself deposed when it comes back, and gives the lane
// with the rest of its events to an idle worker. If there is none, the
// monitor polls the lane itself and queues what it finds for the first worker
// that is free.
//
// # Lending
//
// A handler that needs bytes which are not here, or room which the peer does
// not give, makes its worker wait. The worker gives its lane away first. At
// most Workers - 1 requests may do so at once; others stay in their slots
// until one is done ([Worker.TryLend]). When slots are ready and no worker is
// free, the worker that has waited longest is reclaimed: its call fails, and
// its connection is aborted.
//
// # The right to send
//
// A goroutine cannot be killed. When the handler's deadline passes, the
// monitor takes the right to the slot away by compare-and-swap, answers for
// the handler, and ends the connection; the handler's next call fails, and
// whatever it does until it returns touches only its worker's memory. Until
// then one of the spare workers takes its place.
package engine
