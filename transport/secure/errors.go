package secure

// Error is an error of this package. Its values are constants.
type Error uint8

// The errors of New, and of a handshake, as Config.Failed is told them beside
// those of crypto/tls.
const (
	_              Error = iota
	ErrBackend           // New was given no backend
	ErrCertificate       // the configuration has no way to get a certificate
	ErrConfig            // a number in the configuration is out of its bounds
	ErrTimeout           // the client did not complete its handshake in time
	ErrEvicted           // the client kept a handshake waiting, and others were waiting for it to end
	ErrPlain             // the client speaks plain HTTP
	ErrNotTLS            // the client speaks something else
	ErrVersion           // a configuration by server name allows versions before 1.2
	numErrors
)

var errorTexts = [numErrors]string{
	ErrBackend:     "secure: no backend to wrap",
	ErrCertificate: "secure: no certificate: set Certificates, GetCertificate or GetConfigForClient, or try with SelfSigned",
	ErrConfig:      "secure: Handshakes, Timeout and Linger must not be negative, nor Handshakes more than 65536",
	ErrTimeout:     "secure: handshake not completed in time",
	ErrEvicted:     "secure: handshake given up for others that wait",
	ErrPlain:       "secure: client spoke plain HTTP",
	ErrNotTLS:      "secure: client did not speak TLS",
	ErrVersion:     "secure: version before TLS 1.2",
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e < numErrors && errorTexts[e] != "" {
		return errorTexts[e]
	}
	return "secure: unknown error"
}

// Timeout reports whether the error is a passed deadline.
func (e Error) Timeout() bool { return e == ErrTimeout }
