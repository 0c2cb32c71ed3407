package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// server is one of those that are compared.
type server struct {
	name string

	// build makes the program and returns what it is started by. It is called
	// once; the error wraps errAbsent if there is nothing to build.
	build func(context.Context, *builder) (starter, error)
}

// starter is the command line of a server that is to listen on a port of the
// loopback and to hold so many connections at a time.
type starter func(port, conns int) ([]string, error)

// servers are all that are known, in the order of the tables.
var servers = []server{
	{baseline, buildFloor},
	{"bobtail-epoll", buildBobtail("epoll")},
	{"bobtail-net", buildBobtail("net")},
	{"gnet", buildGo("gnet")},
	{"fasthttp", buildGo("fasthttp")},
	{"nethttp", buildGo("nethttp")},
	{"nginx", buildNginx},
}

// baseline is the server that the others are compared to.
const baseline = "floor"

func buildFloor(ctx context.Context, b *builder) (starter, error) {
	program, err := b.compile(ctx, filepath.Join("servers", "floor"))
	return func(port, _ int) ([]string, error) {
		return []string{program, "-p", strconv.Itoa(port)}, nil
	}, err
}

// buildGo builds a server of this module, which takes the flag -addr.
func buildGo(name string) func(context.Context, *builder) (starter, error) {
	return func(ctx context.Context, b *builder) (starter, error) {
		program, err := b.goBuild(ctx, filepath.Join("servers", name), name)
		return func(port, _ int) ([]string, error) {
			return []string{program, "-addr", address(port)}, nil
		}, err
	}
}

// buildBobtail builds Bobtail's own program, for one of its backends.
func buildBobtail(backend string) func(context.Context, *builder) (starter, error) {
	return func(ctx context.Context, b *builder) (starter, error) {
		dir := filepath.Join("..", "cmd", "bobtail")
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("cmd/bobtail is %w", errAbsent)
		}
		program, err := b.goBuild(ctx, dir, "bobtail")
		return func(port, conns int) ([]string, error) {
			return []string{program, "serve", "-addr", address(port), "-backend", backend,
				"-sockets", strconv.Itoa(conns)}, nil
		}, err
	}
}

// buildNginx finds nginx, which nobody builds for a comparison.
func buildNginx(_ context.Context, b *builder) (starter, error) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		return nil, fmt.Errorf("nginx is %w", errAbsent)
	}
	return func(port, conns int) ([]string, error) {
		dir, err := os.MkdirTemp(b.temp, "nginx")
		if err != nil {
			return nil, err
		}
		file := filepath.Join(dir, "nginx.conf")
		err = os.WriteFile(file, []byte(nginxConf(port, conns)), 0o644)
		return []string{program, "-p", dir, "-e", "stderr", "-c", file}, err
	}, nil
}

// nginxConf is the configuration for the same answer as everybody's. The limits
// are set so high that it never closes a connection by itself.
func nginxConf(port, conns int) string {
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
		location = /plaintext {
			default_type text/plain;
			return 200 "Hello, World!";
		}
	}
}
`, user, conns+spareDescriptors, conns+spareDescriptors, address(port))
}

func address(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }
