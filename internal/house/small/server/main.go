//go:build linux && (amd64 || arm64)

// Server is the whole front door over the backend for Linux, with one page,
// for TinyGo to compile. See the tests of the folder above.
package main

import (
	"syscall"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/transport"
)

func page(w bobtail.Response, r *bobtail.Request) error { return w.Text("Hello, World!") }

// self is the program's own file, which it serves.
var self executable

type executable struct {
	fd   int
	size int64
}

func (e *executable) open() {
	fd, err := syscall.Open("/proc/self/exe", syscall.O_RDONLY, 0)
	check(err)
	e.fd = fd
	e.size, err = syscall.Seek(fd, 0, 2)
	check(err)
}

func (e *executable) ReadAt(p []byte, off int64) (int, error) { return syscall.Pread(e.fd, p, off) }
func (e *executable) File() uintptr                           { return uintptr(e.fd) }
func (e *executable) Close() error                            { return nil }

// program answers with it: by sendfile, or, if a query says so, by reads.
func program(w bobtail.Response, r *bobtail.Request) error {
	if len(r.Query()) > 0 {
		return w.Status(200).Source(&read, 0, self.size)
	}
	return w.Status(200).Source(&self, 0, self.size)
}

var read = reader{&self}

// reader hides the descriptor.
type reader struct{ e *executable }

func (r *reader) ReadAt(p []byte, off int64) (int, error) { return r.e.ReadAt(p, off) }
func (r *reader) Close() error                            { return nil }

func main() {
	srv, err := bobtail.New(bobtail.Config{
		Sockets: 100, Workers: 2, Lanes: 2, Spare: -1, WorkerMemory: 4096, Stash: 8, OutputBlocks: 16, OutputBlockSize: 512,
	})
	check(err)
	check(srv.Handle("GET /", page))
	check(srv.Handle("GET /program", program))
	self.open()
	a, err := srv.Listen("127.0.0.1:0")
	check(err)
	check(srv.Start())
	var text [transport.MaxAddrText]byte
	println(string(a.AppendTo(text[:0])))
	select {}
}

func check(err error) {
	if err != nil {
		panic(err.Error())
	}
}
