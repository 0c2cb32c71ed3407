package ws

// Role is which end of a connection is ours.
type Role uint8

// The roles.
const (
	RoleServer Role = iota // its frames are not masked, its peer's are (RFC 6455 section 5.1)
	RoleClient
)
