// Package coapdial asks CoAP servers, over TCP (RFC 8323), TLS, and UDP (RFC
// 7252), for programs that run on a system with package net.
//
//	c, err := coapdial.Dial(ctx, "coap+tcp://example.com/", coapdial.Config{})
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	resp, err := c.Get(ctx, "/temperature")
//	if err != nil {
//		return err
//	}
//	if err := resp.Err(); err != nil {
//		return err
//	}
//	fmt.Printf("%s\n", resp.Body)
//
// One [Client] is one connection, on which any number of goroutines ask at a
// time. [Client.Do] sends a [Request] whose body may be of any length, from an
// io.Reader, and takes an answer of any length, into memory or an io.Writer: by
// blocks where it must (RFC 7959), several KB each where both ends can (RFC 8323
// section 6). [Client.Observe] is a loop over the states of a resource (RFC
// 7641).
//
// # Contexts
//
// The context of Dial bounds Dial alone; those of Do, Observe, Ping and Release
// bound the call, which fails with their cause. What has been asked is not
// taken back by that: the answer is dropped when it comes, and until then counts
// among Config.Requests. Without a deadline, a call waits for an answer as long
// as the connection stands.
//
// # Errors
//
// An answer is a [Response], whatever its code: Response.Err is a [CodeError]
// for one of the classes 4 and 5. The errors of Dial are of type [OpError]. A
// connection that the peer has ended by a Release or an Abort fails with a
// coapconn.EndError, which has what he said.
//
// # Call home
//
// With Config.Resources the server may ask as well, on the same connection; and
// New makes a client of a connection that was accepted.
//
// # Memory
//
// Over TCP a client has three buffers of Config.Memory bytes, and eight with
// Resources; a call has one more, which is used again; all of a Response.Body is
// in memory, Config.MaxBody bytes at most.
package coapdial
