package coaptcp

// Error is an error of this package. Its values are constants.
type Error uint8

// The errors of this package.
const (
	_          Error = iota
	ErrConfig        // a field of the Config is out of its bounds
	ErrLong          // the message is longer than the peer takes
	ErrFull          // as many requests of our own as Config.Requests wait for their answers
	ErrMisuse        // no request, or one without a limit
	ErrTimeout       // no answer has come within the limit
	ErrClosed        // the connection has ended before the answer came
	numErrors
)

var errorTexts = [numErrors]string{
	ErrConfig:  "coaptcp: configuration out of bounds",
	ErrLong:    "coaptcp: message longer than the peer takes",
	ErrFull:    "coaptcp: too many requests wait for their answers",
	ErrMisuse:  "coaptcp: not a request, or no limit",
	ErrTimeout: "coaptcp: no answer in time",
	ErrClosed:  "coaptcp: connection ended before the answer",
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e < numErrors && errorTexts[e] != "" {
		return errorTexts[e]
	}
	return "coaptcp: unknown error"
}

// Timeout reports whether the error is a passed deadline.
func (e Error) Timeout() bool { return e == ErrTimeout }
