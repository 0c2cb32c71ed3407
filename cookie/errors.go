package cookie

// Error is an error of this package: one value for each rule that can be
// broken. Its values are constants: none allocates, and each can be compared.
type Error uint8

// The errors. The first three are a peer's, the others the program's.
const (
	_ Error = iota

	ErrPair      // pair without "="
	ErrPairName  // name of a pair that is not a token
	ErrPairValue // control, quote, backslash or byte that is not ASCII in a pair's value

	ErrName         // name that is not a token
	ErrValue        // control, quote, semicolon, backslash or byte that is not ASCII in a value
	ErrLong         // name and value longer than MaxPair together
	ErrPath         // control, semicolon or byte that is not ASCII in a path
	ErrPathLong     // path longer than MaxAttribute
	ErrDomain       // domain that is neither the name of a host nor an IPv4 address
	ErrExpires      // Expires before 1601 or after 9999
	ErrSameSite     // no value of SameSite
	ErrNoneInsecure // SameSite=None without Secure, which browsers drop
	ErrPartitioned  // Partitioned without Secure, which browsers drop
	ErrSecurePrefix // name that begins with __Secure- without Secure
	ErrHostPrefix   // name that begins with __Host- without Secure and the path "/", or with a domain
	numErrors
)

var errorTexts = [numErrors]string{
	ErrPair:         "cookie: pair without equals sign",
	ErrPairName:     "cookie: malformed name in a pair",
	ErrPairValue:    "cookie: malformed value in a pair",
	ErrName:         "cookie: name is not a token",
	ErrValue:        "cookie: value has a byte that none may have",
	ErrLong:         "cookie: name and value too long",
	ErrPath:         "cookie: path has a byte that none may have",
	ErrPathLong:     "cookie: path too long",
	ErrDomain:       "cookie: malformed domain",
	ErrExpires:      "cookie: Expires is not from 1601 to 9999",
	ErrSameSite:     "cookie: unknown SameSite",
	ErrNoneInsecure: "cookie: SameSite=None without Secure",
	ErrPartitioned:  "cookie: Partitioned without Secure",
	ErrSecurePrefix: "cookie: __Secure- without Secure",
	ErrHostPrefix:   "cookie: __Host- without Secure and Path=/, or with Domain",
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e < numErrors && errorTexts[e] != "" {
		return errorTexts[e]
	}
	return "cookie: unknown error"
}

// Status is the status to answer: 400 for what a peer has sent, 500 for what a
// program has meant to.
func (e Error) Status() int {
	switch e {
	case ErrPair, ErrPairName, ErrPairValue:
		return 400
	}
	return 500
}
