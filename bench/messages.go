package main

import "strconv"

// message is one that is sent to a WebSocket, which is to send it back. Its name
// is also that of the work.
type message struct {
	name string
	size int

	// part is how many messages there are for one request of a plain run: about
	// as long takes a run then.
	part float64
}

// allMessages are those of the work with messages.
var allMessages = []message{
	{"ws64", 64, 1},
	{"ws1k", 1 << 10, 1},
	{"ws64k", 64 << 10, 0.1},
}

// idleMessage is the one that each connection sends before it is left idle.
var idleMessage = message{"wsidle", 64, 1}

// messageOf is the message that a work is about, nil if it is about none.
func messageOf(work string) *message {
	if kindOf(work) == idleMessage.name {
		return &idleMessage
	}
	for i := range allMessages {
		if m := &allMessages[i]; m.name == work {
			return m
		}
	}
	return nil
}

// messagePath is where the servers echo.
const messagePath = "/ws"

// args are those by which the load generator sends the message.
func (m *message) args(text bool) []string {
	args := []string{"-u", messagePath, "-m", strconv.Itoa(m.size)}
	if text {
		args = append(args, "-x")
	}
	return args
}

// liveWork is the one whose connections only listen, and livePath where they are
// told something ten times a second.
const (
	liveWork = "wslive"
	livePath = "/ws/live"
)

// liveSeconds is how long it is looked how much they are told.
func liveSeconds(o options) int {
	if o.smoke {
		return 1
	}
	return 5
}

// idle reports whether a work leaves its connections open with nothing to do.
func idle(work string) bool {
	kind := kindOf(work)
	return kind == "parked" || kind == idleMessage.name || kind == coapIdle
}
