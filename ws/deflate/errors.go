package deflate

// Error is an error of this package. Its values are constants: none allocates,
// and each can be compared. What is wrong with the payload of a message is a
// value of ws.Error.
type Error uint8

// The errors.
const (
	_ Error = iota

	// What New finds in a Config.
	ErrLevel       // Level is none of compress/flate
	ErrThreshold   // Threshold is negative
	ErrWindowBits  // ServerWindowBits or ClientWindowBits is neither 0 nor 8 to 15
	ErrMaxInflated // MaxInflated is less than -1
	ErrContexts    // Contexts is negative, or 0 although context takeover is asked for
	ErrIdle        // Idle is negative

	// What Agree finds in the answer of a server: the client fails the
	// connection (RFC 7692 section 5.1).
	ErrAnswer           // malformed, or not exactly one extension (RFC 6455 section 9.1)
	ErrAnswerExtension  // an extension that was not offered (RFC 6455 section 4.1)
	ErrAnswerParameter  // unknown parameter (RFC 7692 section 7)
	ErrAnswerTwice      // parameter given twice (section 7)
	ErrAnswerValue      // parameter with a value that it cannot have (section 7.1)
	ErrAnswerTakeover   // server_no_context_takeover was offered and is missing (section 7.1.1.1)
	ErrAnswerWindowBits // a window larger than what was offered (sections 7.1.2.1 and 7.1.2.2)
	ErrNoContext        // the server's messages need a context, and none is free any more

	// ErrUnfinished: a message was not read to its end, so that what the next
	// one refers to is not known.
	ErrUnfinished
	numErrors
)

var errorTexts = [numErrors]string{
	ErrLevel:            "deflate: no such level",
	ErrThreshold:        "deflate: negative threshold",
	ErrWindowBits:       "deflate: window bits other than 8 to 15",
	ErrMaxInflated:      "deflate: negative limit of inflated size",
	ErrContexts:         "deflate: context takeover without contexts",
	ErrIdle:             "deflate: negative number of idle compressors",
	ErrAnswer:           "deflate: malformed answer",
	ErrAnswerExtension:  "deflate: answer with an extension that was not offered",
	ErrAnswerParameter:  "deflate: answer with an unknown parameter",
	ErrAnswerTwice:      "deflate: answer with a parameter given twice",
	ErrAnswerValue:      "deflate: answer with a bad value of a parameter",
	ErrAnswerTakeover:   "deflate: answer with context takeover that was not offered",
	ErrAnswerWindowBits: "deflate: answer with a larger window than offered",
	ErrNoContext:        "deflate: no context free",
	ErrUnfinished:       "deflate: earlier message not read to its end",
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e != 0 && e < numErrors {
		return errorTexts[e]
	}
	return "deflate: unknown error"
}
