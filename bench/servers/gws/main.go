// Gws is the server of the comparison that is written with lxzan/gws: its
// upgrader on net/http and a goroutine that reads, as its documentation shows.
package main

import (
	"flag"
	"log"
	"net/http"

	"github.com/lxzan/gws"
)

type handler struct{ gws.BuiltinEventHandler }

func (handler) OnPing(c *gws.Conn, payload []byte) { c.WritePong(payload) }

func (handler) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	c.WriteMessage(m.Opcode, m.Bytes())
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`HOST:PORT` to listen on")
	flag.Parse()
	upgrader := gws.NewUpgrader(&handler{}, &gws.ServerOption{Recovery: gws.Recovery})
	http.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r)
		if err != nil {
			return
		}
		// Its own words: waiting here would keep the request from being collected.
		go c.ReadLoop()
	})
	log.Fatal(http.ListenAndServe(*addr, nil))
}
