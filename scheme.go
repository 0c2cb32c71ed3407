package bobtail

import "github.com/bobtail-go/bobtail/internal/ascii"

// SchemeError is the error of Listen for a scheme that no driver of the server
// serves.
type SchemeError struct {
	Scheme string // without "://"
}

// Error says what to do about it.
func (e *SchemeError) Error() string {
	switch e.Scheme {
	case "coap+tcp", "coaps+tcp":
		return "bobtail: nothing serves " + e.Scheme + ": make a driver with coaptcp.New(server, coaptcp.Config{Resources: router}) " +
			"of package coaptcp before the server listens"
	case "coap", "coaps":
		return "bobtail: " + e.Scheme + " is CoAP over UDP, which package host/coapudp serves; over TCP it is coap+tcp or coaps+tcp"
	case "ws", "wss":
		return "bobtail: WebSocket is served at an address of http or https, by a route to a handler of package websocket"
	}
	return "bobtail: nothing serves " + e.Scheme + ": the driver of its protocol is to be added before the server listens"
}

// splitScheme splits "SCHEME://REST". The scheme is empty if there is none.
func splitScheme(address string) (scheme, rest string) {
	for i := 1; i+3 <= len(address); i++ {
		if address[i:i+3] == "://" {
			return address[:i], address[i+3:]
		}
	}
	return "", address
}

// withPort is HOST:PORT with a default for the port.
func withPort(address string, port uint16) string {
	for i := len(address) - 1; i >= 0 && address[i] != ']'; i-- { // within brackets, a colon is of an IPv6 address
		if address[i] == ':' {
			return address
		}
	}
	return address + ":" + string(ascii.AppendUint(nil, uint64(port)))
}
