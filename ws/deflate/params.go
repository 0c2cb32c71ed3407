package deflate

import (
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// The bits of wsconn.Params.
const (
	flagAgreed         wsconn.Params = 1 << iota // never 0, if there is an agreement
	flagServerTakeover                           // the server's messages refer to earlier ones
	flagClientTakeover                           // the client's do
	flagServerBits                               // the offer has server_max_window_bits: the answer must have it
	shiftServerBits    = 4                       // four bits: the window of the server's messages
	shiftClientBits    = 8                       // four bits: that of the client's
)

const flagsTakeover = flagServerTakeover | flagClientTakeover

// agreement makes Params.
func agreement(serverBits, clientBits int, flags wsconn.Params) wsconn.Params {
	return flagAgreed | flags | wsconn.Params(serverBits)<<shiftServerBits | wsconn.Params(clientBits)<<shiftClientBits
}

func serverBits(p wsconn.Params) int { return int(p >> shiftServerBits & 15) }
func clientBits(p wsconn.Params) int { return int(p >> shiftClientBits & 15) }

// name is that of the extension (RFC 7692 section 7).
const name = "permessage-deflate"

// The parameters (RFC 7692 section 7.1).
const (
	serverNoContextTakeover = iota
	clientNoContextTakeover
	serverMaxWindowBits
	clientMaxWindowBits
	numParameters
)

var parameters = [numParameters]string{
	serverNoContextTakeover: "server_no_context_takeover",
	clientNoContextTakeover: "client_no_context_takeover",
	serverMaxWindowBits:     "server_max_window_bits",
	clientMaxWindowBits:     "client_max_window_bits",
}

// proposal is what an offer or an answer says.
type proposal struct {
	has                    [numParameters]bool
	serverBits, clientBits int // 15 if it does not say
}

// parse reads the parameters of permessage-deflate. In an offer, client_max_window_bits
// may stand without a value. The error is one about an answer; an offer is
// declined for any (RFC 7692 section 7.1).
func (o *proposal) parse(params []byte, offer bool) error {
	*o = proposal{serverBits: maxWindowBits, clientBits: maxWindowBits}
	for {
		p, n, err := ws.ParseParam(params)
		if err != nil {
			return ErrAnswer
		}
		if p.Name == nil {
			return nil
		}
		params = params[n:]
		i := 0
		for i < numParameters && !ascii.Equal(p.Name, parameters[i]) {
			i++
		}
		if i == numParameters {
			return ErrAnswerParameter
		}
		if o.has[i] {
			return ErrAnswerTwice
		}
		o.has[i] = true
		ok := true
		switch i {
		case serverNoContextTakeover, clientNoContextTakeover:
			ok = p.Value == nil // sections 7.1.1.1 and 7.1.1.2
		case serverMaxWindowBits:
			o.serverBits, ok = windowBits(p.Value) // section 7.1.2.1
		case clientMaxWindowBits:
			if p.Value != nil || !offer { // section 7.1.2.2
				o.clientBits, ok = windowBits(p.Value)
			}
		}
		if !ok {
			return ErrAnswerValue
		}
	}
}

// windowBits reads a decimal integer from 8 to 15 without leading zeros.
func windowBits(v []byte) (bits int, ok bool) {
	switch {
	case len(v) == 1 && (v[0] == '8' || v[0] == '9'):
		return int(v[0] - '0'), true
	case len(v) == 2 && v[0] == '1' && v[1] >= '0' && v[1] <= '5':
		return 10 + int(v[1]-'0'), true
	}
	return 0, false
}

// appendParameter appends a parameter, with a value if it is not 0.
func appendParameter(dst []byte, parameter, bits int) []byte {
	dst = append(dst, "; "...)
	dst = append(dst, parameters[parameter]...)
	if bits != 0 {
		dst = append(dst, '=')
		if bits >= 10 {
			dst = append(dst, '1')
		}
		dst = append(dst, '0'+byte(bits%10))
	}
	return dst
}

// Accept implements wsconn.Extension: the first offer that can be taken is. None
// is if the list is malformed anywhere: RFC 6455 section 9.1 wants the
// connection failed, which is the handshake's to do.
//
// An offer is declined, and the next one looked at, if it has an unknown
// parameter, one twice, or one with a value that it cannot have (RFC 7692
// section 7.1). Every other offer can be met.
func (e *Extension) Accept(offers []byte) wsconn.Params {
	var chosen proposal
	found := false
	for {
		x, n, err := ws.ParseExtension(offers)
		if err != nil {
			return 0
		}
		if x.Name == nil {
			break
		}
		offers = offers[n:]
		var o proposal
		if !found && ascii.Equal(x.Name, name) && o.parse(x.Params, true) == nil {
			chosen, found = o, true
		}
	}
	if !found {
		return 0
	}
	c := &e.config
	// Section 7.1.2: each end may make the window of the other smaller still,
	// the client's only if the client says that it knows how to.
	server, client := min(c.ServerWindowBits, chosen.serverBits), maxWindowBits
	if chosen.has[clientMaxWindowBits] {
		client = min(c.ClientWindowBits, chosen.clientBits)
	}
	var flags wsconn.Params
	// Section 7.1.1: a server may always answer that there is no takeover. It
	// takes a client's hint that it will not make use of it.
	if c.ServerTakeover && !chosen.has[serverNoContextTakeover] && c.carries(server) {
		flags |= flagServerTakeover
	}
	if c.ClientTakeover && !chosen.has[clientNoContextTakeover] && client <= c.ClientWindowBits {
		flags |= flagClientTakeover
	}
	if flags != 0 && !e.reserve() {
		flags = 0
	}
	if chosen.has[serverMaxWindowBits] {
		flags |= flagServerBits
	}
	return agreement(server, client, flags)
}

// AppendAccept implements wsconn.Extension.
func (e *Extension) AppendAccept(dst []byte, p wsconn.Params) []byte {
	if p == 0 {
		return dst
	}
	dst = append(dst, name...)
	if p&flagServerTakeover == 0 {
		dst = appendParameter(dst, serverNoContextTakeover, 0)
	}
	if p&flagClientTakeover == 0 {
		dst = appendParameter(dst, clientNoContextTakeover, 0)
	}
	if p&flagServerBits != 0 || serverBits(p) < maxWindowBits {
		dst = appendParameter(dst, serverMaxWindowBits, serverBits(p))
	}
	if clientBits(p) < maxWindowBits {
		dst = appendParameter(dst, clientMaxWindowBits, clientBits(p))
	}
	return dst
}

// AppendOffer implements wsconn.Extension. If Config.ServerWindowBits is less
// than 15, a second offer without it follows, for servers that cannot do so:
// then without context takeover for the server's messages, since their window
// is the client's memory only with it.
func (e *Extension) AppendOffer(dst []byte) []byte {
	takeover := e.config.ServerTakeover && e.free()
	if b := e.config.ServerWindowBits; b < maxWindowBits {
		dst = e.appendOffer(dst, takeover, b)
		dst = append(dst, ", "...)
		takeover = false
	}
	return e.appendOffer(dst, takeover, 0)
}

func (e *Extension) appendOffer(dst []byte, serverTakeover bool, serverBits int) []byte {
	c := &e.config
	dst = append(dst, name...)
	if !serverTakeover {
		dst = appendParameter(dst, serverNoContextTakeover, 0)
	}
	if !c.ClientTakeover || !c.carries(c.ClientWindowBits) {
		dst = appendParameter(dst, clientNoContextTakeover, 0) // a hint only (section 7.1.1.2)
	}
	if serverBits != 0 {
		dst = appendParameter(dst, serverMaxWindowBits, serverBits)
	}
	bits := 0
	if c.ClientWindowBits < maxWindowBits {
		bits = c.ClientWindowBits
	}
	return appendParameter(dst, clientMaxWindowBits, bits)
}

// Agree implements wsconn.Extension. An empty answer, which is none, is no
// agreement. Its errors are those of this package. If the last free context was
// taken since the offer that allowed context takeover, it can be ErrNoContext.
func (e *Extension) Agree(answer []byte) (wsconn.Params, error) {
	if len(answer) == 0 {
		return 0, nil
	}
	x, n, err := ws.ParseExtension(answer)
	if err != nil || x.Name == nil {
		return 0, ErrAnswer
	}
	if !ascii.Equal(x.Name, name) {
		return 0, ErrAnswerExtension
	}
	if more, _, err := ws.ParseExtension(answer[n:]); err != nil || more.Name != nil {
		return 0, ErrAnswer // section 5.1: one offer was to be chosen
	}
	var o proposal
	if err := o.parse(x.Params, false); err != nil {
		return 0, err
	}
	c := &e.config
	if !o.has[serverNoContextTakeover] && !c.ServerTakeover {
		return 0, ErrAnswerTakeover
	}
	// The client's window may be made smaller (section 7.1.2.2). That of the
	// server is what was offered, or without takeover, in the second offer, any.
	if o.clientBits > c.ClientWindowBits && o.has[clientMaxWindowBits] ||
		o.serverBits > c.ServerWindowBits && !o.has[serverNoContextTakeover] {
		return 0, ErrAnswerWindowBits
	}
	client := min(o.clientBits, c.ClientWindowBits)
	var flags wsconn.Params
	if !o.has[serverNoContextTakeover] {
		flags |= flagServerTakeover
	}
	if c.ClientTakeover && !o.has[clientNoContextTakeover] && c.carries(client) {
		flags |= flagClientTakeover
	}
	if flags != 0 && !e.reserve() {
		if flags&flagServerTakeover != 0 {
			return 0, ErrNoContext
		}
		flags = 0 // a client need not make use of it (section 7.1.1.2)
	}
	return agreement(o.serverBits, client, flags), nil
}
