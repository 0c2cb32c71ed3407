package coap

import "github.com/bobtail-go/bobtail/internal/ascii"

// Code is what a message is: a class in the upper three bits, a detail in the
// lower five, written "c.dd" (RFC 7252 section 3). Every value of a byte is one;
// which have a name is told by Name.
type Code uint8

// CodeEmpty is the code of an empty message (RFC 7252 section 4.1).
const CodeEmpty Code = 0

// The methods (RFC 7252 section 5.8, RFC 8132 section 2).
const (
	CodeGET    Code = 0<<5 | 1 // RFC 7252 section 5.8.1
	CodePOST   Code = 0<<5 | 2 // RFC 7252 section 5.8.2
	CodePUT    Code = 0<<5 | 3 // RFC 7252 section 5.8.3
	CodeDELETE Code = 0<<5 | 4 // RFC 7252 section 5.8.4
	CodeFETCH  Code = 0<<5 | 5 // RFC 8132 section 2
	CodePATCH  Code = 0<<5 | 6 // RFC 8132 section 3
	CodeIPATCH Code = 0<<5 | 7 // RFC 8132 section 3
)

// The response codes that the registry of RFC 7252 section 12.1.2 has.
const (
	CodeCreated                  Code = 2<<5 | 1  // RFC 7252 section 5.9.1.1
	CodeDeleted                  Code = 2<<5 | 2  // RFC 7252 section 5.9.1.2
	CodeValid                    Code = 2<<5 | 3  // RFC 7252 section 5.9.1.3
	CodeChanged                  Code = 2<<5 | 4  // RFC 7252 section 5.9.1.4
	CodeContent                  Code = 2<<5 | 5  // RFC 7252 section 5.9.1.5
	CodeContinue                 Code = 2<<5 | 31 // RFC 7959 section 2.9.1
	CodeBadRequest               Code = 4 << 5    // RFC 7252 section 5.9.2.1
	CodeUnauthorized             Code = 4<<5 | 1  // RFC 7252 section 5.9.2.2
	CodeBadOption                Code = 4<<5 | 2  // RFC 7252 section 5.9.2.3
	CodeForbidden                Code = 4<<5 | 3  // RFC 7252 section 5.9.2.4
	CodeNotFound                 Code = 4<<5 | 4  // RFC 7252 section 5.9.2.5
	CodeMethodNotAllowed         Code = 4<<5 | 5  // RFC 7252 section 5.9.2.6
	CodeNotAcceptable            Code = 4<<5 | 6  // RFC 7252 section 5.9.2.7
	CodeRequestEntityIncomplete  Code = 4<<5 | 8  // RFC 7959 section 2.9.2
	CodeConflict                 Code = 4<<5 | 9  // RFC 8132 section 3.4
	CodePreconditionFailed       Code = 4<<5 | 12 // RFC 7252 section 5.9.2.8
	CodeRequestEntityTooLarge    Code = 4<<5 | 13 // RFC 7252 section 5.9.2.9, RFC 7959 section 2.9.3
	CodeUnsupportedContentFormat Code = 4<<5 | 15 // RFC 7252 section 5.9.2.10
	CodeUnprocessableEntity      Code = 4<<5 | 22 // RFC 8132 section 3.4
	CodeTooManyRequests          Code = 4<<5 | 29 // RFC 8516 section 3
	CodeInternalServerError      Code = 5 << 5    // RFC 7252 section 5.9.3.1
	CodeNotImplemented           Code = 5<<5 | 1  // RFC 7252 section 5.9.3.2
	CodeBadGateway               Code = 5<<5 | 2  // RFC 7252 section 5.9.3.3
	CodeServiceUnavailable       Code = 5<<5 | 3  // RFC 7252 section 5.9.3.4
	CodeGatewayTimeout           Code = 5<<5 | 4  // RFC 7252 section 5.9.3.5
	CodeProxyingNotSupported     Code = 5<<5 | 5  // RFC 7252 section 5.9.3.6
	CodeHopLimitReached          Code = 5<<5 | 8  // RFC 8768 section 3
)

// The signaling codes, of reliable transports only (RFC 8323 section 5).
const (
	CodeCSM     Code = 7<<5 | 1 // RFC 8323 section 5.3
	CodePing    Code = 7<<5 | 2 // RFC 8323 section 5.4
	CodePong    Code = 7<<5 | 3 // RFC 8323 section 5.4
	CodeRelease Code = 7<<5 | 4 // RFC 8323 section 5.5
	CodeAbort   Code = 7<<5 | 5 // RFC 8323 section 5.6
)

// Class is the class, 0 to 7.
func (c Code) Class() uint8 { return uint8(c >> 5) }

// Detail is the detail, 0 to 31.
func (c Code) Detail() uint8 { return uint8(c & 31) }

// IsRequest reports whether a message of the code is a request: 0.01 to 0.31,
// whether or not somebody has defined the method (RFC 7252 section 12.1).
func (c Code) IsRequest() bool { return c-1 < 31 }

// IsResponse reports whether a message of the code is a response: 2.00 to 5.31
// (RFC 7252 section 12.1).
func (c Code) IsResponse() bool { return c-2<<5 < 4<<5 }

// IsSignal reports whether a message of the code is about the connection: 7.00
// to 7.31 (RFC 8323 section 5.1).
func (c Code) IsSignal() bool { return c >= 7<<5 }

// IsError reports whether a message of the code is a response that says that
// the request has failed: 4.00 to 5.31.
func (c Code) IsError() bool { return c-4<<5 < 2<<5 }

// codeDigits has every code as "c.dd", in their order.
const codeDigits = "" +
	"0.000.010.020.030.040.050.060.070.080.090.100.110.120.130.140.150.160.170.180.190.200.210.220.230.240.250.260.270.280.290.300.31" +
	"1.001.011.021.031.041.051.061.071.081.091.101.111.121.131.141.151.161.171.181.191.201.211.221.231.241.251.261.271.281.291.301.31" +
	"2.002.012.022.032.042.052.062.072.082.092.102.112.122.132.142.152.162.172.182.192.202.212.222.232.242.252.262.272.282.292.302.31" +
	"3.003.013.023.033.043.053.063.073.083.093.103.113.123.133.143.153.163.173.183.193.203.213.223.233.243.253.263.273.283.293.303.31" +
	"4.004.014.024.034.044.054.064.074.084.094.104.114.124.134.144.154.164.174.184.194.204.214.224.234.244.254.264.274.284.294.304.31" +
	"5.005.015.025.035.045.055.065.075.085.095.105.115.125.135.145.155.165.175.185.195.205.215.225.235.245.255.265.275.285.295.305.31" +
	"6.006.016.026.036.046.056.066.076.086.096.106.116.126.136.146.156.166.176.186.196.206.216.226.236.246.256.266.276.286.296.306.31" +
	"7.007.017.027.037.047.057.067.077.087.097.107.117.127.137.147.157.167.177.187.197.207.217.227.237.247.257.267.277.287.297.307.31"

// String is the code as "c.dd", such as "2.05". It does not allocate.
func (c Code) String() string { return codeDigits[4*int(c):][:4] }

// codeNames has the names of the registries, in the order of the codes.
var codeNames = [...]struct {
	code Code
	name string
}{
	{CodeEmpty, "Empty"},
	{CodeGET, "GET"},
	{CodePOST, "POST"},
	{CodePUT, "PUT"},
	{CodeDELETE, "DELETE"},
	{CodeFETCH, "FETCH"},
	{CodePATCH, "PATCH"},
	{CodeIPATCH, "iPATCH"},
	{CodeCreated, "Created"},
	{CodeDeleted, "Deleted"},
	{CodeValid, "Valid"},
	{CodeChanged, "Changed"},
	{CodeContent, "Content"},
	{CodeContinue, "Continue"},
	{CodeBadRequest, "Bad Request"},
	{CodeUnauthorized, "Unauthorized"},
	{CodeBadOption, "Bad Option"},
	{CodeForbidden, "Forbidden"},
	{CodeNotFound, "Not Found"},
	{CodeMethodNotAllowed, "Method Not Allowed"},
	{CodeNotAcceptable, "Not Acceptable"},
	{CodeRequestEntityIncomplete, "Request Entity Incomplete"},
	{CodeConflict, "Conflict"},
	{CodePreconditionFailed, "Precondition Failed"},
	{CodeRequestEntityTooLarge, "Request Entity Too Large"},
	{CodeUnsupportedContentFormat, "Unsupported Content-Format"},
	{CodeUnprocessableEntity, "Unprocessable Entity"},
	{CodeTooManyRequests, "Too Many Requests"},
	{CodeInternalServerError, "Internal Server Error"},
	{CodeNotImplemented, "Not Implemented"},
	{CodeBadGateway, "Bad Gateway"},
	{CodeServiceUnavailable, "Service Unavailable"},
	{CodeGatewayTimeout, "Gateway Timeout"},
	{CodeProxyingNotSupported, "Proxying Not Supported"},
	{CodeHopLimitReached, "Hop Limit Reached"},
	{CodeCSM, "CSM"},
	{CodePing, "Ping"},
	{CodePong, "Pong"},
	{CodeRelease, "Release"},
	{CodeAbort, "Abort"},
}

// Name is the name that the registries of RFC 7252 section 12.1 and RFC 8323
// section 11.1 have for the code, such as "Content" or "GET"; "" if none.
func (c Code) Name() string {
	lo, hi := 0, len(codeNames)
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		if codeNames[m].code < c {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo < len(codeNames) && codeNames[lo].code == c {
		return codeNames[lo].name
	}
	return ""
}

// ParseCode reads a code as String writes it, "c.dd" with c to 7 and dd to 31.
func ParseCode(s string) (c Code, ok bool) {
	if len(s) != 4 || s[1] != '.' || s[0]-'0' > 7 || s[2]-'0' > 3 || s[3]-'0' > 9 {
		return 0, false
	}
	detail := 10*(s[2]-'0') + s[3] - '0'
	if detail > 31 {
		return 0, false
	}
	return Code(s[0]-'0')<<5 | Code(detail), true
}

// ParseMethod is the method of a name, in upper or lower case.
func ParseMethod(s string) (c Code, ok bool) {
	for i := range codeNames {
		if m := &codeNames[i]; m.code.IsRequest() && ascii.EqualFold(s, m.name) {
			return m.code, true
		}
	}
	return 0, false
}
