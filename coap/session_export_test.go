package coap

// What the tests of sessions see of the inside.

const (
	NumStates  = numStates
	NumEvents  = numEvents
	NumActions = numActions
)
