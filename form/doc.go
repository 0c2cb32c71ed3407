// Package form reads what browsers send: queries and forms that are urlencoded
// (WHATWG URL section 5.1), and multipart/form-data (RFC 7578, RFC 2046), also
// with files that are larger than memory.
//
// It does no I/O and allocates nothing. Bytes come in pieces cut anywhere,
// what is decoded is decoded where it is or into memory of the caller's, and
// everything that a peer can do wrong has an error of its own, with the status
// to answer.
//
// A query stays as it was sent, and a [Query] walks over it and decodes what is
// asked for. A urlencoded form is decoded whole, in its place, by [Parse]. A
// [Multipart] is fed with content as it comes and says what it is: the
// beginning of a part, a piece of its data, its end.
//
// # Differences from the standard library
//
// From net/url's ParseQuery: a ";" is a byte like others, as in the standard of
// WHATWG, not an error; pairs beyond the first 10000 are not refused, since
// nothing is stored of them. A form by Parse must be UTF-8, as browsers send
// it, and is refused as a whole for one malformed escape, where ParseQuery
// drops that pair.
//
// From mime/multipart's Reader: lines end in CRLF, never in LF alone; every
// part must say form-data and have a name; a line that begins with the
// delimiter is a delimiter, whatever follows, and then malformed (RFC 2046
// section 5.1.1); header lines are not folded; an encoding other than the
// identity is refused, where the Reader decodes quoted-printable; %22, %0D and
// %0A in names are decoded, since that is how browsers send these three (HTML
// section 4.10.22.8, and the parser of Fetch section 5.3); a backslash at the
// end of a name is one, as browsers send it; and file names are given as they
// were sent: see [BaseName].
package form
