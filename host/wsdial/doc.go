// Package wsdial dials WebSocket servers, for programs that run on a system
// with package net.
//
//	c, err := wsdial.Dial(ctx, "wss://example.com/chat", wsdial.Config{})
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	if err := c.WriteMessage(ws.OpText, []byte("hello")); err != nil {
//		return err
//	}
//	op, answer, err := c.Receive()
//
// [Dial] finds its way through the proxy of the environment, speaks TLS if the
// URL says wss, and performs WebSocket's handshake (RFC 6455 section 4.1). What
// it returns is a [Conn]: the methods of [wsconn.Conn], for messages whole and
// in pieces, with those of a net.Conn for addresses and deadlines. [NetConn]
// makes a stream of bytes of it.
//
// # Contexts and deadlines
//
// The context of Dial bounds Dial alone. A connection ends when its peer or its
// program closes it, when a deadline passes, or, with Config.PingEvery, when
// the peer is silent. To end one with a context:
//
//	stop := context.AfterFunc(ctx, func() { c.CloseNow() })
//	defer stop()
//
// # Memory
//
// A connection has two buffers of Config.Memory bytes, whatever the length of
// its messages; TLS has its own, of up to 32 KiB. Receive keeps the memory of
// its longest message, up to 1 MiB.
//
// # Security
//
// A Config without TLS trusts whom the system trusts. Nothing of what Dial was
// given as a secret is part of an error: URLs are shown without query and
// password. Redirects are not followed unless Config.Redirects says so, and
// credentials never go from one server to another.
package wsdial
