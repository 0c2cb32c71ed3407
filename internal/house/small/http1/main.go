// HTTP1 takes requests apart and puts answers together, in memory that is there
// from the start, for TinyGo to compile: see the tests of the folder above.
package main

import (
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/house/small/heap"
)

// exchange is a request and what comes of it.
type exchange struct {
	request string
	content string // of the request, without its framing
	answer  string
}

const date = "Sun, 06 Nov 1994 08:49:37 GMT"

var exchanges = [...]exchange{
	{
		"GET /a?b HTTP/1.1\r\nHost: h\r\nX-Dropped: some cookie or other\r\nX-Kept: v\r\n\r\n", "",
		"HTTP/1.1 200 OK\r\nX-Kept: v\r\nContent-Length: 2\r\nDate: " + date + "\r\n\r\n/a",
	},
	{
		"POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" +
			"4;x=\"y\"\r\nfour\r\n3\r\nmor\r\n0\r\nX-Trailer: t\r\n\r\n", "fourmor",
		"HTTP/1.1 200 OK\r\nDate: " + date + "\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\n/up\r\n0\r\nX-Trailer: t\r\n\r\n",
	},
	{
		"PUT /old HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n12345", "12345",
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nDate: " + date + "\r\nConnection: close\r\n\r\n/old",
	},
	{"GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", "", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
}

var (
	parser  = http1.Parser{}
	head    http1.Head
	body    http1.Body
	resp    http1.Response
	in, sum [256]byte
	out     [512]byte
	stash   [256]byte
	stamp   [http1.DateSize]byte
)

func main() {
	check(parser.Keep.Add("X-Kept"))
	check(parser.Validate())
	heap.Seal()
	http1.AppendDate(stamp[:0], 784111777)
	for i := range exchanges {
		x := &exchanges[i]
		for cut := range len(x.request) + 1 {
			serve(x, cut)
		}
	}
	println("ok")
}

// serve answers a request that comes in two pieces.
func serve(x *exchange, cut int) {
	head.Reset()
	n := copy(in[:], x.request[:cut])
	done, err := parser.Parse(&head, in[:n])
	if !done && err == nil {
		// As a connection that is parked: compacted, put away, brought back.
		n = head.Compact(in[:n])
		must(head.Save(stash[:]) == head.SavedSize(), "save")
		head.Reset()
		head.Load(stash[:])
		n += copy(in[n:], x.request[cut:])
		done, err = parser.Parse(&head, in[:n])
		cut = len(x.request)
	}
	if err != nil {
		must(ascii.Equal(refuse(err), x.answer), "refusal")
		return
	}
	must(done, "head")
	at := head.Scanned()
	content := sum[:0]
	body = head.Body()
	for !body.Done() {
		piece, used, err := body.Next(in[at:n], &parser.Limits)
		check(err)
		content = append(content, piece...)
		at += used
		if used == 0 {
			must(cut < len(x.request), "content")
			n += copy(in[n:], x.request[cut:])
			cut = len(x.request)
		}
	}
	must(ascii.Equal(content, x.content), "content")
	must(ascii.Equal(respond(), x.answer), "answer")
}

func respond() []byte {
	var err error
	keep := func(b []byte, e error) []byte {
		if err == nil {
			err = e
		}
		return b
	}
	resp.Init(head.Method(), head.Version(), head.KeepAlive())
	b := out[:0]
	b = keep(resp.AppendStatus(b, 200, ""))
	if v := head.Get(in[:], "x-kept"); v != nil {
		b = keep(resp.AppendFieldBytes(b, "X-Kept", v))
	}
	path := head.Path(in[:])
	if head.Method() != http1.POST {
		b = keep(resp.AppendLength(b, uint64(len(path))))
	}
	b = keep(resp.AppendEnd(b, stamp[:]))
	b = keep(resp.AppendContent(b, path))
	if resp.Chunked() {
		b = keep(resp.AppendLastChunk(b))
		b = keep(resp.AppendTrailer(b, "X-Trailer", "t"))
	}
	b = keep(resp.AppendFinish(b))
	check(err)
	must(resp.Done() && resp.Final() == 200, "done")
	return b
}

func refuse(e error) []byte {
	known, ok := e.(http1.Error)
	must(ok, "an error of another package")
	resp.Init(head.Method(), head.Version(), false)
	b, err := resp.AppendStatus(out[:0], known.Status(), "")
	check(err)
	b, err = resp.AppendLength(b, 0)
	check(err)
	b, err = resp.AppendEnd(b, nil)
	check(err)
	return b
}

func check(err error) {
	if err != nil {
		must(false, err.Error())
	}
}

func must(ok bool, what string) {
	if !ok {
		println("not so:", what)
		panic("http1")
	}
}
