package coap

// What the tests of this package see of its inside.

const (
	NumErrors  = numErrors
	NumFormats = len(formats)
)
