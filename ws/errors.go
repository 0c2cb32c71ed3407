package ws

// Error is an error of this package: one value for each rule that can be
// broken. Its values are constants: none allocates, and each can be compared.
type Error uint8

// What a peer can do wrong in its frames. Code tells what to fail the
// connection with (RFC 6455 section 7.1.7).
const (
	_ Error = iota

	ErrReservedBits      // RSV1, RSV2 or RSV3 without an extension that has a meaning for it (section 5.2)
	ErrOpcode            // reserved opcode (section 5.2)
	ErrControlFragmented // control frame without FIN (section 5.5)
	ErrControlLong       // control frame longer than MaxControl (section 5.5)
	ErrLengthForm        // length not in its shortest form (section 5.2)
	ErrLengthRange       // length of 2^63 or more (section 5.2)
	ErrUnmasked          // frame of a client that is not masked (section 5.1)
	ErrMasked            // frame of a server that is masked (section 5.1)
	ErrContinuation      // continuation of no message (section 5.4)
	ErrInterrupted       // new message before the former has ended (section 5.4)
	ErrUTF8              // text that is not UTF-8 (section 8.1)
	ErrCloseLength       // close frame with a payload of one byte (section 5.5.1)
	ErrCloseCode         // close frame with a code that may not be sent (section 7.4)
	ErrCloseReason       // close frame whose reason is not UTF-8 (section 5.5.1)
	ErrFrameTooBig       // frame longer than Rules.MaxFrame (section 10.4)
	ErrMessageTooBig     // message longer than Rules.MaxMessage (section 10.4)
	ErrCompressed        // message that is not compressed as was agreed (RFC 7692 section 7.2.2)
	ErrInflatedTooBig    // message that inflates to more than is allowed

	// What a client can do wrong in its handshake (section 4.2.1). Status tells
	// what to answer.
	ErrMethod         // method other than GET
	ErrHTTPVersion    // HTTP/1.0
	ErrHostMissing    // no Host
	ErrHostTwice      // more than one Host
	ErrUpgrade        // Upgrade missing, or without websocket
	ErrConnection     // Connection missing, or without upgrade
	ErrVersion        // Sec-WebSocket-Version missing, or other than 13
	ErrVersionTwice   // more than one Sec-WebSocket-Version
	ErrKeyMissing     // no Sec-WebSocket-Key
	ErrKeyTwice       // more than one Sec-WebSocket-Key
	ErrKey            // Sec-WebSocket-Key that is not the base64 of 16 bytes
	ErrProtocolSyntax // Sec-WebSocket-Protocol that is not a list of tokens
	ErrExtension      // malformed Sec-WebSocket-Extensions
	ErrOriginTwice    // more than one Origin
	ErrOrigin         // Origin that is not allowed; for who checks it

	// What a server can do wrong in its answer (section 4.2.2), or have to say.
	ErrAnswerLine       // not the status line of an HTTP/1 response
	ErrAnswerField      // malformed field line
	ErrAnswerLong       // head longer than MaxAnswer
	ErrRedirect         // 3xx with a Location; see Answer
	ErrRefused          // another status than 101; see Answer
	ErrAnswerUpgrade    // Upgrade missing, or other than websocket
	ErrAnswerConnection // Connection missing, or without upgrade
	ErrAccept           // Sec-WebSocket-Accept missing, twice, or not the answer to the key
	ErrAnswerProtocol   // subprotocol that was not offered, or more than one
	ErrAnswerExtension  // extension that was not offered, none at all, malformed, or in more lines than MaxLines

	// What a program can do wrong. Nothing of it reaches the wire.
	ErrOrder           // frame that has no place in the message under way
	ErrRequestHost     // ClientRequest.Host empty, or with a byte that no host has
	ErrRequestTarget   // ClientRequest.Target that is not a path with a query
	ErrRequestOrigin   // ClientRequest.Origin with a byte that no origin has
	ErrRequestKey      // ClientRequest.Key that AppendKey did not make
	ErrRequestProtocol // one of ClientRequest.Protocols that is not a token, or is there twice
	ErrRequestField    // one of ClientRequest.Fields malformed, or one that only this package writes
	numErrors
)

// errorTexts has the text of each error. What to say to the peer is not in the
// same table, so that a program which says no text links none.
var errorTexts = [numErrors]string{
	ErrReservedBits:      "ws: reserved bit set",
	ErrOpcode:            "ws: reserved opcode",
	ErrControlFragmented: "ws: control frame fragmented",
	ErrControlLong:       "ws: control frame too long",
	ErrLengthForm:        "ws: length not in its shortest form",
	ErrLengthRange:       "ws: length out of range",
	ErrUnmasked:          "ws: frame of a client not masked",
	ErrMasked:            "ws: frame of a server masked",
	ErrContinuation:      "ws: continuation of no message",
	ErrInterrupted:       "ws: message before the end of the former",
	ErrUTF8:              "ws: text that is not UTF-8",
	ErrCloseLength:       "ws: close frame with half a code",
	ErrCloseCode:         "ws: close code that may not be sent",
	ErrCloseReason:       "ws: close reason that is not UTF-8",
	ErrFrameTooBig:       "ws: frame too big",
	ErrMessageTooBig:     "ws: message too big",
	ErrCompressed:        "ws: malformed compressed message",
	ErrInflatedTooBig:    "ws: message too big when inflated",

	ErrMethod:         "ws: method other than GET",
	ErrHTTPVersion:    "ws: handshake not in HTTP/1.1",
	ErrHostMissing:    "ws: Host missing",
	ErrHostTwice:      "ws: Host given twice",
	ErrUpgrade:        "ws: no upgrade to websocket asked for",
	ErrConnection:     "ws: Connection without upgrade",
	ErrVersion:        "ws: Sec-WebSocket-Version other than 13",
	ErrVersionTwice:   "ws: Sec-WebSocket-Version given twice",
	ErrKeyMissing:     "ws: Sec-WebSocket-Key missing",
	ErrKeyTwice:       "ws: Sec-WebSocket-Key given twice",
	ErrKey:            "ws: malformed Sec-WebSocket-Key",
	ErrProtocolSyntax: "ws: malformed Sec-WebSocket-Protocol",
	ErrExtension:      "ws: malformed Sec-WebSocket-Extensions",
	ErrOriginTwice:    "ws: Origin given twice",
	ErrOrigin:         "ws: Origin not allowed",

	ErrAnswerLine:       "ws: malformed status line",
	ErrAnswerField:      "ws: malformed field in the answer",
	ErrAnswerLong:       "ws: head of the answer too long",
	ErrRedirect:         "ws: server redirects",
	ErrRefused:          "ws: server refuses",
	ErrAnswerUpgrade:    "ws: answer without Upgrade: websocket",
	ErrAnswerConnection: "ws: answer without Connection: upgrade",
	ErrAccept:           "ws: Sec-WebSocket-Accept does not answer the key",
	ErrAnswerProtocol:   "ws: subprotocol that was not offered",
	ErrAnswerExtension:  "ws: extension that was not offered",

	ErrOrder:           "ws: frame out of order",
	ErrRequestHost:     "ws: malformed host to ask",
	ErrRequestTarget:   "ws: malformed target to ask for",
	ErrRequestOrigin:   "ws: malformed origin to send",
	ErrRequestKey:      "ws: key to send is not 24 bytes",
	ErrRequestProtocol: "ws: malformed subprotocol to offer",
	ErrRequestField:    "ws: field not to be sent",
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e != 0 && e < numErrors {
		return errorTexts[e]
	}
	return "ws: unknown error"
}

// Code is the close code to fail the connection with: that of the rule that
// the peer broke, and CodeInternalError for what is not about its frames.
func (e Error) Code() Code {
	switch {
	case e == 0 || e >= ErrMethod:
		return CodeInternalError
	case e == ErrUTF8 || e == ErrCloseReason || e == ErrCompressed:
		return CodeInvalidPayload
	case e == ErrFrameTooBig || e == ErrMessageTooBig || e == ErrInflatedTooBig:
		return CodeTooBig
	}
	return CodeProtocolError
}

// Status is the status code to refuse a handshake with: that of the rule that
// the client broke, and 500 for what is not about its handshake. The answer
// with 405 must have Allow, that with 426 Upgrade: websocket and
// Sec-WebSocket-Version: 13.
func (e Error) Status() int {
	switch {
	case e < ErrMethod || e >= ErrAnswerLine:
		return 500
	case e == ErrMethod:
		return 405
	case e == ErrOrigin: // RFC 6455 section 4.2.2
		return 403
	case e == ErrHTTPVersion || e == ErrUpgrade || e == ErrConnection || e == ErrVersion:
		return 426 // RFC 6455 section 4.4; RFC 9110 section 7.8: the Upgrade of HTTP/1.0 is ignored
	}
	return 400
}

// err is e as an error value, nil for 0. The constants do not allocate.
func (e Error) err() error {
	if e == 0 {
		return nil
	}
	return e
}
