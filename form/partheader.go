package form

import "github.com/bobtail-go/bobtail/internal/ascii"

// This file reads the header of a part, line by line, and keeps what a program
// is told of it.

func (m *Multipart) beginPart() {
	if m.parts == m.limits.Parts {
		m.fail(ErrParts)
		return
	}
	m.parts++
	m.state = stateHeader
	m.header = 0
	m.kept, m.line = m.delimiter, m.delimiter
	m.name, m.filename, m.contentType = span{}, span{}, span{}
	m.disposed, m.extended, m.encoded = false, false, false
}

func (m *Multipart) countHeader(n int) {
	m.header += n
	if m.header > m.limits.Header {
		m.fail(ErrHeaderLong)
	}
}

// headerBytes takes what b has of a line.
func (m *Multipart) headerBytes(b []byte) int {
	for i, c := range b {
		switch {
		case c == '\r':
			m.state = stateHeaderLF
			m.countHeader(i + 2)
			return i + 1
		case c == '\n':
			m.fail(ErrLine)
			return i + 1
		case c < ' ' && c != '\t' || c == 0x7F:
			m.fail(ErrHeaderByte)
			return i + 1
		case m.line == m.kept && ascii.IsBlank(c):
			m.fail(ErrFold)
			return i + 1
		case m.line == len(m.mem) || m.header+i == m.limits.Header:
			m.fail(ErrHeaderLong)
			return i + 1
		}
		m.mem[m.line] = c
		m.line++
	}
	m.countHeader(len(b))
	return len(b)
}

// endLine takes a line that is complete.
func (m *Multipart) endLine() Event {
	m.state = stateHeader
	line := m.mem[m.kept:m.line]
	if len(line) == 0 {
		if !m.disposed {
			m.fail(ErrDisposition)
			return EventNone
		}
		// The line break that ends the header may be the delimiter's too: a
		// part of no bytes may have none of its own (RFC 2046 section 5.1.1).
		m.atLineStart()
		m.state = stateData
		return EventPart
	}
	i := 0
	for i < len(line) && ascii.IsTchar(line[i]) {
		i++
	}
	if i == 0 || i == len(line) || line[i] != ':' {
		m.fail(ErrHeaderName)
		return EventNone
	}
	name, value := line[:i], ascii.Trim(line[i+1:])
	switch {
	case ascii.EqualFold(name, "content-disposition"):
		if m.disposed {
			m.fail(ErrHeaderTwice)
			return EventNone
		}
		m.disposed = true
		m.disposition(value)
	case ascii.EqualFold(name, "content-type"):
		if m.contentType.end > 0 {
			m.fail(ErrHeaderTwice)
			return EventNone
		}
		m.contentType = m.keep(value)
	case ascii.EqualFold(name, "content-transfer-encoding"):
		// RFC 7578 section 4.7: not to be sent. What is the identity does no
		// harm; data that is not what it seems does.
		if !ascii.EqualFold(value, "binary") && !ascii.Equal(value, "7bit") && !ascii.Equal(value, "8bit") {
			m.fail(ErrEncoding)
		}
	}
	// Others are ignored (RFC 7578 section 4.8).
	m.line = m.kept
	return EventNone
}

// keep keeps a part of the line, where the line begins at the earliest.
func (m *Multipart) keep(b []byte) span {
	s := span{m.kept, m.kept + copy(m.mem[m.kept:], b)}
	m.kept = s.end
	return s
}

// disposition takes the value of Content-Disposition (RFC 7578 section 4.2,
// RFC 6266 section 4.1). Values are decoded to where they are kept, which is
// never beyond where they are read.
func (m *Multipart) disposition(b []byte) {
	b, ok := cutMediaType(b, "form-data")
	if !ok {
		m.fail(ErrDisposition)
		return
	}
	for {
		p, rest, err := nextParameter(b)
		if err != nil {
			m.fail(err.(Error))
			return
		}
		if p.name == nil {
			break
		}
		b = rest
		switch {
		case ascii.EqualFold(p.name, "name"):
			if m.name.end > 0 {
				m.fail(ErrHeaderTwice)
				return
			}
			m.name = m.keepValue(p)
		case ascii.EqualFold(p.name, "filename"):
			switch {
			case m.extended: // which goes before this (RFC 6266 section 4.3)
			case m.filename.end > 0:
				m.fail(ErrHeaderTwice)
				return
			default:
				m.filename = m.keepValue(p)
			}
		case ascii.EqualFold(p.name, "filename*"):
			// RFC 7578 section 4.2 forbids it, and some send it.
			if m.extended {
				m.fail(ErrHeaderTwice)
				return
			}
			m.extended = true
			if m.filename, err = m.keepExtended(p); err != nil {
				m.fail(err.(Error))
				return
			}
		}
	}
	if m.name.end == 0 {
		m.fail(ErrName)
	}
}

// keepValue keeps the value of a parameter as browsers mean it: of the three
// bytes that would end it, they write percent-encoded what they send (HTML
// section 4.10.22.8), and nothing else; others escape quotes by a backslash.
func (m *Multipart) keepValue(p parameter) span {
	w := m.kept
	for i := 0; i < len(p.value); i++ {
		c := p.value[i]
		switch {
		case p.quoted && escapes(p.value[i:]):
			i++
			c = p.value[i]
		case c == '%' && i+2 < len(p.value):
			switch {
			case p.value[i+1] == '2' && p.value[i+2] == '2':
				c = '"'
				i += 2
			case p.value[i+1] == '0' && p.value[i+2] == 'D':
				c = '\r'
				i += 2
			case p.value[i+1] == '0' && p.value[i+2] == 'A':
				c = '\n'
				i += 2
			}
		}
		m.mem[w] = c
		w++
	}
	s := span{m.kept, w}
	m.kept = w
	return s
}

// keepExtended keeps a value of RFC 8187 section 3.2:
//
//	ext-value = charset "'" [ language ] "'" value-chars
func (m *Multipart) keepExtended(p parameter) (span, error) {
	charset, quotes, i := 0, 0, 0
	for ; i < len(p.value) && quotes < 2; i++ {
		if p.value[i] == '\'' {
			if quotes == 0 {
				charset = i
			}
			quotes++
		}
	}
	if quotes < 2 || p.quoted {
		return span{}, ErrExtended
	}
	if !ascii.EqualFold(p.value[:charset], "utf-8") {
		return span{}, ErrCharset
	}
	n, err := Decode(m.mem[m.kept:], p.value[i:])
	if err != nil {
		return span{}, ErrExtended
	}
	s := span{m.kept, m.kept + n}
	m.kept = s.end
	return s, nil
}

// BaseName is what of the name of a file may serve as a name in a folder: what
// is behind the last "/" or "\" (RFC 7578 section 4.2), nil if that is empty,
// "." or "..", or has a control or a colon, which some systems take for
// something else. Whether it is taken already, or too long, is for the program
// to find out.
func BaseName(filename []byte) []byte {
	for i := len(filename) - 1; i >= 0; i-- {
		if filename[i] == '/' || filename[i] == '\\' {
			filename = filename[i+1:]
			break
		}
	}
	for _, c := range filename {
		if c < ' ' || c == 0x7F || c == ':' {
			return nil
		}
	}
	if len(filename) == 0 || ascii.Equal(filename, ".") || ascii.Equal(filename, "..") {
		return nil
	}
	return filename
}
