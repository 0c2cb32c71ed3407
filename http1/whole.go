//go:build !tinygo

package http1

import "github.com/bobtail-go/bobtail/internal/ascii"

// This file takes lines that have come whole and are as nearly all are, without
// a state between their bytes: a request line of GET, HEAD or POST for a path,
// field lines with at most a space before the value, and the empty line behind
// them. Any other line it leaves to the states, which say what is wrong with
// it, and which a test holds to the same result. TinyGo's programs do without,
// for their size.

// The beginnings of request lines, as words.
const (
	wordGet  = 'G' | 'E'<<8 | 'T'<<16 | ' '<<24 | '/'<<32
	wordHead = 'H' | 'E'<<8 | 'A'<<16 | 'D'<<24 | ' '<<32 | '/'<<40
	wordPost = 'P' | 'O'<<8 | 'S'<<16 | 'T'<<24 | ' '<<32 | '/'<<40
)

// wholeRequestLine takes the request line at b[i] if it is a usual one, and
// returns where the next line begins. Else it returns i and has changed nothing.
func (p *Parser) wholeRequestLine(h *Head, b []byte, i int) int {
	if len(b)-i < len("GET / HTTP/1.1\r\n") {
		return i
	}
	m, n := GET, 3
	switch w := word(b[i:]); {
	case w&(1<<40-1) == wordGet:
	case w&(1<<48-1) == wordHead:
		m, n = HEAD, 4
	case w&(1<<48-1) == wordPost:
		m, n = POST, 4
	default:
		return i
	}
	target := i + n + 1
	query := scanPath(b, target+1)
	end := query
	if end < len(b) && b[end] == '?' {
		end = scanTarget(b, end+1)
	}
	if len(b)-end < len(" HTTP/1.1\r\n") || end-target > p.Limits.target() {
		return i
	}
	if v := b[end : end+11]; v[0] != ' ' || word(v[1:]) != word(http11) || v[9] != '\r' || v[10] != '\n' {
		return i
	}
	h.start = uint16(i)
	h.method, h.methodLen = m, uint8(n)
	h.target = uint16(target)
	h.targetLen = uint16(end - target)
	h.query = uint16(query - target)
	h.form = Origin
	h.version = Version11
	h.step = 0
	h.state = stateLine
	h.asks = p.Ask
	return end + len(" HTTP/1.1\r\n")
}

// outlines has of each name in knownNames its length, its first eight bytes and,
// if it is longer, its last eight. A test says what it must be.
var outlines = [numIDs]struct {
	n           int
	first, last uint64
}{
	{},
	{4, 0x74736f68, 0x0}, // host
	{14, 0x2d746e65746e6f63, 0x6874676e656c2d74}, // content-length
	{17, 0x726566736e617274, 0x676e69646f636e65}, // transfer-encoding
	{10, 0x697463656e6e6f63, 0x6e6f697463656e6e}, // connection
	{7, 0x65646172677075, 0x0},                   // upgrade
	{6, 0x746365707865, 0x0},                     // expect
	{12, 0x2d746e65746e6f63, 0x657079742d746e65}, // content-type
	{16, 0x2d746e65746e6f63, 0x676e69646f636e65}, // content-encoding
	{16, 0x2d746e65746e6f63, 0x65676175676e616c}, // content-language
	{13, 0x7a69726f68747561, 0x6e6f6974617a6972}, // authorization
	{6, 0x6e696769726f, 0x0},                     // origin
	{8, 0x686374616d2d6669, 0x0},                 // if-match
	{13, 0x2d656e6f6e2d6669, 0x686374616d2d656e}, // if-none-match
	{17, 0x6669646f6d2d6669, 0x65636e69732d6465}, // if-modified-since
	{19, 0x646f6d6e752d6669, 0x65636e69732d6465}, // if-unmodified-since
	{8, 0x65676e61722d6669, 0x0},                 // if-range
	{5, 0x65676e6172, 0x0},                       // range
	{13, 0x6576652d7473616c, 0x64692d746e657665}, // last-event-id
	{17, 0x736265772d636573, 0x79656b2d74656b63}, // sec-websocket-key
	{21, 0x736265772d636573, 0x6e6f69737265762d}, // sec-websocket-version
	{22, 0x736265772d636573, 0x6c6f636f746f7270}, // sec-websocket-protocol
	{24, 0x736265772d636573, 0x736e6f69736e6574}, // sec-websocket-extensions
	{15, 0x652d747065636361, 0x676e69646f636e65}, // accept-encoding
	{29, 0x632d737365636361, 0x646f6874656d2d74}, // access-control-request-method
	{30, 0x632d737365636361, 0x737265646165682d}, // access-control-request-headers
	{6, 0x65696b6f6f63, 0x0},                     // cookie
	{10, 0x6567612d72657375, 0x746e6567612d7265}, // user-agent
	{6, 0x747065636361, 0x0},                     // accept
	{15, 0x6c2d747065636361, 0x65676175676e616c}, // accept-language
	{7, 0x72657265666572, 0x0},                   // referer
	{13, 0x6f632d6568636163, 0x6c6f72746e6f632d}, // cache-control
	{9, 0x6564726177726f66, 0x646564726177726f},  // forwarded
	{15, 0x726177726f662d78, 0x726f662d64656472}, // x-forwarded-for
	{17, 0x726177726f662d78, 0x6f746f72702d6465}, // x-forwarded-proto
	{9, 0x692d6c6165722d78, 0x70692d6c6165722d},  // x-real-ip
	{12, 0x7365757165722d78, 0x64692d7473657571}, // x-request-id
	{16, 0x7365757165722d78, 0x687469772d646574}, // x-requested-with
	{4, 0x65746164, 0x0},                         // date
	{2, 0x6574, 0x0},                             // te
	{3, 0x616976, 0x0},                           // via
	{11, 0x7261706563617274, 0x746e657261706563}, // traceparent
	{6, 0x726566657270, 0x0},                     // prefer
}

// wholeFieldLines takes the field lines from b[i] on, as long as they are usual
// ones, and the end of the head if it comes to that. It returns how far it came.
func (p *Parser) wholeFieldLines(h *Head, b []byte, i int) int {
	most := p.Limits.fields()
	known := p.Keep.known
	if h.all || p.Keep.all {
		known = 1<<64 - 1
	}
	for {
		l := b[i:]
		if len(l) < 8 || l[0] == '\r' {
			break
		}
		w := word(l[:8])
		n := 0
		if m := colons(w); m != 0 {
			n = firstByte(m)
			w &= 1<<(uint(n)*8&63) - 1
		} else {
			name := l[:min(len(l), MaxFieldName+1)]
			if n = scanColon(name, 8); n == len(name) {
				break
			}
		}
		if n == 0 || int(h.count) == most {
			break
		}

		// As in lookup, by the words that are here already.
		id := knownIndex[(uint(n)*62+uint(byte(w)|0x20)*12+uint(l[n-1]|0x20)*55)>>2&127]
		switch o := &outlines[id]; {
		case n != o.n || !foldsTo(w, o.first):
			id = idOther
		case n <= 8:
		case n > 16:
			id = lookup(l[:n])
		case !foldsTo(word(l[n-8:n]), o.last):
			id = idOther
		}
		keep := known>>(id&63)&1 != 0
		if id == idOther {
			if !allToken(l[:n]) {
				break
			}
			keep = keep || p.Keep.has(id, l[:n])
		}

		v := n + 1
		if v < len(l) && l[v] == ' ' {
			v++
		}
		end := v
		for end < len(l) {
			if end+8 <= len(l) {
				w = word(l[end : end+8])
			} else {
				w, _ = lastWord(l, end)
			}
			if m := controls(w); m != 0 {
				end += firstByte(m)
				break
			}
			end += 8
		}
		if end+1 >= len(l) || l[end] != '\r' || l[end+1] != '\n' || ascii.IsBlank(l[v]) {
			break
		}
		h.count++
		if keep || id-1 < idActedOn-1 {
			h.name, h.value = uint16(i), uint16(i+v)
			h.nameLen = uint8(n)
			h.id, h.keep = id, keep
			if !h.endField(b, i+end) {
				return i + end
			}
		}
		i += end + 2
	}
	if len(b)-i >= 2 && b[i] == '\r' && b[i+1] == '\n' && h.checkFields() == 0 {
		h.state = stateDone
		i += 2
	}
	return i
}
