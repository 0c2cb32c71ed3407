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

// errorTable has the text of each error, and what to say to the peer.
var errorTable = [numErrors]struct {
	text string
	code uint16 // the close code, or the status code
}{
	ErrReservedBits:      {"ws: reserved bit set", 1002},
	ErrOpcode:            {"ws: reserved opcode", 1002},
	ErrControlFragmented: {"ws: control frame fragmented", 1002},
	ErrControlLong:       {"ws: control frame too long", 1002},
	ErrLengthForm:        {"ws: length not in its shortest form", 1002},
	ErrLengthRange:       {"ws: length out of range", 1002},
	ErrUnmasked:          {"ws: frame of a client not masked", 1002},
	ErrMasked:            {"ws: frame of a server masked", 1002},
	ErrContinuation:      {"ws: continuation of no message", 1002},
	ErrInterrupted:       {"ws: message before the end of the former", 1002},
	ErrUTF8:              {"ws: text that is not UTF-8", 1007},
	ErrCloseLength:       {"ws: close frame with half a code", 1002},
	ErrCloseCode:         {"ws: close code that may not be sent", 1002},
	ErrCloseReason:       {"ws: close reason that is not UTF-8", 1007},
	ErrFrameTooBig:       {"ws: frame too big", 1009},
	ErrMessageTooBig:     {"ws: message too big", 1009},
	ErrCompressed:        {"ws: malformed compressed message", 1007},
	ErrInflatedTooBig:    {"ws: message too big when inflated", 1009},

	ErrMethod:         {"ws: method other than GET", 405},
	ErrHTTPVersion:    {"ws: handshake not in HTTP/1.1", 426}, // RFC 9110 section 7.8: its Upgrade is ignored
	ErrHostMissing:    {"ws: Host missing", 400},
	ErrHostTwice:      {"ws: Host given twice", 400},
	ErrUpgrade:        {"ws: no upgrade to websocket asked for", 426},
	ErrConnection:     {"ws: Connection without upgrade", 426},
	ErrVersion:        {"ws: Sec-WebSocket-Version other than 13", 426}, // RFC 6455 section 4.4
	ErrVersionTwice:   {"ws: Sec-WebSocket-Version given twice", 400},
	ErrKeyMissing:     {"ws: Sec-WebSocket-Key missing", 400},
	ErrKeyTwice:       {"ws: Sec-WebSocket-Key given twice", 400},
	ErrKey:            {"ws: malformed Sec-WebSocket-Key", 400},
	ErrProtocolSyntax: {"ws: malformed Sec-WebSocket-Protocol", 400},
	ErrExtension:      {"ws: malformed Sec-WebSocket-Extensions", 400},
	ErrOriginTwice:    {"ws: Origin given twice", 400},
	ErrOrigin:         {"ws: Origin not allowed", 403}, // RFC 6455 section 4.2.2

	ErrAnswerLine:       {"ws: malformed status line", 0},
	ErrAnswerField:      {"ws: malformed field in the answer", 0},
	ErrAnswerLong:       {"ws: head of the answer too long", 0},
	ErrRedirect:         {"ws: server redirects", 0},
	ErrRefused:          {"ws: server refuses", 0},
	ErrAnswerUpgrade:    {"ws: answer without Upgrade: websocket", 0},
	ErrAnswerConnection: {"ws: answer without Connection: upgrade", 0},
	ErrAccept:           {"ws: Sec-WebSocket-Accept does not answer the key", 0},
	ErrAnswerProtocol:   {"ws: subprotocol that was not offered", 0},
	ErrAnswerExtension:  {"ws: extension that was not offered", 0},

	ErrOrder:           {"ws: frame out of order", 0},
	ErrRequestHost:     {"ws: malformed host to ask", 0},
	ErrRequestTarget:   {"ws: malformed target to ask for", 0},
	ErrRequestOrigin:   {"ws: malformed origin to send", 0},
	ErrRequestKey:      {"ws: key to send is not 24 bytes", 0},
	ErrRequestProtocol: {"ws: malformed subprotocol to offer", 0},
	ErrRequestField:    {"ws: field not to be sent", 0},
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e != 0 && e < numErrors {
		return errorTable[e].text
	}
	return "ws: unknown error"
}

// Code is the close code to fail the connection with: that of the rule that
// the peer broke, and CodeInternalError for what is not about its frames.
func (e Error) Code() Code {
	if e < numErrors && errorTable[e].code >= 1000 {
		return Code(errorTable[e].code)
	}
	return CodeInternalError
}

// Status is the status code to refuse a handshake with: that of the rule that
// the client broke, and 500 for what is not about its handshake. The answer
// with 405 must have Allow, that with 426 Upgrade: websocket and
// Sec-WebSocket-Version: 13.
func (e Error) Status() int {
	if e < numErrors && errorTable[e].code >= 400 && errorTable[e].code < 600 {
		return int(errorTable[e].code)
	}
	return 500
}

// err is e as an error value, nil for 0. The constants do not allocate.
func (e Error) err() error {
	if e == 0 {
		return nil
	}
	return e
}
