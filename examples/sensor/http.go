package main

import (
	_ "embed"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

//go:embed sensor.html
var page string

// serveHTTP adds the page, the reading by GET and PUT, and the WebSocket that
// tells of changes.
func (s *sensor) serveHTTP(srv *bobtail.Server) error {
	sockets, err := websocket.New(srv, websocket.Config{})
	if err != nil {
		return err
	}
	s.live = sockets.NewTopic(websocket.TopicOptions{})
	// Clients have nothing to say there.
	live := sockets.Upgrade(websocket.Options{MaxMessage: 125}, websocket.Handler{
		Open: func(c *websocket.Conn) error {
			s.mu.Lock() // so that no change comes before this reading
			defer s.mu.Unlock()
			if err := s.live.Subscribe(c.Socket()); err != nil {
				return err
			}
			var b [longest]byte
			return c.Send(ws.OpText, appendTenths(b[:0], s.tenths))
		},
		Message: func(*websocket.Conn, ws.Opcode, []byte) error { return nil },
	})
	for pattern, h := range map[string]bobtail.Handler{
		"GET /{$}":         func(w bobtail.Response, r *bobtail.Request) error { return w.HTML(page) },
		"GET /temperature": s.get,
		"PUT /temperature": s.put,
		"GET /live":        live,
	} {
		if err := srv.Handle(pattern, h); err != nil {
			return err
		}
	}
	return nil
}

func (s *sensor) get(w bobtail.Response, r *bobtail.Request) error {
	b, err := r.Alloc(longest)
	if err != nil {
		return err
	}
	return w.Status(200).Header("Cache-Control", "no-store").Header("Content-Type", "text/plain").Bytes(s.append(b[:0]))
}

func (s *sensor) put(w bobtail.Response, r *bobtail.Request) error {
	b, err := r.ReadAll(64)
	if err != nil {
		return err // too long is answered 413
	}
	n, ok := parseTenths(b)
	if !ok {
		return w.Status(400).Text(wrong)
	}
	s.set(n)
	return w.Status(204).Empty()
}
