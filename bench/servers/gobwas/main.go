// Gobwas is the server of the comparison that is written with gobwas/ws: its
// helpers and a goroutine a connection, as its documentation shows.
package main

import (
	"flag"
	"log"
	"net/http"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`HOST:PORT` to listen on")
	flag.Parse()
	wsutil.SetMaxMessageSize(1 << 20)
	http.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		c, _, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			for {
				msg, op, err := wsutil.ReadClientData(c)
				if err != nil {
					return
				}
				if err := wsutil.WriteServerMessage(c, op, msg); err != nil {
					return
				}
			}
		}()
	})
	log.Fatal(http.ListenAndServe(*addr, nil))
}
