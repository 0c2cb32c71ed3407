// Nethttp is the server of the comparison that is written with net/http.
package main

import (
	"flag"
	"io"
	"log"
	"net/http"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`HOST:PORT` to listen on")
	dir := flag.String("dir", "", "serve the files of a `FOLDER` too")
	flag.Parse()
	http.HandleFunc("GET /plaintext", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "Hello, World!")
	})
	if *dir != "" {
		http.Handle("GET /files/", http.FileServer(http.Dir(*dir)))
	}
	log.Fatal(http.ListenAndServe(*addr, nil))
}
