package http1

// Error is an error of this package: one value for each rule that can be
// broken. Its values are constants: none allocates, and each can be compared.
type Error uint8

// What a peer can do wrong. Status tells what to answer.
const (
	_ Error = iota

	// The request line (RFC 9112 section 3).
	ErrEmptyLines    // more empty lines before the request line than are ignored
	ErrMethodByte    // a byte that can be in no method, which is also how no request begins
	ErrMethodLong    // method longer than MaxMethod
	ErrTargetEmpty   // no target, or more than one space before it
	ErrTargetByte    // control or byte above 0x7E in the target
	ErrTargetLong    // target longer than Limits.Target
	ErrTargetForm    // form of the target not allowed with this method
	ErrFragment      // "#" in the target
	ErrScheme        // absolute target with a scheme other than http and https
	ErrUserinfo      // "user@" in the authority of the target
	ErrAuthority     // host or port of the target malformed or missing
	ErrVersionSyntax // not "HTTP/" DIGIT "." DIGIT, or no version, or something after it
	ErrVersion       // major version other than 1

	// The field section (RFC 9112 section 5, RFC 9110 section 5).
	ErrBareCR    // CR without LF
	ErrBareLF    // LF without CR
	ErrFold      // line folding, or white space before the first field
	ErrNameEmpty // nothing before the colon
	ErrNameByte  // a byte that can be in no field name, or a line without a colon
	ErrNameSpace // white space between name and colon
	ErrNameLong  // name longer than MaxFieldName
	ErrValueByte // control in a field value
	ErrFields    // more fields than Limits.Fields
	ErrKept      // more fields to be kept than MaxKept
	ErrHeadLong  // head longer than Limits.Head, or what is to be kept does not fit

	// The fields that are acted on.
	ErrHostMissing      // no Host in HTTP/1.1
	ErrHostTwice        // more than one Host
	ErrHostEmpty        // Host without a host
	ErrHost             // Host that is not uri-host [ ":" port ]
	ErrLength           // Content-Length that is not digits
	ErrLengthTwice      // more than one Content-Length, in one field or several
	ErrLengthRange      // Content-Length of 2^63 or more
	ErrCodingSyntax     // Transfer-Encoding that is not a list of codings, or chunked with parameters
	ErrCoding           // transfer coding other than chunked
	ErrChunkedTwice     // chunked applied twice
	ErrChunkedNotFinal  // a coding applied after chunked
	ErrCodingVersion    // Transfer-Encoding in HTTP/1.0
	ErrLengthWithCoding // Content-Length beside Transfer-Encoding
	ErrExpect           // expectation other than 100-continue

	// Content (RFC 9112 sections 6 and 7).
	ErrContentLong    // content longer than Limits.Body
	ErrChunkSize      // chunk size that is not hexadecimal digits
	ErrChunkSizeRange // chunk size of 2^63 or more
	ErrChunkExt       // malformed chunk extension
	ErrChunkEnd       // chunk longer than its size says
	ErrChunkOverhead  // more framing than Limits.ChunkOverhead
	ErrTrailerLong    // trailer section longer than Limits.Trailer

	// What a program can do wrong. Nothing of it reaches the wire.
	ErrState          // call in the wrong order
	ErrStatusCode     // status code that is not allowed here
	ErrReason         // control in a reason phrase
	ErrFieldName      // field name that is not a token
	ErrFieldValue     // control, CR, LF or NUL in a field value
	ErrFieldFraming   // field that only this package writes
	ErrLengthDeclared // length declared twice, or malformed
	ErrLengthExceeded // more content than declared, or content where none may be
	ErrLengthShort    // less content than declared
	ErrTrailerFraming // trailer in a response that is not chunked
	ErrDate           // date that is not 29 bytes
	ErrChunkLong      // chunk longer than MaxChunk
	ErrFieldSetFull   // more names than a FieldSet holds
	ErrLimitHead      // Limits.Head out of range
	ErrLimitFields    // Limits.Fields out of range
	ErrLimitTarget    // Limits.Target out of range
	ErrLimitTrailer   // Limits.Trailer out of range
	ErrLimitChunk     // Limits.ChunkOverhead out of range
	ErrLimitBody      // Limits.Body out of range
	numErrors
)

// errorTexts has the text of each error. What to answer is not in the same table,
// so that a program which says no text links none.
var errorTexts = [numErrors]string{
	ErrEmptyLines:    "http1: empty lines before the request",
	ErrMethodByte:    "http1: byte that can be in no method",
	ErrMethodLong:    "http1: method too long",
	ErrTargetEmpty:   "http1: request target missing",
	ErrTargetByte:    "http1: byte that can be in no request target",
	ErrTargetLong:    "http1: request target too long",
	ErrTargetForm:    "http1: request target of a form not allowed with the method",
	ErrFragment:      "http1: fragment in request target",
	ErrScheme:        "http1: scheme other than http and https",
	ErrUserinfo:      "http1: user information in request target",
	ErrAuthority:     "http1: malformed authority in request target",
	ErrVersionSyntax: "http1: malformed protocol version",
	ErrVersion:       "http1: protocol version not supported",

	ErrBareCR:    "http1: CR without LF",
	ErrBareLF:    "http1: LF without CR",
	ErrFold:      "http1: folded field line",
	ErrNameEmpty: "http1: empty field name",
	ErrNameByte:  "http1: byte that can be in no field name",
	ErrNameSpace: "http1: white space before the colon",
	ErrNameLong:  "http1: field name too long",
	ErrValueByte: "http1: control in field value",
	ErrFields:    "http1: too many fields",
	ErrKept:      "http1: too many fields to keep",
	ErrHeadLong:  "http1: head too long",

	ErrHostMissing:      "http1: Host missing",
	ErrHostTwice:        "http1: Host given twice",
	ErrHostEmpty:        "http1: Host empty",
	ErrHost:             "http1: malformed Host",
	ErrLength:           "http1: malformed Content-Length",
	ErrLengthTwice:      "http1: Content-Length given twice",
	ErrLengthRange:      "http1: Content-Length out of range",
	ErrCodingSyntax:     "http1: malformed Transfer-Encoding",
	ErrCoding:           "http1: transfer coding not supported",
	ErrChunkedTwice:     "http1: chunked applied twice",
	ErrChunkedNotFinal:  "http1: chunked not the final transfer coding",
	ErrCodingVersion:    "http1: Transfer-Encoding in HTTP/1.0",
	ErrLengthWithCoding: "http1: Content-Length beside Transfer-Encoding",
	ErrExpect:           "http1: expectation not supported",

	ErrContentLong:    "http1: content too long",
	ErrChunkSize:      "http1: malformed chunk size",
	ErrChunkSizeRange: "http1: chunk size out of range",
	ErrChunkExt:       "http1: malformed chunk extension",
	ErrChunkEnd:       "http1: chunk not ended by CRLF",
	ErrChunkOverhead:  "http1: too much chunk framing",
	ErrTrailerLong:    "http1: trailer section too long",

	ErrState:          "http1: call in the wrong order",
	ErrStatusCode:     "http1: status code not allowed here",
	ErrReason:         "http1: control in reason phrase",
	ErrFieldName:      "http1: field name is not a token",
	ErrFieldValue:     "http1: control in field value to send",
	ErrFieldFraming:   "http1: field not to be set by a program",
	ErrLengthDeclared: "http1: length declared twice or malformed",
	ErrLengthExceeded: "http1: more content than declared",
	ErrLengthShort:    "http1: less content than declared",
	ErrTrailerFraming: "http1: trailer without chunked coding",
	ErrDate:           "http1: date is not 29 bytes",
	ErrChunkLong:      "http1: chunk longer than MaxChunk",
	ErrFieldSetFull:   "http1: field set full",
	ErrLimitHead:      "http1: Limits.Head out of range",
	ErrLimitFields:    "http1: Limits.Fields out of range",
	ErrLimitTarget:    "http1: Limits.Target out of range",
	ErrLimitTrailer:   "http1: Limits.Trailer out of range",
	ErrLimitChunk:     "http1: Limits.ChunkOverhead out of range",
	ErrLimitBody:      "http1: Limits.Body out of range",
}

// Is reports whether err is e.
func (e Error) Is(err error) bool {
	x, ok := err.(Error)
	return ok && x == e
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e != 0 && e < numErrors {
		return errorTexts[e]
	}
	return "http1: unknown error"
}

// Status is the status code to answer to a peer that broke the rule. It is
// 500 for the errors that only the program itself can make.
func (e Error) Status() int {
	switch {
	case e == 0 || e >= ErrState:
		return StatusInternalServerError
	case e == ErrMethodLong || e == ErrCoding: // RFC 9112 sections 3 and 6.1
		return StatusNotImplemented
	case e == ErrTargetLong: // RFC 9112 section 3
		return StatusURITooLong
	case e == ErrVersion:
		return StatusHTTPVersionNotSupported
	case e == ErrNameLong || e == ErrFields || e == ErrKept || e == ErrHeadLong || e == ErrTrailerLong: // RFC 6585 section 5
		return StatusRequestHeaderFieldsTooLarge
	case e == ErrLengthRange || e == ErrContentLong || e == ErrChunkSizeRange:
		return StatusContentTooLarge
	case e == ErrExpect: // RFC 9110 section 10.1.1
		return StatusExpectationFailed
	}
	return StatusBadRequest
}

// err is e as an error value, nil for 0. The constants do not allocate.
func (e Error) err() error {
	if e == 0 {
		return nil
	}
	return e
}
