// Package cookie reads and writes cookies (RFC 6265). It does no I/O and
// allocates nothing.
//
// A [Pairs] walks over a request's Cookie field; a [Cookie] is written as the
// value of a Set-Cookie field. What net/http would drop with a line in the log,
// and what browsers would drop silently, is an error here.
//
// # Differences from net/http
//
// Reading is strict as http.ParseCookie is, and as tolerant of others' mistakes
// as Request.Cookies is: a malformed pair is skipped, and told of. A pair
// without "=", or with a blank before it, is malformed; Request.Cookies takes
// it. There is no limit to the number of pairs, since nothing is stored.
//
// Writing refuses a byte that no value or path has, and a malformed domain,
// which Cookie.String drops. Beyond what Cookie.Valid refuses, it refuses
// SameSite=None without Secure, names with a prefix whose promise is not kept,
// and more bytes than browsers store (RFC 6265bis sections 4.1.3 and 5.7).
package cookie

import (
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/ascii"
)

// SameSite says whether a browser sends a cookie along with requests that
// pages of other sites make (RFC 6265bis section 4.1.2.7).
type SameSite uint8

// The values of SameSite.
const (
	Default SameSite = iota // left to the browser: today mostly Lax
	Lax                     // only where the user goes to the site by a link
	Strict                  // never
	None                    // always: needs Secure
)

// Cookie is a cookie that a response sets.
type Cookie struct {
	Name string // a token

	// Value is the value, and Bytes the same in bytes, which count if they are
	// not nil. A value has no control, quote, semicolon or backslash and is
	// ASCII; with blanks or commas it is sent in quotes, as it is if Quoted is
	// set. Other values are encoded first, in base64 for example.
	Value  string
	Bytes  []byte
	Quoted bool

	// Path is the path below which the cookie is sent back; "" is the folder
	// of the request's.
	Path string

	// Domain is the host below which the cookie is sent back, with all that
	// are under it; "" is the request's host alone, which is safer.
	Domain string

	// MaxAge is how many seconds the cookie lives. 0 says nothing, so that it
	// lives as long as the browser runs, and less than 0 deletes it.
	MaxAge int

	// Expires is when the cookie ends, in seconds since 1970 UTC, for browsers
	// that do not know MaxAge. 0 says nothing.
	Expires int64

	Secure      bool // sent by TLS only, and to this machine
	HTTPOnly    bool // not shown to scripts
	SameSite    SameSite
	Partitioned bool // kept apart for each site that embeds this one: needs Secure
}

// What browsers store at most (RFC 6265bis section 5.7).
const (
	MaxPair      = 4096 // bytes of name and value together
	MaxAttribute = 1024 // bytes of an attribute's value
)

// Of an Expires: 1601 is the first year that browsers take (RFC 6265 section
// 5.1.1), 9999 the last with four digits.
const (
	minExpires = -11644473600
	maxExpires = 253402300799
)

// MaxSize is a length that the cookie does not exceed when it is written.
func (c Cookie) MaxSize() int {
	const attributes = len(`=""; Path=; Domain=; Expires=; Max-Age=; HttpOnly; Secure; SameSite=Strict; Partitioned`)
	return len(c.Name) + max(len(c.Value), len(c.Bytes)) + len(c.Path) + len(c.Domain) + attributes + http1.DateSize + 20
}

// Validate reports the first thing that is wrong with the cookie.
func (c Cookie) Validate() error {
	if !ascii.IsToken(c.Name) {
		return ErrName
	}
	length := len(c.Value)
	ok := true
	if c.Bytes != nil {
		length = len(c.Bytes)
		for _, b := range c.Bytes {
			ok = ok && isValue(b)
		}
	} else {
		for i := range len(c.Value) {
			ok = ok && isValue(c.Value[i])
		}
	}
	switch {
	case !ok:
		return ErrValue
	case len(c.Name)+length > MaxPair:
		return ErrLong
	case len(c.Path) > MaxAttribute:
		return ErrPathLong
	}
	for i := range len(c.Path) {
		if b := c.Path[i]; b < ' ' || b >= 0x7F || b == ';' {
			return ErrPath
		}
	}
	switch {
	case c.Domain != "" && !isDomain(c.Domain) && !isIPv4(c.Domain):
		return ErrDomain
	case c.Expires < minExpires || c.Expires > maxExpires:
		return ErrExpires
	case c.SameSite > None:
		return ErrSameSite
	case c.SameSite == None && !c.Secure:
		return ErrNoneInsecure
	case c.Partitioned && !c.Secure:
		return ErrPartitioned
	// Browsers compare these in any case (RFC 6265bis section 5.7).
	case ascii.HasPrefixFold(c.Name, "__secure-") && !c.Secure:
		return ErrSecurePrefix
	case ascii.HasPrefixFold(c.Name, "__host-") && (!c.Secure || c.Path != "/" || c.Domain != ""):
		return ErrHostPrefix
	}
	return nil
}

// AppendTo appends the cookie as the value of a Set-Cookie field (RFC 6265
// section 4.1.1). If dst has room for MaxSize more bytes, it does not allocate.
// The errors are those of Validate, and then nothing is appended.
func (c Cookie) AppendTo(dst []byte) ([]byte, error) {
	if err := c.Validate(); err != nil {
		return dst, err
	}
	dst = append(dst, c.Name...)
	dst = append(dst, '=')
	at := len(dst)
	dst = append(dst, '"')
	if c.Bytes != nil {
		dst = append(dst, c.Bytes...)
	} else {
		dst = append(dst, c.Value...)
	}
	quoted := c.Quoted
	for _, b := range dst[at+1:] {
		quoted = quoted || b == ' ' || b == ','
	}
	if quoted {
		dst = append(dst, '"')
	} else {
		dst = dst[:at+copy(dst[at:], dst[at+1:])]
	}
	if c.Path != "" {
		dst = append(dst, "; Path="...)
		dst = append(dst, c.Path...)
	}
	if domain := c.Domain; domain != "" {
		if domain[0] == '.' {
			domain = domain[1:] // which browsers ignore (RFC 6265 section 5.2.3)
		}
		dst = append(dst, "; Domain="...)
		dst = append(dst, domain...)
	}
	if c.Expires != 0 {
		dst = append(dst, "; Expires="...)
		dst = http1.AppendDate(dst, c.Expires)
	}
	if c.MaxAge != 0 {
		dst = append(dst, "; Max-Age="...)
		dst = ascii.AppendUint(dst, uint64(max(c.MaxAge, 0)))
	}
	if c.HTTPOnly {
		dst = append(dst, "; HttpOnly"...)
	}
	if c.Secure {
		dst = append(dst, "; Secure"...)
	}
	switch c.SameSite {
	case Lax:
		dst = append(dst, "; SameSite=Lax"...)
	case Strict:
		dst = append(dst, "; SameSite=Strict"...)
	case None:
		dst = append(dst, "; SameSite=None"...)
	}
	if c.Partitioned {
		dst = append(dst, "; Partitioned"...)
	}
	return dst, nil
}

// isValue reports whether a value may have a byte: cookie-octet of RFC 6265
// section 4.1.1, and blank and comma, which many send.
func isValue(c byte) bool {
	return c >= ' ' && c < 0x7F && c != '"' && c != ';' && c != '\\'
}

// isDomain reports whether s is the name of a host, with a dot before it or
// not.
func isDomain(s string) bool {
	if len(s) > 255 {
		return false
	}
	if s[0] == '.' {
		s = s[1:]
	}
	last, letter, label := byte('.'), false, 0
	for i := range len(s) {
		c := s[i]
		switch {
		case c|0x20-'a' < 26:
			letter = true
			label++
		case c-'0' < 10:
			label++
		case c == '-':
			if last == '.' {
				return false
			}
			label++
		case c == '.':
			if last == '.' || last == '-' || label > 63 {
				return false
			}
			label = 0
		default:
			return false
		}
		last = c
	}
	return letter && last != '-' && label <= 63
}

// isIPv4 reports whether s is an address of four numbers.
func isIPv4(s string) bool {
	numbers := 0
	for {
		n, digits := 0, 0
		for len(s) > 0 && s[0]-'0' < 10 {
			if digits > 0 && n == 0 {
				return false // a zero before others
			}
			n = n*10 + int(s[0]-'0')
			if n > 255 {
				return false
			}
			digits++
			s = s[1:]
		}
		if digits == 0 {
			return false
		}
		numbers++
		if numbers == 4 {
			return s == ""
		}
		if s == "" || s[0] != '.' {
			return false
		}
		s = s[1:]
	}
}
