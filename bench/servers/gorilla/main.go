// Gorilla is the server of the comparison that is written with
// gorilla/websocket, as its example of an echo server is.
package main

import (
	"flag"
	"log"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`HOST:PORT` to listen on")
	flag.Parse()
	var upgrader websocket.Upgrader
	handle := func(path string, serve func(c *websocket.Conn)) {
		http.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			c, err := upgrader.Upgrade(w, r, nil)
			if err != nil {
				return
			}
			defer c.Close()
			serve(c)
		})
	}
	handle("/ws", func(c *websocket.Conn) {
		for {
			kind, msg, err := c.ReadMessage()
			if err != nil {
				return
			}
			if err := c.WriteMessage(kind, msg); err != nil {
				return
			}
		}
	})
	var mu sync.Mutex
	listeners := make(map[*websocket.Conn]struct{})
	handle("/ws/listen", func(c *websocket.Conn) {
		mu.Lock()
		listeners[c] = struct{}{}
		mu.Unlock()
		c.ReadMessage()
		mu.Lock()
		delete(listeners, c)
		mu.Unlock()
	})
	handle("/ws/publish", func(c *websocket.Conn) {
		for {
			kind, msg, err := c.ReadMessage()
			if err != nil {
				return
			}
			prepared, err := websocket.NewPreparedMessage(kind, msg)
			if err != nil {
				return
			}
			mu.Lock()
			for l := range listeners {
				l.WritePreparedMessage(prepared)
			}
			mu.Unlock()
		}
	})
	log.Fatal(http.ListenAndServe(*addr, nil))
}
