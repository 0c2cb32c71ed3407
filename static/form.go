package static

// Form is how a file is encoded. The compressed forms are made beforehand.
type Form uint8

// The forms, whose order says what is preferred of two that are equally long
// and equally welcome.
const (
	Identity Form = iota // as it is
	Gzip
	Brotli

	// NumForms is the number of forms.
	NumForms = 3
)

// Coding is the content coding of a form (RFC 9110 section 8.4.1), "" for
// Identity.
func (f Form) Coding() string {
	switch f {
	case Gzip:
		return "gzip"
	case Brotli:
		return "br"
	}
	return ""
}

// suffix is what the entity-tag of a form ends with, before the quote.
func (f Form) suffix() string {
	switch f {
	case Gzip:
		return "-gz"
	case Brotli:
		return "-br"
	}
	return ""
}
