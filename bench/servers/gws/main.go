// Gws is the server of the comparison that is written with lxzan/gws: its
// upgrader on net/http and a goroutine that reads, as its documentation shows.
package main

import (
	"flag"
	"log"
	"net/http"
	"sync"

	"github.com/lxzan/gws"
)

type handler struct{ gws.BuiltinEventHandler }

func (handler) OnPing(c *gws.Conn, payload []byte) { c.WritePong(payload) }

func (handler) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	c.WriteMessage(m.Opcode, m.Bytes())
}

// audience are those who listen.
type audience struct {
	gws.BuiltinEventHandler
	mu  sync.Mutex
	all map[*gws.Conn]struct{}
}

func (a *audience) OnOpen(c *gws.Conn) {
	a.mu.Lock()
	a.all[c] = struct{}{}
	a.mu.Unlock()
}

func (a *audience) OnClose(c *gws.Conn, _ error) {
	a.mu.Lock()
	delete(a.all, c)
	a.mu.Unlock()
}

func (a *audience) OnPing(c *gws.Conn, payload []byte) { c.WritePong(payload) }

// publisher sends what it is sent to the audience.
type publisher struct {
	handler
	to *audience
}

func (p publisher) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	b := gws.NewBroadcaster(m.Opcode, m.Bytes())
	defer b.Close()
	p.to.mu.Lock()
	defer p.to.mu.Unlock()
	for c := range p.to.all {
		b.Broadcast(c)
	}
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`HOST:PORT` to listen on")
	flag.Parse()
	listeners := &audience{all: make(map[*gws.Conn]struct{})}
	for path, h := range map[string]gws.Event{"/ws": handler{}, "/ws/listen": listeners, "/ws/publish": publisher{to: listeners}} {
		upgrader := gws.NewUpgrader(h, &gws.ServerOption{Recovery: gws.Recovery})
		http.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			c, err := upgrader.Upgrade(w, r)
			if err != nil {
				return
			}
			// Its own words: waiting here would keep the request from being collected.
			go c.ReadLoop()
		})
	}
	log.Fatal(http.ListenAndServe(*addr, nil))
}
