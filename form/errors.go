package form

// Error is an error of this package: one value for each rule that can be
// broken. Its values are constants: none allocates, and each can be compared.
type Error uint8

// The errors. Status tells what to answer.
const (
	_ Error = iota

	ErrEscape // "%" without two hexadecimal digits behind it
	ErrShort  // what is decoded does not fit into the caller's memory
	ErrUTF8   // a name or value of a form is not UTF-8

	ErrType          // not of the media type that is parsed here
	ErrParameter     // malformed parameter of a media type or disposition
	ErrBoundaryNone  // no boundary
	ErrBoundaryTwice // more than one boundary
	ErrBoundary      // boundary of no or more than 70 bytes, or with one that none has

	ErrDelimiter   // something behind a delimiter that does not belong there
	ErrTruncated   // content ended before the closing delimiter
	ErrLine        // CR or LF alone in a part's header
	ErrHeaderByte  // control in a part's header
	ErrFold        // folded line in a part's header
	ErrHeaderName  // no colon in a line of a part's header, or no token before it
	ErrHeaderTwice // Content-Disposition, Content-Type or a parameter given twice
	ErrDisposition // part without Content-Disposition, or one that is not form-data
	ErrName        // part without a name
	ErrQuoted      // quoted string that does not end
	ErrExtended    // malformed filename* (RFC 8187)
	ErrCharset     // filename* in a character set other than UTF-8
	ErrEncoding    // part in a transfer encoding other than 7bit, 8bit and binary
	ErrHeaderLong  // header of a part longer than its limit or than memory
	ErrParts       // more parts than the limit
	ErrTotal       // more content than the limit

	ErrMemory // the parser's memory is too small for the boundary
	numErrors
)

// errorTable has the text of each error, and what to answer to it.
var errorTable = [numErrors]struct {
	text   string
	status uint16
}{
	ErrEscape:        {"form: malformed percent-encoding", 400},
	ErrShort:         {"form: decoded bytes do not fit", 413},
	ErrUTF8:          {"form: not UTF-8", 400},
	ErrType:          {"form: not the media type of a form", 415},
	ErrParameter:     {"form: malformed parameter", 400},
	ErrBoundaryNone:  {"form: no boundary", 400},
	ErrBoundaryTwice: {"form: more than one boundary", 400},
	ErrBoundary:      {"form: malformed boundary", 400},
	ErrDelimiter:     {"form: malformed delimiter", 400},
	ErrTruncated:     {"form: content ended before the closing delimiter", 400},
	ErrLine:          {"form: CR or LF alone in a part's header", 400},
	ErrHeaderByte:    {"form: control in a part's header", 400},
	ErrFold:          {"form: folded line in a part's header", 400},
	ErrHeaderName:    {"form: malformed line in a part's header", 400},
	ErrHeaderTwice:   {"form: something given twice in a part's header", 400},
	ErrDisposition:   {"form: part without Content-Disposition: form-data", 400},
	ErrName:          {"form: part without a name", 400},
	ErrQuoted:        {"form: quoted string does not end", 400},
	ErrExtended:      {"form: malformed filename*", 400},
	ErrCharset:       {"form: filename* is not UTF-8", 400},
	ErrEncoding:      {"form: part in a transfer encoding", 400},
	ErrHeaderLong:    {"form: header of a part too long", 413},
	ErrParts:         {"form: too many parts", 413},
	ErrTotal:         {"form: too much content", 413},
	ErrMemory:        {"form: parser's memory too small", 500},
}

// Is reports whether err is e.
func (e Error) Is(err error) bool {
	x, ok := err.(Error)
	return ok && x == e
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e < numErrors && errorTable[e].text != "" {
		return errorTable[e].text
	}
	return "form: unknown error"
}

// Status is the status to answer a peer whose bytes the error is about: 413
// for a limit, 415 for another media type, 400 for what is malformed. It is
// 500 for an error of the program.
func (e Error) Status() int {
	if e < numErrors && errorTable[e].status != 0 {
		return int(errorTable[e].status)
	}
	return 500
}
