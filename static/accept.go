package static

import "github.com/bobtail-go/bobtail/internal/ascii"

// negotiate chooses a form of an entry by an Accept-Encoding field (RFC 9110
// section 12.5.3): the one with the highest weight, of equals the shortest. A
// request without the field gets Identity, which is always understood. ok is
// false if the entry has no form that may be sent; identity is sent also to
// who excludes it (section 12.4.1 allows that), as there is nothing better.
func negotiate(field []byte, e *Entry) (f Form, ok bool) {
	if !e.Varies() {
		return Identity, e.Length[Identity] >= 0
	}
	best := -1
	for o := Identity; o < NumForms; o++ {
		if e.Length[o] < 0 {
			continue
		}
		q := weight(field, o)
		if q > best || q == best && e.Length[o] < e.Length[f] {
			f, best = o, q
		}
	}
	if best > 0 {
		return f, true
	}
	return Identity, e.Length[Identity] >= 0
}

// unnamed is the weight of identity where nothing is said of it: acceptable,
// but less than all that is named (RFC 9110 section 12.5.3, item 2).
const unnamed = 1

// weight is what an Accept-Encoding field says of a form, in thousandths plus
// unnamed; 0 is not acceptable. A member that is malformed says nothing.
//
//	Accept-Encoding = #( codings [ weight ] )
//	codings         = content-coding / "identity" / "*"
func weight(field []byte, f Form) int {
	named, any := -1, -1
	for {
		if field = skipList(field); len(field) == 0 {
			break
		}
		n := 0
		for n < len(field) && field[n] != ',' {
			n++
		}
		coding, q := member(field[:n])
		field = field[n:]
		switch {
		case q < 0:
		case f == Identity && ascii.EqualFold(coding, "identity"), f == Brotli && ascii.EqualFold(coding, "br"),
			f == Gzip && (ascii.EqualFold(coding, "gzip") || ascii.EqualFold(coding, "x-gzip")): // section 8.4.1.3
			named = max(named, q)
		case len(coding) == 1 && coding[0] == '*':
			any = max(any, q)
		}
	}
	switch {
	case named >= 0:
		return scale(named)
	case any >= 0:
		return scale(any)
	case f == Identity:
		return unnamed
	}
	return 0
}

func scale(q int) int {
	if q == 0 {
		return 0
	}
	return q + unnamed
}

// member takes "gzip;q=0.5" apart. q is in thousandths, and -1 if the member
// is malformed.
//
//	weight = OWS ";" OWS "q=" qvalue
//	qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
func member(b []byte) (coding []byte, q int) {
	n := 0
	for n < len(b) && b[n] != ';' && b[n] != ' ' && b[n] != '\t' {
		n++
	}
	coding = b[:n]
	if b = skipBlank(b[n:]); len(b) == 0 {
		return coding, 1000
	}
	if b[0] != ';' {
		return coding, -1
	}
	b = skipBlank(b[1:])
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	if len(b) < 3 || len(b) > 7 || ascii.Lower(b[0]) != 'q' || b[1] != '=' || b[2] != '0' && b[2] != '1' {
		return coding, -1
	}
	q = int(b[2]-'0') * 1000
	if len(b) == 3 {
		return coding, q
	}
	if b[3] != '.' {
		return coding, -1
	}
	unit := 100
	for _, c := range b[4:] {
		if c < '0' || c > '9' {
			return coding, -1
		}
		q += int(c-'0') * unit
		unit /= 10
	}
	if q > 1000 {
		return coding, -1
	}
	return coding, q
}
