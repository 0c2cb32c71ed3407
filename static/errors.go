package static

// Error is an error of this package. Its values are constants.
type Error uint8

// What can be wrong with what is to be served, found when it is made ready.
const (
	_             Error = iota
	ErrArchive          // not an archive of this version
	ErrTruncated        // an archive whose end is missing
	ErrIndex            // an archive whose index points out of it
	ErrName             // name that no request can ask for
	ErrOrder            // two files of one name, or an archive out of order
	ErrType             // media type that cannot be sent
	ErrTag              // malformed entity-tag
	ErrLarge            // more than an archive can hold: 2 GiB
	ErrCache            // Options.CacheControl cannot be sent
	ErrParts            // Options.Parts out of range
	ErrDirOptions       // Dir's options out of range
	ErrChanged          // a file that became shorter while it was sent
	numErrors
)

var errorTexts = [numErrors]string{
	ErrArchive:    "static: not an archive of this version",
	ErrTruncated:  "static: archive truncated",
	ErrIndex:      "static: archive's index points out of it",
	ErrName:       "static: file name that cannot be asked for",
	ErrOrder:      "static: file names twice or out of order",
	ErrType:       "static: malformed media type",
	ErrTag:        "static: malformed entity-tag",
	ErrLarge:      "static: more than 2 GiB",
	ErrCache:      "static: Options.CacheControl cannot be sent",
	ErrParts:      "static: Options.Parts out of range",
	ErrDirOptions: "static: DirOptions out of range",
	ErrChanged:    "static: file became shorter while it was sent",
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e < numErrors && errorTexts[e] != "" {
		return errorTexts[e]
	}
	return "static: unknown error"
}
