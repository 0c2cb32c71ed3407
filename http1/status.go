package http1

// The status codes of RFC 9110 section 15 and of the registry, each with the
// section or document that defines it.
const (
	StatusContinue           = 100 // RFC 9110 section 15.2.1
	StatusSwitchingProtocols = 101 // RFC 9110 section 15.2.2
	StatusProcessing         = 102 // RFC 2518 section 10.1
	StatusEarlyHints         = 103 // RFC 8297

	StatusOK                          = 200 // RFC 9110 section 15.3.1
	StatusCreated                     = 201 // RFC 9110 section 15.3.2
	StatusAccepted                    = 202 // RFC 9110 section 15.3.3
	StatusNonAuthoritativeInformation = 203 // RFC 9110 section 15.3.4
	StatusNoContent                   = 204 // RFC 9110 section 15.3.5
	StatusResetContent                = 205 // RFC 9110 section 15.3.6
	StatusPartialContent              = 206 // RFC 9110 section 15.3.7
	StatusMultiStatus                 = 207 // RFC 4918 section 11.1
	StatusAlreadyReported             = 208 // RFC 5842 section 7.1
	StatusIMUsed                      = 226 // RFC 3229 section 10.4.1

	StatusMultipleChoices   = 300 // RFC 9110 section 15.4.1
	StatusMovedPermanently  = 301 // RFC 9110 section 15.4.2
	StatusFound             = 302 // RFC 9110 section 15.4.3
	StatusSeeOther          = 303 // RFC 9110 section 15.4.4
	StatusNotModified       = 304 // RFC 9110 section 15.4.5
	StatusUseProxy          = 305 // RFC 9110 section 15.4.6
	StatusTemporaryRedirect = 307 // RFC 9110 section 15.4.8
	StatusPermanentRedirect = 308 // RFC 9110 section 15.4.9

	StatusBadRequest                  = 400 // RFC 9110 section 15.5.1
	StatusUnauthorized                = 401 // RFC 9110 section 15.5.2
	StatusPaymentRequired             = 402 // RFC 9110 section 15.5.3
	StatusForbidden                   = 403 // RFC 9110 section 15.5.4
	StatusNotFound                    = 404 // RFC 9110 section 15.5.5
	StatusMethodNotAllowed            = 405 // RFC 9110 section 15.5.6
	StatusNotAcceptable               = 406 // RFC 9110 section 15.5.7
	StatusProxyAuthRequired           = 407 // RFC 9110 section 15.5.8
	StatusRequestTimeout              = 408 // RFC 9110 section 15.5.9
	StatusConflict                    = 409 // RFC 9110 section 15.5.10
	StatusGone                        = 410 // RFC 9110 section 15.5.11
	StatusLengthRequired              = 411 // RFC 9110 section 15.5.12
	StatusPreconditionFailed          = 412 // RFC 9110 section 15.5.13
	StatusContentTooLarge             = 413 // RFC 9110 section 15.5.14
	StatusURITooLong                  = 414 // RFC 9110 section 15.5.15
	StatusUnsupportedMediaType        = 415 // RFC 9110 section 15.5.16
	StatusRangeNotSatisfiable         = 416 // RFC 9110 section 15.5.17
	StatusExpectationFailed           = 417 // RFC 9110 section 15.5.18
	StatusTeapot                      = 418 // RFC 2324 section 2.3.2, RFC 9110 section 15.5.19
	StatusMisdirectedRequest          = 421 // RFC 9110 section 15.5.20
	StatusUnprocessableContent        = 422 // RFC 9110 section 15.5.21
	StatusLocked                      = 423 // RFC 4918 section 11.3
	StatusFailedDependency            = 424 // RFC 4918 section 11.4
	StatusTooEarly                    = 425 // RFC 8470 section 5.2
	StatusUpgradeRequired             = 426 // RFC 9110 section 15.5.22
	StatusPreconditionRequired        = 428 // RFC 6585 section 3
	StatusTooManyRequests             = 429 // RFC 6585 section 4
	StatusRequestHeaderFieldsTooLarge = 431 // RFC 6585 section 5
	StatusUnavailableForLegalReasons  = 451 // RFC 7725 section 3

	StatusInternalServerError           = 500 // RFC 9110 section 15.6.1
	StatusNotImplemented                = 501 // RFC 9110 section 15.6.2
	StatusBadGateway                    = 502 // RFC 9110 section 15.6.3
	StatusServiceUnavailable            = 503 // RFC 9110 section 15.6.4
	StatusGatewayTimeout                = 504 // RFC 9110 section 15.6.5
	StatusHTTPVersionNotSupported       = 505 // RFC 9110 section 15.6.6
	StatusVariantAlsoNegotiates         = 506 // RFC 2295 section 8.1
	StatusInsufficientStorage           = 507 // RFC 4918 section 11.5
	StatusLoopDetected                  = 508 // RFC 5842 section 7.2
	StatusNotExtended                   = 510 // RFC 2774 section 7
	StatusNetworkAuthenticationRequired = 511 // RFC 6585 section 6
)

// statusTexts has the standard reason phrases, one behind the other in the order
// of their codes, and statusCodes and statusEnds say which and where: a string for
// each would take twice the memory.
const statusTexts = "" +
	"ContinueSwitching ProtocolsProcessingEarly Hints" +
	"OKCreatedAcceptedNon-Authoritative InformationNo ContentReset ContentPartial ContentMulti-Status" +
	"Already ReportedIM Used" +
	"Multiple ChoicesMoved PermanentlyFoundSee OtherNot ModifiedUse ProxyTemporary RedirectPermanent Redirect" +
	"Bad RequestUnauthorizedPayment RequiredForbiddenNot FoundMethod Not AllowedNot Acceptable" +
	"Proxy Authentication RequiredRequest TimeoutConflictGoneLength RequiredPrecondition Failed" +
	"Content Too LargeURI Too LongUnsupported Media TypeRange Not SatisfiableExpectation FailedI'm a teapot" +
	"Misdirected RequestUnprocessable ContentLockedFailed DependencyToo EarlyUpgrade Required" +
	"Precondition RequiredToo Many RequestsRequest Header Fields Too LargeUnavailable For Legal Reasons" +
	"Internal Server ErrorNot ImplementedBad GatewayService UnavailableGateway Timeout" +
	"HTTP Version Not SupportedVariant Also NegotiatesInsufficient StorageLoop DetectedNot Extended" +
	"Network Authentication Required"

var statusCodes = [...]uint16{
	100, 101, 102, 103, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301,
	302, 303, 304, 305, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409,
	410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 425, 426, 428,
	429, 431, 451, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511,
}

// statusEnds is where in statusTexts the phrase of each code ends; it begins
// where the one before ends.
var statusEnds = [len(statusCodes)]uint16{
	8, 27, 37, 48, 50, 57, 65, 94, 104, 117, 132, 144, 160, 167, 183, 200,
	205, 214, 226, 235, 253, 271, 282, 294, 310, 319, 328, 346, 360, 389, 404, 412,
	416, 431, 450, 467, 479, 501, 522, 540, 552, 571, 592, 598, 615, 624, 640, 661,
	678, 709, 738, 759, 774, 785, 804, 819, 845, 868, 888, 901, 913, 944,
}

// StatusText is the standard reason phrase of a status code, "" if it has
// none.
func StatusText(code int) string {
	if code == StatusOK {
		return "OK"
	}
	lo, hi := 0, len(statusCodes)
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		if int(statusCodes[m]) < code {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo == len(statusCodes) || int(statusCodes[lo]) != code {
		return ""
	}
	begin := uint16(0)
	if lo != 0 {
		begin = statusEnds[lo-1]
	}
	return statusTexts[begin:statusEnds[lo]]
}
