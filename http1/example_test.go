package http1_test

import (
	"fmt"

	"github.com/bobtail-go/bobtail/http1"
)

// A request that comes in two reads, and the answer to it.
func Example() {
	p := &http1.Parser{Keep: http1.DefaultFields()}
	if err := p.Validate(); err != nil {
		panic(err)
	}
	var (
		head   http1.Head
		resp   http1.Response
		buffer [512]byte
		out    [512]byte
	)
	n := 0
	for _, read := range []string{"POST /echo?x HTTP/1.1\r\nHost: exa", "mple.org\r\nCookie: a=b\r\nContent-Length: 5\r\n\r\nhello"} {
		n += copy(buffer[n:], read)
		done, err := p.Parse(&head, buffer[:n])
		if err != nil {
			panic(err) // answer err.(http1.Error).Status() and close
		}
		if !done {
			n = head.Compact(buffer[:n])
		}
	}
	b := buffer[:n]
	fmt.Printf("%v %s for %s\n", head.Method(), head.Path(b), head.Host(b))

	body := head.Body()
	content, _, err := body.Next(b[head.Scanned():], &p.Limits)
	if err != nil || !body.Done() {
		panic("more to come")
	}

	resp.Init(head.Method(), head.Version(), head.KeepAlive())
	w, _ := resp.AppendStatus(out[:0], http1.StatusOK, "")
	w, _ = resp.AppendField(w, "Content-Type", "text/plain")
	w, _ = resp.AppendLength(w, uint64(len(content)))
	w, _ = resp.AppendEnd(w, nil)
	w, _ = resp.AppendContent(w, content)
	w, err = resp.AppendFinish(w)
	fmt.Printf("%q %v\n", w, err)
	// Output:
	// POST /echo for example.org
	// "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello" <nil>
}

func ExampleResponse_AppendField() {
	var r http1.Response
	r.Init(http1.GET, http1.Version11, true)
	b, _ := r.AppendStatus(nil, http1.StatusFound, "")
	b, err := r.AppendField(b, "Location", "/a\r\nSet-Cookie: stolen=1")
	fmt.Printf("%q %v\n", b, err)
	// Output:
	// "HTTP/1.1 302 Found\r\n" http1: control in field value to send
}
