package ws

// Role is which end of a connection is ours.
type Role uint8

// The roles.
const (
	RoleServer Role = iota // its frames are not masked, its peer's are (RFC 6455 section 5.1)
	RoleClient             // its frames are masked, its peer's are not
)

// String is "server" or "client".
func (r Role) String() string {
	if r == RoleClient {
		return "client"
	}
	return "server"
}
