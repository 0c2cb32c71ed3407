package coap

import "github.com/bobtail-go/bobtail/internal/ascii"

// The numbers of the options of signalling messages (RFC 8323 section 5, RFC
// 8974 section 2.2.1). Each code has numbers of its own (RFC 8323 section 5.2):
// these say nothing in requests and responses, nor in signals of other codes.
const (
	OptMaxMessageSize      Option = 2 // CSM: the longest message that its sender takes
	OptBlockWiseTransfer   Option = 4 // CSM: its sender knows RFC 7959
	OptExtendedTokenLength Option = 6 // CSM: the longest token of a request that its sender takes
	OptCustody             Option = 2 // Ping and Pong
	OptAlternativeAddress  Option = 2 // Release
	OptHoldOff             Option = 4 // Release
	OptBadCSMOption        Option = 2 // Abort
)

// BaseMessage is the longest message in bytes, with its header, that an end
// takes which has not said otherwise (RFC 8323 section 5.3.1).
const BaseMessage = 1152

// leastMessage is the shortest message that there is: a peer that takes less
// can be sent nothing.
const leastMessage = 2

// MaxCSM is the most bytes that AppendCSM appends, and MaxPing those of
// AppendPing and AppendPong with a token of MaxToken bytes.
const (
	MaxCSM  = 2 + 5 + 1 + 4
	MaxPing = 2 + MaxToken + 1
)

// Settings are what an end has said of itself in its CSMs. The zero value has
// the base values, which hold for who has said nothing.
type Settings struct {
	MaxMessage    uint32 // the longest message in bytes that the end takes, from its header to the end of its payload; 0 is BaseMessage
	ExtendedToken uint32 // the longest token in bytes of a request that it takes, up to MaxExtendedToken; 0 is MaxToken
	BlockWise     bool   // whether it knows blockwise transfers
}

// Message is MaxMessage, or its base value.
func (s Settings) Message() uint32 {
	if s.MaxMessage == 0 {
		return BaseMessage
	}
	return s.MaxMessage
}

// Token is ExtendedToken, or its base value.
func (s Settings) Token() uint32 {
	return max(s.ExtendedToken, MaxToken)
}

// BERT reports whether the end takes blocks of several times 1024 bytes (RFC
// 8323 section 5.3.2): it knows blockwise transfers, and takes messages longer
// than the base value.
func (s Settings) BERT() bool { return s.BlockWise && s.MaxMessage > BaseMessage }

// Update takes the options of a CSM of the end's. They add up: what a CSM does
// not name remains (RFC 8323 section 5.3), and so a CSM at any later time may
// change one of them. On an error nothing is changed, and bad is the option to
// name in the Abort that the CSM is to be answered with (section 5.6).
//
// What is said twice in one CSM counts once, as it is said first (RFC 7252
// section 5.4.5).
func (s *Settings) Update(o Options) (bad Option, err error) {
	next := *s
	var seen Option
	it := o.Iter() // not in the loop, where TinyGo would make one anew for each option
	for it.Next() {
		again := it.Number == seen
		seen = it.Number
		switch it.Number {
		case OptMaxMessageSize:
			v, ok := signalUint(it.Value, 4)
			if !ok || v < leastMessage {
				return it.Number, ErrSettings // RFC 8323 section 5.6: a parameter problem with the value of an elective option
			}
			if !again {
				next.MaxMessage = v
			}
		case OptBlockWiseTransfer:
			if len(it.Value) != 0 {
				return it.Number, ErrSettings
			}
			next.BlockWise = true
		case OptExtendedTokenLength:
			v, ok := signalUint(it.Value, 3)
			if !ok {
				return it.Number, ErrSettings
			}
			// RFC 8974 section 2.2.1: less than 8 is to be ignored, and more than
			// 65804 to be taken for that.
			if !again && v >= MaxToken {
				next.ExtendedToken = min(v, MaxExtendedToken)
			}
		default:
			if it.Number.IsCritical() {
				return it.Number, ErrSignalOption // RFC 8323 section 5.2
			}
		}
	}
	*s = next
	return 0, nil
}

// signalUint is the number that an option has, and whether it has at most so
// many bytes, which are four at most.
func signalUint(v []byte, most int) (n uint32, ok bool) {
	if len(v) > most {
		return 0, false
	}
	for _, c := range v {
		n = n<<8 | uint32(c)
	}
	return n, true
}

// AppendCSM appends a whole CSM that says all of s that is set (RFC 8323
// section 5.3). It is the first message that each end sends, and may be sent
// again when something changes: it takes back nothing but what it says anew.
// It has MaxCSM bytes at most.
func AppendCSM(dst []byte, s Settings) []byte {
	token := uint64(0)
	if s.ExtendedToken != 0 {
		token = uint64(min(s.Token(), MaxExtendedToken))
	}
	n := 0
	if s.MaxMessage != 0 {
		n += 1 + SizeUint(uint64(s.MaxMessage))
	}
	if s.BlockWise {
		n++
	}
	if token != 0 {
		n += 1 + SizeUint(token)
	}
	dst, prev := AppendTCPHeader(dst, CodeCSM, nil, n), Option(0)
	if s.MaxMessage != 0 {
		dst, prev = AppendUintOption(dst, prev, OptMaxMessageSize, uint64(s.MaxMessage)), OptMaxMessageSize
	}
	if s.BlockWise {
		dst, prev = AppendOption(dst, prev, OptBlockWiseTransfer, nil), OptBlockWiseTransfer
	}
	if token != 0 {
		dst = AppendUintOption(dst, prev, OptExtendedTokenLength, token)
	}
	return dst
}

// AppendPing appends a whole Ping, which asks for a Pong with the same token
// (RFC 8323 section 5.4). With custody it is to come when all that was sent
// before the Ping has been processed.
func AppendPing(dst, token []byte, custody bool) []byte {
	return appendPing(dst, CodePing, token, custody)
}

// AppendPong appends a whole Pong: the answer to a Ping, with its token.
// Custody says that all messages that came before the Ping have been processed
// (RFC 8323 section 5.4.1); a Ping that has the option, as Custody tells, asks
// to wait until that is so.
func AppendPong(dst, token []byte, custody bool) []byte {
	return appendPing(dst, CodePong, token, custody)
}

func appendPing(dst []byte, c Code, token []byte, custody bool) []byte {
	n := 0
	if custody {
		n = 1
	}
	dst = AppendTCPHeader(dst, c, token, n)
	if custody {
		dst = AppendOption(dst, 0, OptCustody, nil)
	}
	return dst
}

// Custody reports whether a Ping asks for custody, or a Pong tells of it. An
// option of that number with a value is another one, which is ignored (RFC
// 7252 section 5.4.3).
func Custody(o Options) bool {
	it := o.Iter()
	for it.Next() && it.Number <= OptCustody {
		if it.Number == OptCustody && len(it.Value) == 0 {
			return true
		}
	}
	return false
}

// MaxHoldOff is the longest time in seconds that a Release can name.
const MaxHoldOff = 1<<24 - 1

// MaxAddress is the longest alternative address in bytes (RFC 8323 section 5.5).
const MaxAddress = 255

// AppendRelease appends a whole Release, which asks the peer to finish and to
// close the connection (RFC 8323 section 5.5). Address, if it is not "", is
// where to connect instead, as "host:port" (an authority of RFC 3986 section
// 3.2), of which as many bytes count as MaxAddress; holdOff, if it is not 0, is
// for how many seconds it is not to come back here, up to MaxHoldOff. Who has
// more addresses to tell writes the message by AppendTCP.
func AppendRelease(dst []byte, address string, holdOff uint32) []byte {
	address = address[:min(len(address), MaxAddress)]
	holdOff = min(holdOff, MaxHoldOff)
	n := 0
	if address != "" {
		n += SizeOption(0, OptAlternativeAddress, len(address))
	}
	if holdOff != 0 {
		n += 1 + SizeUint(uint64(holdOff))
	}
	dst, prev := AppendTCPHeader(dst, CodeRelease, nil, n), Option(0)
	if address != "" {
		dst, prev = AppendOption(dst, prev, OptAlternativeAddress, ascii.Bytes(address)), OptAlternativeAddress
	}
	if holdOff != 0 {
		dst = AppendUintOption(dst, prev, OptHoldOff, uint64(holdOff))
	}
	return dst
}

// Release is what a Release says besides that the connection is to end.
type Release struct {
	Addresses Addresses // where to connect instead, if there is any
	HoldOff   uint32    // for how many seconds not to come back to where this came from; 0 if nothing is said
}

// ParseRelease reads the options of a Release. It is a view of them.
func ParseRelease(o Options) Release {
	r := Release{Addresses: Addresses{o.Iter()}}
	it := o.Iter()
	for it.Next() && it.Number <= OptHoldOff {
		if it.Number == OptHoldOff {
			// One that is too long is not the option it seems (RFC 7252 section
			// 5.4.3), and of two the first counts (section 5.4.5).
			if v, ok := signalUint(it.Value, 3); ok {
				r.HoldOff = v
				break
			}
		}
	}
	return r
}

// Addresses is an iterator over the alternative addresses of a Release, of
// which the peer may choose any (RFC 8323 section 5.5).
type Addresses struct{ it Iter }

// Next is the next address, as "host:port" or "host", as a view of the message;
// ok is false behind the last. The peer wrote it: nothing says that it is well
// formed.
func (a *Addresses) Next() (address []byte, ok bool) {
	for a.it.Next() && a.it.Number <= OptAlternativeAddress {
		if n := len(a.it.Value); a.it.Number == OptAlternativeAddress && n != 0 && n <= MaxAddress {
			return a.it.Value, true
		}
	}
	return nil, false
}

// AppendAbort appends a whole Abort, behind which the sender closes the
// connection (RFC 8323 section 5.6). Bad, if it is not 0, is the option of a CSM
// that cannot be processed; the diagnostic is UTF-8 for who looks for the cause.
// All of the message must fit into what the peer takes.
func AppendAbort(dst []byte, bad Option, diagnostic string) []byte {
	n := 0
	if bad != 0 {
		n = 1 + SizeUint(uint64(bad))
	}
	if diagnostic != "" {
		n += 1 + len(diagnostic)
	}
	dst = AppendTCPHeader(dst, CodeAbort, nil, n)
	if bad != 0 {
		dst = AppendUintOption(dst, 0, OptBadCSMOption, uint64(bad))
	}
	return AppendPayload(dst, ascii.Bytes(diagnostic))
}

// ParseAbort reads the options of an Abort: the option of one of our CSMs that
// the peer cannot process, 0 if it names none. The payload of the message is
// the diagnostic.
func ParseAbort(o Options) (bad Option) {
	it := o.Iter()
	for it.Next() && it.Number <= OptBadCSMOption {
		if it.Number == OptBadCSMOption {
			if v, ok := signalUint(it.Value, 2); ok {
				return Option(v)
			}
		}
	}
	return 0
}

// Check holds the header of a message that comes to what its receiver has
// announced, before the rest of it is here. Over a reliable transport both
// errors end the connection by an Abort (RFC 8323 section 5.6, RFC 8974 section
// 2.2.1). The token of a response is one that the receiver has chosen, and only
// that of what is no response is looked at.
func (s Settings) Check(h Header) error {
	if h.Size() > uint64(s.Message()) {
		return ErrMessageTooBig
	}
	if !h.Code.IsResponse() && uint64(h.TokenLength) > uint64(s.Token()) {
		return ErrTokenLong
	}
	return nil
}
