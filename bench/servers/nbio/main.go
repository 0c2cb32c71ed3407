// Nbio is the server of the comparison that is written with lesismal/nbio: its
// own HTTP server and upgrader, as in its examples.
package main

import (
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`HOST:PORT` to listen on")
	flag.Parse()
	upgrader := websocket.NewUpgrader()
	upgrader.OnMessage(func(c *websocket.Conn, kind websocket.MessageType, msg []byte) {
		c.WriteMessage(kind, msg)
	})
	mux := new(http.ServeMux)
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		c.SetDeadline(time.Time{})
	})
	engine := nbhttp.NewEngine(nbhttp.Config{
		Network: "tcp",
		Addrs:   []string{*addr},
		Handler: mux,
	})
	if err := engine.Start(); err != nil {
		log.Fatal(err)
	}
	select {}
}
