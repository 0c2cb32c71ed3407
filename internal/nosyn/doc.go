// Package nosyn shuts the door of a listening TCP socket without turning away
// those who are on the threshold: no new handshake begins, and those under way
// are finished.
package nosyn
