package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
)

// server is one of those that are compared.
type server struct {
	name string

	// build makes the program and returns what it is started by. It is called
	// once; the error wraps errAbsent if there is nothing to build.
	build func(context.Context, *builder) (starter, error)

	does kinds
}

// kinds are kinds of work.
type kinds uint16

const (
	short        kinds = 1 << iota // the short answer
	files                          // those of files
	messages                       // the echoes of a WebSocket
	live                           // what a WebSocket is told unasked
	streams                        // CoAP over TCP
	datagrams                      // CoAP over UDP
	floods                         // the same, many at a time
	posts                          // content that is sent back
	broadcasting                   // of a message to all WebSockets
	sleeping                       // in a handler
)

// task is what a server is started for.
type task struct {
	host  string // to listen on; that of the loopback if it is empty
	port  int    // to listen on
	conns int    // to hold at a time

	// messages says that connections become WebSockets.
	messages bool

	// broadcast says that they do so to listen, and that one publishes.
	broadcast bool

	// posted is how many bytes of content a request has, which are to come back.
	posted int

	// workers is how many handlers may run at a time, where such a number is
	// given to a server; 0 is its own.
	workers int

	// coap is the network over which CoAP is served, tcp or udp, or empty.
	coap string

	// file is the one that is asked for, and folder where all of them are;
	// neither is set where the short answer is.
	file   *file
	folder string
}

// address is where it is to listen.
func (t task) address() string {
	if t.host == "" {
		return address(t.port)
	}
	return net.JoinHostPort(t.host, strconv.Itoa(t.port))
}

// starter is the command line of a server for a task.
type starter func(task) ([]string, error)

// servers are all that are known, in the order of the tables.
var servers = []server{
	{baseline, buildFloor, short | files | posts | messages | broadcasting | streams | datagrams | floods},
	{"bobtail-epoll", buildBobtail("epoll"), short | files | posts | sleeping | messages | live | broadcasting | streams | datagrams | floods},
	{"bobtail-uring", buildBobtail("uring"), short | files | posts | sleeping | messages | live | broadcasting | streams},
	{"bobtail-net", buildBobtail("net"), short | files | posts | sleeping | messages | live | broadcasting | streams},
	{"bobtail-memory", buildBobtail("memory"), files},
	{"tiny", buildTiny, short | posts | messages | streams},
	{"gnet", buildGo("gnet"), short},
	{"fasthttp", buildGo("fasthttp"), short | files | posts | sleeping},
	{"nethttp", buildGo("nethttp"), short | files | posts | sleeping},
	{"nginx", buildNginx, short | files | posts},
	{"gws", buildGo("gws"), messages | broadcasting},
	{"gobwas", buildGo("gobwas"), messages},
	{"gorilla", buildGo("gorilla"), messages | broadcasting},
	{"coder", buildGo("coder"), messages},
	{"nbio", buildGo("nbio"), messages},
	{"libcoap", buildLibcoap, streams | datagrams | floods},
	{"gocoap", buildGo("gocoap"), streams | datagrams},
}

// baseline is the server that the others are compared to.
const baseline = "floor"

func buildFloor(ctx context.Context, b *builder) (starter, error) {
	program, err := b.compile(ctx, filepath.Join("servers", "floor"))
	return func(t task) ([]string, error) {
		args := []string{program, "-p", strconv.Itoa(t.port)}
		if t.host != "" {
			args = append(args, "-a", t.host)
		}
		if t.file != nil {
			args = append(args, "-f", t.file.in(t.folder))
		}
		if t.posted > 0 {
			args = append(args, "-e", strconv.Itoa(t.posted))
		}
		if t.messages || t.broadcast {
			args = append(args, "-w")
		}
		if t.broadcast {
			args = append(args, "-b")
		}
		switch t.coap {
		case "tcp":
			args = append(args, "-c")
		case "udp":
			args = append(args, "-u")
		}
		return args, nil
	}, err
}

// buildGo builds a server of this module, which takes the flag -addr, and -dir
// if it serves files, and -net if it serves CoAP. One of messages echoes at
// messagePath, one of content at echoPath, and one that broadcasts does so from
// publishPath to listenPath.
func buildGo(name string) func(context.Context, *builder) (starter, error) {
	return func(ctx context.Context, b *builder) (starter, error) {
		program, err := b.goBuild(ctx, filepath.Join("servers", name), name)
		return func(t task) ([]string, error) {
			args := []string{program, "-addr", t.address()}
			if t.file != nil {
				args = append(args, "-dir", t.folder)
			}
			if t.coap != "" {
				args = append(args, "-net", t.coap)
			}
			return args, nil
		}, err
	}
}

// buildBobtail builds Bobtail's own program, for one of its backends. Files are
// served from their folder, or under the name memory, over epoll, as they are in
// the program, which has the same.
func buildBobtail(backend string) func(context.Context, *builder) (starter, error) {
	return func(ctx context.Context, b *builder) (starter, error) {
		dir := filepath.Join("..", "cmd", "bobtail")
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("cmd/bobtail is %w", errAbsent)
		}
		program, err := b.goBuild(ctx, dir, "bobtail")
		if err != nil {
			return nil, err
		}
		publisher, err := b.goBuild(ctx, filepath.Join("servers", "bobtailws"), "bobtailws")
		return func(t task) ([]string, error) {
			if t.broadcast {
				return []string{publisher, "-addr", t.address(), "-sockets", strconv.Itoa(t.conns), "-backend", backend}, nil
			}
			args := []string{program, "serve", "-addr", t.address(), "-sockets", strconv.Itoa(t.conns)}
			if t.coap != "" {
				args[3] = address(0) // HTTP, which is served in any case
				args = append(args, "-coap", t.address())
			}
			if t.workers > 0 {
				args = append(args, "-workers", strconv.Itoa(t.workers))
			}
			switch {
			case backend == "memory":
				return append(args, "-backend", "epoll"), nil
			case t.file != nil:
				return append(args, "-backend", backend, t.folder), nil
			}
			return append(args, "-backend", backend), nil
		}, err
	}
}

// buildTiny finds the small server that the variable TINY names, or builds with
// Go what TinyGo is meant to.
func buildTiny(ctx context.Context, b *builder) (starter, error) {
	program := os.Getenv("TINY")
	if program == "" {
		var err error
		if program, err = b.goBuild(ctx, filepath.Join("..", "tiny"), "tiny"); err != nil {
			return nil, err
		}
	}
	return func(t task) ([]string, error) {
		host, _, err := net.SplitHostPort(t.address())
		web, coap := strconv.Itoa(t.port), "0"
		if t.coap != "" {
			web, coap = coap, web
		}
		return []string{program, strconv.Itoa(min(runtime.NumCPU(), 16)), host, web, coap}, err
	}, nil
}

// buildNginx finds nginx, which nobody builds for a comparison.
func buildNginx(_ context.Context, b *builder) (starter, error) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		return nil, fmt.Errorf("nginx is %w", errAbsent)
	}
	return func(t task) ([]string, error) {
		dir, err := os.MkdirTemp(b.temp, "nginx")
		if err != nil {
			return nil, err
		}
		file := filepath.Join(dir, "nginx.conf")
		err = os.WriteFile(file, []byte(nginxConf(t)), 0o644)
		return []string{program, "-p", dir, "-e", "stderr", "-c", file}, err
	}, nil
}

// nginxConf is the configuration for the same answer as everybody's. The limits
// are set so high that it never closes a connection by itself. Files are sent as
// its makers advise, and kept open as others keep them.
//
// It has no echo. Content is received only where a module asks for it, as the one
// that mirrors requests does: then the request, for which there is no file, is led
// to where content is returned. So the price of an echo has that of a second,
// internal request in it, which sends nothing.
func nginxConf(t task) string {
	user := ""
	if os.Getuid() == 0 {
		// Its workers would have no right to the folder otherwise.
		user = "user root root;"
	}
	return fmt.Sprintf(`daemon off;
%s
pid nginx.pid;
error_log stderr warn;
worker_processes auto;
worker_rlimit_nofile %d;
events {
	worker_connections %d;
}
http {
	access_log off;
	keepalive_requests 1000000000;
	keepalive_timeout 3600s;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	server {
		listen %s backlog=4096 reuseport;
		default_type text/plain;
		location = /plaintext {
			return 200 "Hello, World!";
		}
		location /files/ {
			root "%s";
			sendfile on;
			tcp_nopush on;
			open_file_cache max=100;
			open_file_cache_min_uses 1;
		}
		client_body_in_single_buffer on;
		client_body_buffer_size 16k;
		location = /echo {
			mirror /none;
			open_file_cache max=100;
			open_file_cache_errors on;
			log_not_found off;
			error_page 404 405 =200 @content;
		}
		location @content {
			return 200 $request_body;
		}
		location = /none {
			internal;
			return 204;
		}
	}
}
`, user, t.conns+spareDescriptors, t.conns+spareDescriptors, address(t.port), t.folder)
}

func address(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }
