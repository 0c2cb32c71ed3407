// Fasthttp is the server of the comparison that is written with fasthttp.
package main

import (
	"flag"
	"log"
	"time"

	"github.com/valyala/fasthttp"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`HOST:PORT` to listen on")
	dir := flag.String("dir", "", "serve the files of a `FOLDER` too")
	flag.Parse()
	files := func(ctx *fasthttp.RequestCtx) { ctx.NotFound() }
	if *dir != "" {
		fs := &fasthttp.FS{Root: *dir, AcceptByteRange: true}
		files = fs.NewRequestHandler()
	}
	log.Fatal(fasthttp.ListenAndServe(*addr, func(ctx *fasthttp.RequestCtx) {
		switch path := string(ctx.Path()); {
		case ctx.IsGet() && path == "/plaintext":
			ctx.SetContentType("text/plain")
			ctx.SetBodyString("Hello, World!")
		case ctx.IsPost() && path == "/echo":
			ctx.SetContentTypeBytes(ctx.Request.Header.ContentType())
			ctx.SetBody(ctx.PostBody())
		case ctx.IsGet() && path == "/sleep":
			time.Sleep(time.Duration(ctx.QueryArgs().GetUintOrZero("ms")) * time.Millisecond)
			ctx.SetContentType("text/plain")
			ctx.SetBodyString("Slept.\n")
		default:
			files(ctx)
		}
	}))
}
