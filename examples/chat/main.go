// Chat lets everybody who has the same room open talk to each other: open
// http://127.0.0.1:8080/#squids in two windows.
package main

import (
	"flag"
	"log"
	"sync"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/websocket"
	"github.com/bobtail-go/bobtail/ws"
)

// chat has a topic for each room. What somebody says is framed once, and sent to
// all who are in the room.
type chat struct {
	sockets *websocket.Driver
	mu      sync.Mutex
	rooms   map[string]*websocket.Topic
}

// mostRooms bounds what strangers can have the server keep.
const mostRooms = 100

// room is the topic of a name, nil if there are too many.
func (c *chat) room(name string) *websocket.Topic {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.rooms[name]
	if t == nil && len(c.rooms) < mostRooms {
		t = c.sockets.NewTopic(websocket.TopicOptions{})
		c.rooms[name] = t
	}
	return t
}

// enter finds the room, and leaves it to the connection that is about to be.
func (c *chat) enter(upgrade bobtail.Handler) bobtail.Handler {
	return func(w bobtail.Response, r *bobtail.Request) error {
		room := c.room(string(r.PathValue("room")))
		if room == nil {
			return w.Status(503).Text("There are too many rooms.\n")
		}
		r.SetValue(room)
		return upgrade(w, r)
	}
}

const welcome = "You have come in."

// serve adds the chat to a server.
func serve(srv *bobtail.Server) error {
	sockets, err := websocket.New(srv, websocket.Config{})
	if err != nil {
		return err
	}
	c := &chat{sockets: sockets, rooms: map[string]*websocket.Topic{}}
	talk := websocket.Handler{
		Open: func(c *websocket.Conn) error {
			if err := c.Value().(*websocket.Topic).Subscribe(c.Socket()); err != nil {
				return err
			}
			return c.SendText(welcome)
		},
		Message: func(c *websocket.Conn, op ws.Opcode, p []byte) error {
			_, err := c.Value().(*websocket.Topic).Publish(op, p)
			return err
		},
	}
	// A message is a line that somebody has typed, and nobody types fast.
	terms := websocket.Options{MaxMessage: 1000, Rate: 10}
	if err := srv.Handle("GET /rooms/{room}", c.enter(sockets.Upgrade(terms, talk))); err != nil {
		return err
	}
	return srv.Handle("GET /{$}", func(w bobtail.Response, r *bobtail.Request) error { return w.HTML(page) })
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to serve")
	flag.Parse()
	srv, err := bobtail.New(bobtail.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := serve(srv); err != nil {
		log.Fatal(err)
	}
	log.Fatal(srv.ListenAndServe(*addr))
}

const page = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Chat</title>
<style>body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif } input { font: inherit; width: 100% }</style>
<h1>Chat</h1>
<ul id="said" role="log"></ul>
<form><label>Say something <input id="words" maxlength="300" autocomplete="off" autofocus></label></form>
<script>
const $ = id => document.getElementById(id);
const room = encodeURIComponent(location.hash.slice(1) || "hall");
let socket;
function say(text) {
	const li = document.createElement("li");
	li.textContent = text; // as text: nobody's words are a page
	$("said").append(li);
}
function enter() {
	socket = new WebSocket(location.origin.replace("http", "ws") + "/rooms/" + room);
	socket.onmessage = e => say(e.data);
	socket.onclose = () => { say("The room is closed; trying again."); setTimeout(enter, 1000); };
}
document.forms[0].onsubmit = e => {
	e.preventDefault();
	if ($("words").value && socket.readyState === WebSocket.OPEN) {
		socket.send($("words").value);
		$("words").value = "";
	}
};
enter();
</script>
`
