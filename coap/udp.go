package coap

// Messages over UDP (RFC 7252 section 3).

//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|Ver| T |  TKL  |      Code     |          Message ID           |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Token (if any, TKL bytes) ...
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|   Options (if any) ...
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|1 1 1 1 1 1 1 1|    Payload (if any) ...
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// An extended token length stands between message ID and token (RFC 8974
// section 2.1).

// MaxUDPHeader is the longest header in bytes, with the extended token length.
const MaxUDPHeader = 4 + 2

// Type is the type of a message over UDP (RFC 7252 section 4).
type Type uint8

// The types.
const (
	Confirmable     Type = 0
	NonConfirmable  Type = 1
	Acknowledgement Type = 2
	Reset           Type = 3
)

// String is the name of the type in RFC 7252, by its usual three letters.
func (t Type) String() string {
	switch t {
	case Confirmable:
		return "CON"
	case NonConfirmable:
		return "NON"
	case Acknowledgement:
		return "ACK"
	case Reset:
		return "RST"
	}
	return "unknown"
}

// Datagram is a message over UDP.
type Datagram struct {
	Message
	Type Type
	ID   uint16 // the message ID (RFC 7252 section 4.4)
}

// ParseUDP reads a datagram. With an error the Datagram has Type and ID, for
// the Reset with which a confirmable message is rejected; other messages are
// ignored then, as are those with ErrDatagramShort and ErrDatagramVersion,
// which have neither (RFC 7252 sections 3, 4.2, 4.3).
func ParseUDP(b []byte) (d Datagram, err error) {
	e := d.parse(b)
	if e != 0 {
		d.Message = Message{}
	}
	return d, e.err()
}

func (d *Datagram) parse(b []byte) (e Error) {
	if len(b) < 4 {
		return ErrDatagramShort
	}
	if b[0]>>6 != 1 {
		return ErrDatagramVersion
	}
	d.Type = Type(b[0] >> 4 & 3)
	d.ID = uint16(b[2])<<8 | uint16(b[3])
	d.Code = Code(b[1])
	tkl := b[0] & 15
	if tkl == 15 {
		return ErrTokenLength
	}
	switch c := d.Code; {
	case c == CodeEmpty:
		if len(b) != 4 || tkl != 0 {
			return ErrDatagramEmpty
		}
		if d.Type == NonConfirmable {
			return ErrDatagramType
		}
		return 0
	case !c.IsRequest() && !c.IsResponse():
		return ErrDatagramClass
	case d.Type == Reset, d.Type == Acknowledgement && c.IsRequest():
		return ErrDatagramType // RFC 7252 section 4.3, table 1
	}
	length, n, ok := tokenLength(tkl, b[4:])
	if !ok || length > len(b)-4-n {
		return ErrDatagramToken
	}
	body := 4 + n + length
	d.Token = b[4+n : body : body]
	d.Options, d.Payload, e = parseBody(b[body:])
	return e
}

// SizeUDP is how many bytes AppendUDP appends.
func SizeUDP(m Message) int {
	return 4 + extended(uint(len(m.Token))) + len(m.Token) + int(SizeBody(m.Options, m.Payload))
}

// AppendUDP appends a datagram. It panics if the token is longer than
// MaxExtendedToken.
func AppendUDP(dst []byte, d Datagram) []byte {
	tkl := tokenNibble(len(d.Token))
	dst = append(dst, 1<<6|byte(d.Type&3)<<4|tkl, byte(d.Code), byte(d.ID>>8), byte(d.ID))
	return d.appendBody(appendToken(dst, d.Token))
}
