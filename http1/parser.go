package http1

// Parser parses the heads of requests. It holds no state of a connection: one
// serves all of them, from any number of goroutines, and it is not changed
// while in use. The zero value has the default limits and keeps no field but
// Host.
type Parser struct {
	Limits Limits
	Keep   FieldSet
}

// Validate tells which field of the parser is out of its range, if any.
func (p *Parser) Validate() error { return p.Limits.Validate() }

// headState is where in a head the parser is.
type headState uint8

const (
	stateStart       headState = iota // before the request, or after an empty line
	stateStartLF                      // CR of an empty line before the request
	stateMethod                       // in the method
	stateTargetStart                  // after the space behind the method
	statePath                         // in an origin target, before "?"
	stateTarget                       // in another part of a target
	stateVersion                      // in the version, h.step bytes of it seen
	stateLine                         // at the start of a field line
	stateName                         // in a field name
	stateOWS                          // in the white space before a value
	stateValue                        // in a field value
	stateValueLF                      // CR behind a value
	stateEndLF                        // CR of the empty line
	stateDone
	stateFailed
)

// Parse goes on with a head. See the package comment.
func (p *Parser) Parse(h *Head, b []byte) (done bool, err error) { panic("not yet") }
