package resource

import "github.com/bobtail-go/bobtail/coap"

// Slow says what becomes of a notification for an observer for whom too much
// waits already.
type Slow uint8

// The policies.
const (
	DropOldest Slow = iota // the oldest that has not begun makes room, since what counts is the last state (RFC 7641 section 1.3)
	DropNewest             // it is not sent
	CloseSlow              // the peer's connection is ended
)

// TopicOptions say how a topic deals with its observers. A zero field has the
// default that its comment names.
type TopicOptions struct {
	// Mark is how many pieces of output may wait for an observer before Slow
	// says what becomes of a notification for it. The default is 4.
	Mark int

	// Slow says what becomes of it then.
	Slow Slow
}

// Topic is what a resource's observers are told through (RFC 7641). Its methods
// may be called from any goroutine.
type Topic struct {
	r *Router
}

// Notification is a state of a resource, as its observers get it.
type Notification struct {
	Code    coap.Code    // 0 is 2.05; an error (4.xx, 5.xx) ends all observations
	Options coap.Options // such as Content-Format and Max-Age, encoded; not Observe, ETag, Block2 and Size2
	Payload []byte       // what is longer than a block goes as the first block, and the observers fetch the rest
	ETag    []byte       // names the state: those who have said that they have it get 2.03; may be nil
}

// NewTopic makes a topic, which is never freed before its router.
func (r *Router) NewTopic(o TopicOptions) *Topic { panic("not yet") }

// Publish sends a state to all observers, and returns how many have taken it. It
// does not wait for any, and allocates nothing; those who publish at the same
// time do so one after the other. The error is ErrLong for options of more than
// 64 bytes, and ErrOption for some that cannot be sent; then nobody has got it.
func (t *Topic) Publish(n Notification) (reached int, err error) { panic("not yet") }

// Len is the number of observers.
func (t *Topic) Len() int { panic("not yet") }

// TopicStats are the counts of a topic. All but the first are counted for each
// observer.
type TopicStats struct {
	Published uint64
	Delivered uint64
	Dropped   uint64 // not given to a slow one
	Ended     uint64 // observations that ended because the peer was gone
	Observers int
}

// Stats reads the counts.
func (t *Topic) Stats() TopicStats { panic("not yet") }
