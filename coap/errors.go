package coap

// Error is an error of this package: one value for each rule that can be
// broken. Its values are constants: none allocates, and each can be compared.
type Error uint8

// What a peer can do wrong. Code tells what to answer, where there is an answer
// to be given.
const (
	_ Error = iota

	// In a message, whatever carries it. Over a reliable transport the
	// connection is to be aborted (RFC 8323 section 5.6), over UDP a confirmable
	// message is to be rejected by a Reset (RFC 7252 section 4.2).
	ErrTokenLength     // token length of 15, which is reserved (RFC 8974 section 2.1)
	ErrOptionDelta     // option delta of 15 that is no payload marker (RFC 7252 section 3.1)
	ErrOptionLength    // option length of 15, which is reserved (RFC 7252 section 3.1)
	ErrOptionEnd       // option that goes on behind the end of its message (RFC 7252 section 3.1)
	ErrOptionNumber    // option with a number above 65535 (RFC 7252 section 12.2)
	ErrPayloadMarker   // payload marker with no payload behind it (RFC 7252 section 3)
	ErrDatagramShort   // datagram of less than four bytes; to be ignored (RFC 7252 section 3)
	ErrDatagramVersion // datagram of another version than 1; to be ignored (RFC 7252 section 3)
	ErrDatagramToken   // datagram that ends within its token (RFC 7252 section 3)
	ErrDatagramEmpty   // empty message with a token or anything behind the message ID (RFC 7252 section 4.1)
	ErrDatagramType    // empty message that is non-confirmable, Acknowledgement of a request, or Reset that is not empty (RFC 7252 section 4.3)
	ErrDatagramClass   // code of the classes 1, 6 or 7, which are reserved over UDP (RFC 7252 section 4.2)
	ErrBlock           // Block1 or Block2 of more than three bytes (RFC 7959 section 2.2)

	// On a connection (RFC 8323 section 5), which is to be aborted for it.
	ErrMessageTooBig // message longer than our Max-Message-Size (RFC 8323 section 5.3.1)
	ErrTokenLong     // token longer than our Extended-Token-Length (RFC 8974 section 2.2.1)
	ErrMessageCode   // code of the classes 1 or 6, which are reserved (RFC 7252 section 4.2)
	ErrNoCSM         // first message that is not a CSM (RFC 8323 section 3.3)
	ErrSettings      // malformed option of a CSM (RFC 8323 section 5.3)
	ErrSignalCode    // signaling code that is not known (RFC 8323 section 5.1)
	ErrSignalOption  // critical option of a signaling message that is not known (RFC 8323 section 5.2)

	// In a document of links (RFC 6690 section 2).
	ErrLinkTarget // malformed target of a link
	ErrLinkParam  // malformed parameter of a link
	ErrLinkQuote  // quoted string without an end

	// In a URI (RFC 7252 sections 6.1 to 6.4, RFC 8323 section 8).
	ErrURIScheme   // no scheme, or none of coap, coaps, coap+tcp, coaps+tcp
	ErrURIHost     // no authority, no host, a malformed one, or one of more than 255 bytes
	ErrURIPort     // port that is not a number of 1 to 65535
	ErrURIUser     // user information, which CoAP does not have
	ErrURIFragment // fragment
	ErrURIByte     // byte that a URI does not have
	ErrURIEscape   // percent sign that two hexadecimal digits do not follow
	ErrURISegment  // segment of the path or part of the query of more than 255 bytes
	ErrURIDots     // encoded segment "." or ".." (RFC 7252 section 5.10.1)

	numErrors
)

// errorTexts has the text of each error. What to say to the peer is not in the
// same table, so that a program which says no text links none.
var errorTexts = [numErrors]string{
	ErrTokenLength:     "coap: reserved token length",
	ErrOptionDelta:     "coap: reserved option delta",
	ErrOptionLength:    "coap: reserved option length",
	ErrOptionEnd:       "coap: option behind the end of the message",
	ErrOptionNumber:    "coap: option number above 65535",
	ErrPayloadMarker:   "coap: payload marker without payload",
	ErrDatagramShort:   "coap: datagram too short",
	ErrDatagramVersion: "coap: datagram of another version",
	ErrDatagramToken:   "coap: datagram ends within its token",
	ErrDatagramEmpty:   "coap: empty message with content",
	ErrDatagramType:    "coap: type that the code cannot have",
	ErrDatagramClass:   "coap: code that UDP does not have",
	ErrBlock:           "coap: block option too long",

	ErrMessageTooBig: "coap: message too big",
	ErrTokenLong:     "coap: token too long",
	ErrMessageCode:   "coap: code of a reserved class",
	ErrNoCSM:         "coap: first message is not a CSM",
	ErrSettings:      "coap: malformed option of a CSM",
	ErrSignalCode:    "coap: unknown signaling code",
	ErrSignalOption:  "coap: unknown critical signaling option",

	ErrLinkTarget: "coap: malformed target of a link",
	ErrLinkParam:  "coap: malformed parameter of a link",
	ErrLinkQuote:  "coap: quoted string without an end",

	ErrURIScheme:   "coap: URI without a scheme of CoAP",
	ErrURIHost:     "coap: URI without a valid host",
	ErrURIPort:     "coap: malformed port in the URI",
	ErrURIUser:     "coap: URI with user information",
	ErrURIFragment: "coap: URI with a fragment",
	ErrURIByte:     "coap: byte that a URI does not have",
	ErrURIEscape:   "coap: malformed escape in the URI",
	ErrURISegment:  "coap: part of the URI longer than 255 bytes",
	ErrURIDots:     "coap: encoded dots for a segment of the URI",
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e != 0 && e < numErrors {
		return errorTexts[e]
	}
	return "coap: unknown error"
}

// Code is what a request that broke the rule is answered with, 5.00 for what is
// no rule of this package.
func (e Error) Code() Code {
	switch {
	case e == 0 || e >= numErrors:
		return CodeInternalServerError
	case e == ErrMessageTooBig:
		return CodeRequestEntityTooLarge
	case e == ErrBlock || e == ErrSettings || e == ErrSignalOption:
		return CodeBadOption
	}
	return CodeBadRequest
}

// err is e as an error value, nil for 0. The constants do not allocate.
func (e Error) err() error {
	if e == 0 {
		return nil
	}
	return e
}
