// Events shows a clock at http://127.0.0.1:8080/ that ticks by server-sent
// events. A browser that was away for a while is told what it has missed.
package main

import (
	"context"
	"log"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/sse"
)

const page = `<!DOCTYPE html>
<meta charset="utf-8">
<title>Events</title>
<h1 id="clock">--:--:--</h1>
<p id="missed"></p>
<script>
const events = new EventSource("/events");
events.addEventListener("tick", e => { document.getElementById("clock").textContent = e.data; });
events.addEventListener("missed", () => { document.getElementById("missed").textContent = "Some ticks are lost."; });
</script>
`

// tick publishes the time once a second, whoever listens.
func tick(ctx context.Context, clock *sse.Topic, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var text [8]byte
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			e := sse.Event{Name: "tick", Data: now.AppendFormat(text[:0], time.TimeOnly)}
			if _, err := clock.Publish(e); err != nil {
				log.Print(err)
			}
		}
	}
}

// serve adds the page and its events to a server.
func serve(srv *bobtail.Server) (*sse.Topic, error) {
	clock, err := sse.New(srv, sse.Options{
		Replay: 4096, // about a minute and a half
		Epoch:  time.Now().UTC().Format("20060102150405"),
		Missed: sse.Event{Name: "missed", Data: []byte("")},
		Retry:  int64(time.Second),
	})
	if err != nil {
		return nil, err
	}
	if err := srv.Handle("GET /events", clock.Subscribe); err != nil {
		return nil, err
	}
	return clock, srv.Handle("GET /", func(w bobtail.Response, r *bobtail.Request) error { return w.HTML(page) })
}

func main() {
	srv, err := bobtail.New(bobtail.Config{})
	if err != nil {
		log.Fatal(err)
	}
	clock, err := serve(srv)
	if err != nil {
		log.Fatal(err)
	}
	go tick(context.Background(), clock, time.Second)
	log.Fatal(srv.ListenAndServe("127.0.0.1:8080"))
}
