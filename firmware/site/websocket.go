package site

import (
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

// AddWebSocket adds /ws and /ws/live. It fails as websocket.New does.
func (s *Site) AddWebSocket() error {
	d, err := websocket.New(s.srv, Sockets(s.srv.Sockets()))
	if err != nil {
		return err
	}
	s.letters[d.Number()&7] = 'w'
	s.messages = func() uint64 { return d.Stats().Messages }
	// Who does not keep up misses the oldest of what waits: the present matters.
	s.live = d.NewTopic(websocket.TopicOptions{Mark: 2, Slow: engine.DropOldest})
	s.tellSockets = s.publishLive
	s.srv.Handle("GET /ws", d.Upgrade(websocket.Options{}, websocket.Handler{Data: echoMessage}))
	s.srv.Handle("GET /ws/live", d.Upgrade(websocket.Options{MaxMessage: 125}, websocket.Handler{Open: s.look, Message: s.order}))
	return nil
}

// echoMessage sends each piece of a message back as it comes, however long the
// message is.
func echoMessage(c *websocket.Conn, p ws.Part) error { return c.Piece(p.Op, p.Last, p.Payload) }

// look has a connection told of everything from now on, and first how it is.
func (s *Site) look(c *websocket.Conn) error {
	if err := s.live.Subscribe(c.Socket()); err != nil {
		return err
	}
	s.mu.Lock()
	s.publishLive()
	s.mu.Unlock()
	return nil
}

// order switches the LED. What else is said there is not listened to.
func (s *Site) order(_ *websocket.Conn, _ ws.Opcode, p []byte) error {
	s.setText(p)
	return nil
}

func (s *Site) publishLive() {
	if s.live.Len() > 0 {
		// Whoever misses it, for lack of room, is told by the next.
		s.live.Publish(ws.OpText, s.appendLive(s.text[:0]))
	}
}
