// Settings serves the page of a device, at http://127.0.0.1:8080/: what it
// measures, as it changes, and what can be set, behind a password if there is
// one.
//
//	PASSWORD=secret settings
//
// The page is one file in the program. What it shows and changes it fetches
// and posts, so the handlers have no markup to write; and the readings are
// events, for which an open page costs the device a slot and no worker. The
// device here is a number that goes up and down.
//
// Nothing allocates for a request. A board would give the Config fewer sockets
// and less memory, and the network as a Backend; the handlers stay as they are.
package main

import (
	_ "embed"
	"log"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/auth"
	"github.com/bobtail-go/bobtail/json"
	"github.com/bobtail-go/bobtail/sse"
	"github.com/bobtail-go/bobtail/static"
)

//go:embed settings.html
var page string

// device is what the page is about.
type device struct {
	mu      sync.Mutex
	name    []byte // never grows beyond its capacity
	target  int
	heating bool
	reading int // tenths of a degree

	readings *sse.Topic
}

const mostName = 32

// show answers with the settings.
func (d *device) show(w bobtail.Response, r *bobtail.Request) error {
	b, err := r.Alloc(64 + 6*mostName) // six bytes is what the longest escape takes
	if err != nil {
		return err
	}
	var j json.Writer
	j.Reset(b[:0], nil)
	d.mu.Lock()
	j.Object()
	j.Name("name")
	j.StringBytes(d.name)
	j.Name("target")
	j.Int(int64(d.target))
	j.Name("heating")
	j.Bool(d.heating)
	j.EndObject()
	d.mu.Unlock()
	text, err := j.Bytes()
	if err != nil {
		return err
	}
	return w.Status(200).Header("Cache-Control", "no-store").JSON(text)
}

// set takes the form of the page, all of it or nothing.
func (d *device) set(w bobtail.Response, r *bobtail.Request) error {
	form, err := r.Form(1024)
	if err != nil {
		return err
	}
	name := form.Get("name")
	target, ok := degrees(form.Get("target"))
	switch {
	case len(name) == 0 || len(name) > mostName:
		return w.Status(400).Text("The name must have 1 to 32 bytes.")
	case !ok:
		return w.Status(400).Text("The target must be from 5 to 30 degrees.")
	}
	d.mu.Lock()
	d.name = append(d.name[:0], name...)
	d.target = target
	d.heating = form.Get("heating") != nil
	d.mu.Unlock()
	return d.show(w, r)
}

func degrees(b []byte) (n int, ok bool) {
	if len(b) < 1 || len(b) > 2 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, n >= 5 && n <= 30
}

// measure tells all who look what is measured, until stop is closed.
func (d *device) measure(every time.Duration, stop <-chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var b [8]byte
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		d.mu.Lock()
		if d.heating && d.reading < 10*d.target {
			d.reading++
		} else if d.reading > 50 {
			d.reading--
		}
		text := strconv.AppendInt(b[:0], int64(d.reading/10), 10)
		text = append(text, '.', byte('0'+d.reading%10))
		d.mu.Unlock()
		d.readings.Publish(sse.Text(string(text)))
	}
}

func newDevice(srv *bobtail.Server) (*device, error) {
	d := &device{name: append(make([]byte, 0, mostName), "Stove"...), target: 20, reading: 180}
	var err error
	d.readings, err = sse.New(srv, sse.Options{})
	return d, err
}

func (d *device) mount(srv *bobtail.Server, password string) error {
	if password != "" {
		guard, err := auth.Basic("device", func(r *bobtail.Request, user, given []byte) bool { return auth.Equal(given, password) })
		if err != nil {
			return err
		}
		srv.Use(guard)
	}
	front := static.NewPage("text/html; charset=utf-8", page, "", "")
	srv.Handle("GET /{$}", front.Serve)
	srv.Handle("GET /settings", d.show)
	srv.Add(bobtail.Route{Pattern: "POST /settings", Handler: d.set, MaxBody: 1024, Types: []string{"application/x-www-form-urlencoded"}})
	return srv.Handle("GET /readings", d.readings.Subscribe)
}

func main() {
	srv, err := bobtail.New(bobtail.Config{Sockets: 8, Workers: 2, WorkerMemory: 4096})
	if err != nil {
		log.Fatal(err)
	}
	d, err := newDevice(srv)
	if err != nil {
		log.Fatal(err)
	}
	if err := d.mount(srv, os.Getenv("PASSWORD")); err != nil {
		log.Fatal(err)
	}
	go d.measure(time.Second, nil)
	log.Fatal(srv.ListenAndServe("127.0.0.1:8080"))
}
