// Package deflate is permessage-deflate, the compression of WebSocket messages
// of RFC 7692, over compress/flate of the standard library. A program that does
// not name it does not link it, and TinyGo programs should not: it is for
// hosts.
//
// # Memory
//
// An idle connection holds nothing here, as long as there is no context
// takeover. A compressor of compress/flate takes 0.8 to 1.2 MB, a decompressor
// 82 KB. They are borrowed from the [Extension] for the time of a message, and
// Config.Idle of them are kept for the next one. Context takeover means that
// messages refer to what earlier ones had: then a connection that sends keeps
// its compressor (0.8 MB), and one that receives up to 40 KB. It is off until
// Config asks for it, and Config.Contexts is how many connections may have it
// at a time; the others agree on doing without. See [Extension.Memory].
//
// # Time
//
// BestSpeed is the level for messages that stand alone: to forget the last
// message takes it nothing, and the levels above it about 10 µs.
//
// # Limits
//
// A message that inflates to more than Config.MaxInflated fails the connection
// (1009) before more than that is handed on. What a message inflates to is
// never held as a whole: a small payload costs its inflation in time, not in
// memory.
//
// # Security
//
// The length of what is compressed tells something about its content. Whoever
// can put bytes of his own beside a secret, in the same message or with context
// takeover in the same direction of a connection, and sees how long the frames
// are, can guess the secret (RFC 7692 section 8): send it without compression.
package deflate
