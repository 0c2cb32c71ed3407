package coap

// Second names, until all callers use the first.
const (
	ErrCSMMissing = ErrNoCSM
	ErrCSMOption  = ErrSettings
	ErrLink       = ErrLinkTarget
)
