package main

import (
	"net"
	"testing"
)

func TestResolve(t *testing.T) {
	for _, c := range []struct{ in, want, url string }{
		{"127.0.0.1:80", "127.0.0.1:80", "http://127.0.0.1:80/"},
		{":8080", ":8080", "http://127.0.0.1:8080/"},
		{"0.0.0.0:8080", "0.0.0.0:8080", "http://127.0.0.1:8080/"},
		{"[::]:8080", "[::]:8080", "http://[::1]:8080/"},
		{"[::1]:8080", "[::1]:8080", "http://[::1]:8080/"},
		{"[fe80::1%7]:8080", "[fe80::1%7]:8080", "http://[fe80::1%257]:8080/"},
		{"[::ffff:127.0.0.1]:80", "127.0.0.1:80", "http://127.0.0.1:80/"},
		{"http://127.0.0.1:80/", "127.0.0.1:80", "http://127.0.0.1:80/"},
		{"127.0.0.1:http", "127.0.0.1:80", "http://127.0.0.1:80/"},
		{":http", ":80", "http://127.0.0.1:80/"},
		{"localhost:80", "127.0.0.1:80", "http://127.0.0.1:80/"},
	} {
		got, err := resolve(c.in)
		if err != nil || got.String() != c.want || url(got) != c.url {
			t.Errorf("resolve(%q) = %v, %v at %s, want %s at %s", c.in, got, err, url(got), c.want, c.url)
		}
	}
	for _, bad := range []string{"", "80", "127.0.0.1", "::1:80", "[::1", "127.0.0.1:", "127.0.0.1:-1", "127.0.0.1:65536", "a b:80", "[fe80::1%nothing]:80"} {
		if got, err := resolve(bad); err == nil {
			t.Errorf("resolve(%q) = %v, want an error", bad, got)
		}
	}
}

func TestResolveZoneName(t *testing.T) {
	all, err := net.Interfaces()
	if err != nil || len(all) == 0 {
		t.Skip("no interfaces")
	}
	got, err := resolve("[fe80::1%" + all[0].Name + "]:80")
	if err != nil || int(got.Zone()) != all[0].Index {
		t.Errorf("zone %s = %d, %v, want %d", all[0].Name, got.Zone(), err, all[0].Index)
	}
}
