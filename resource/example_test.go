package resource_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
)

// ask serves a request as a driver does, and prints the answer.
func ask(r *resource.Router, code coap.Code, path string, payload string) {
	x := resource.NewExchange(r, 0, make([]byte, 1024))
	options, err := coap.AppendPathOptions(nil, 0, coap.OptURIPath, path)
	if err != nil {
		log.Fatal(err)
	}
	m := coap.Message{Code: code, Options: options, Payload: []byte(payload)}
	a := x.Serve(m, &resource.Terms{SZX: 6}, make([]byte, 0, 1100))
	_, answer, err := coap.ParseBody(a.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.TrimSpace(a.Code.String() + " " + string(answer)))
}

// A resource with a parameter, and what comes by itself.
func Example() {
	r := new(resource.Router)
	r.Handle("GET /hello/{name}", func(w resource.Response, r *resource.Request) error {
		return w.Text("Hello, ", string(r.PathValue("name")), "!")
	})
	ask(r, coap.CodeGET, "/hello/you", "")
	ask(r, coap.CodeGET, "/goodbye", "")
	ask(r, coap.CodePUT, "/hello/you", "me")
	// Output:
	// 2.05 Hello, you!
	// 4.04
	// 4.05
}

// A resource that is read and written, with its attributes for those who look
// for it.
func ExampleRouter_Add() {
	level := "21"
	r := new(resource.Router)
	r.Add(resource.Route{
		Pattern:    "GET /heating/level",
		Formats:    []coap.Format{coap.FormatText},
		Attributes: []resource.Attribute{{Name: "rt", Value: "level"}, {Name: "title", Value: "Level of the heating"}},
		Handler:    func(w resource.Response, r *resource.Request) error { return w.Text(level) },
	})
	r.Add(resource.Route{
		Pattern: "PUT /heating/level",
		Accepts: []coap.Format{coap.FormatText},
		Handler: func(w resource.Response, r *resource.Request) error {
			if len(r.Payload()) > 2 {
				return resource.ErrBadRequest
			}
			level = string(r.Payload())
			return nil // 2.04
		},
	})
	if r.Err() != nil {
		log.Fatal(r.Err())
	}
	ask(r, coap.CodePUT, "/heating/level", "23")
	ask(r, coap.CodeGET, "/heating/level", "")
	ask(r, coap.CodePUT, "/heating/level", "very warm")
	ask(r, coap.CodeGET, "/.well-known/core", "")
	// Output:
	// 2.04
	// 2.05 23
	// 4.00 resource: bad request
	// 2.05 </heating/level>;rt="level";title="Level of the heating";ct=0
}

// An upload of any length, of which nothing is kept but what is known of it.
func ExampleData() {
	type count struct{ bytes, lines int }
	r := new(resource.Router)
	r.Add(resource.Route{
		Pattern: "POST /count",
		Data: func(w resource.Response, r *resource.Request, p resource.Part) error {
			c, _ := r.Value().(*count)
			if c == nil {
				c = new(count)
				r.SetValue(c)
			}
			c.bytes += len(p.P)
			c.lines += strings.Count(string(p.P), "\n")
			if !p.Last {
				return nil
			}
			return w.Code(coap.CodeChanged).Text(fmt.Sprint(c.bytes, " bytes, ", c.lines, " lines"))
		},
		Dropped: func(value any) { log.Print("an upload was not finished: ", value.(*count).bytes) },
	})
	ask(r, coap.CodePOST, "/count", "one\ntwo\n")
	// Output: 2.04 8 bytes, 2 lines
}

// A file that is larger than memory: each block is read when it is asked for.
func ExampleHead_Source() {
	book := strings.NewReader(strings.Repeat("It was a dark and stormy night. ", 1000))
	r := new(resource.Router)
	r.Handle("GET /book", func(w resource.Response, r *resource.Request) error {
		return w.Code(coap.CodeContent).Format(coap.FormatText).ETag([]byte("v1")).Source(book)
	})
	x := resource.NewExchange(r, 0, nil)
	options, _ := coap.AppendPathOptions(nil, 0, coap.OptURIPath, "/book")
	options = coap.AppendUintOption(options, coap.OptURIPath, coap.OptBlock2, uint64(coap.Block{Num: 1, SZX: 1}.Uint()))
	a := x.Serve(coap.Message{Code: coap.CodeGET, Options: options}, &resource.Terms{SZX: 6}, make([]byte, 0, 100))
	_, block, _ := coap.ParseBody(a.Body)
	fmt.Printf("%s\n", block)
	// Output: It was a dark and stormy night.
}

// A temperature that may be observed.
func ExampleTopic() {
	celsius := "21.5"
	r := new(resource.Router)
	changes := r.NewTopic(resource.TopicOptions{})
	r.Handle("GET /temperature", func(w resource.Response, r *resource.Request) error {
		r.Observe(changes)
		return w.Text(celsius)
	})
	// Whoever measures it:
	celsius = "22.0"
	reached, err := changes.Publish(resource.Notification{Payload: []byte(celsius)})
	fmt.Println(reached, err)
	ask(r, coap.CodeGET, "/temperature", "")
	// Output:
	// 0 <nil>
	// 2.05 22.0
}
