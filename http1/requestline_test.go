package http1_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/http1"
)

func TestTargetForms(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"RFC 9112 section 3.2.2", "GET http://www.example.org/pub/WWW/TheProject.html",
			`GET HTTP/1.1 absolute "http://www.example.org/pub/WWW/TheProject.html" path "/pub/WWW/TheProject.html" host "www.example.org"`},
		{"absolute without path", "GET http://y", `GET HTTP/1.1 absolute "http://y" path "/" host "y"`},
		{"absolute with empty path and query", "GET http://y?q", `GET HTTP/1.1 absolute "http://y?q" path "/" query "q" host "y"`},
		{"absolute with path and query", "GET http://y:80/a?b/c?d", `GET HTTP/1.1 absolute "http://y:80/a?b/c?d" path "/a" query "b/c?d" host "y:80"`},
		{"scheme in other case", "GET HTTPS://y/", `GET HTTP/1.1 absolute "HTTPS://y/" path "/" host "y"`},
		{"question mark alone", "GET http://y/?", `GET HTTP/1.1 absolute "http://y/?" path "/" query "" host "y"`},
		{"RFC 9112 section 3.2.3", "CONNECT www.example.com:80", `CONNECT HTTP/1.1 authority "www.example.com:80" path "" host "www.example.com:80"`},
		{"authority in brackets", "CONNECT [::1]:443", `CONNECT HTTP/1.1 authority "[::1]:443" path "" host "[::1]:443"`},
		{"RFC 9112 section 3.2.4", "OPTIONS *", `OPTIONS HTTP/1.1 asterisk "*" path "*" host "x"`},
		{"OPTIONS of a path", "OPTIONS /a", `OPTIONS HTTP/1.1 origin "/a" path "/a" host "x"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			accept(t, &http1.Parser{}, c.line+" HTTP/1.1\r\nHost: x\r\n\r\n", c.want+" keep-alive|Host=x")
		})
	}
}

func TestTargetFormsRefused(t *testing.T) {
	for _, c := range []struct {
		name, line string
		want       http1.Error
	}{
		{"asterisk with another method", "GET *", http1.ErrTargetForm},
		{"asterisk and more", "OPTIONS */", http1.ErrTargetForm},
		{"authority with another method", "GET example.com:80", http1.ErrTargetForm},
		{"path without slash", "GET a/b", http1.ErrTargetForm},
		{"query alone", "GET ?a", http1.ErrTargetForm},
		{"scheme alone", "GET http:", http1.ErrTargetForm},
		{"one slash", "GET http:/x/y", http1.ErrTargetForm},
		{"word alone", "GET abc", http1.ErrTargetForm},
		{"no scheme", "GET ://x/", http1.ErrTargetForm},
		{"scheme that begins with a digit", "GET 1http://x/", http1.ErrTargetForm},
		{"path with CONNECT", "CONNECT /", http1.ErrTargetForm},
		{"asterisk with CONNECT", "CONNECT *", http1.ErrTargetForm},
		{"another scheme", "GET ftp://x/", http1.ErrScheme},
		{"another scheme of all characters", "GET a1+-.://x/", http1.ErrScheme},
		{"file", "GET file:///etc/passwd", http1.ErrScheme},
		{"user", "GET http://a@x/", http1.ErrUserinfo},
		{"user and password", "GET http://a:b@x/", http1.ErrUserinfo},
		{"user with CONNECT", "CONNECT a@x:80", http1.ErrUserinfo},
		{"no host", "GET http:///a", http1.ErrAuthority},
		{"no host, a query", "GET http://?a", http1.ErrAuthority},
		{"no host, a port", "GET http://:80/", http1.ErrAuthority},
		{"port out of range", "GET http://x:65536/", http1.ErrAuthority},
		{"CONNECT without port", "CONNECT x", http1.ErrAuthority},
		{"CONNECT with empty port", "CONNECT x:", http1.ErrAuthority},
		{"CONNECT with port 0", "CONNECT x:0", http1.ErrAuthority},
		{"CONNECT with absolute target", "CONNECT http://x/", http1.ErrAuthority},
	} {
		t.Run(c.name, func(t *testing.T) {
			refuse(t, &http1.Parser{}, c.line+" HTTP/1.1\r\n", c.want)
		})
	}
}

func TestHostRefused(t *testing.T) {
	for _, c := range []struct {
		name, host string
		want       http1.Error
	}{
		{"empty", "", http1.ErrHostEmpty},
		{"white space", " \t", http1.ErrHostEmpty},
		{"slash", "x/y", http1.ErrHost},
		{"user", "a@x", http1.ErrHost},
		{"two hosts", "x y", http1.ErrHost},
	} {
		t.Run(c.name, func(t *testing.T) {
			refuse(t, &http1.Parser{}, "GET / HTTP/1.1\r\nHost:"+c.host+"\r", c.want)
		})
	}
}

func TestHostPort(t *testing.T) {
	for _, c := range []struct {
		name, in   string
		host, port int
	}{
		{"name", "example.com", 11, 0},
		{"name and port", "example.com:8080", 11, 8080},
		{"empty port", "a:", 1, 0},
		{"highest port", "a:65535", 1, 65535},
		{"leading zeros of a port", "a:000080", 1, 80},
		{"address", "127.0.0.1:80", 9, 80},
		{"all that a name may have", "aZ0-._~!$&'()*+,;=", 18, 0},
		{"percent-encoded", "a%2Fb%c3:1", 8, 1},
		{"IPv6", "[2001:db8::1]", 13, 0},
		{"IPv6 with IPv4 and port", "[::ffff:1.2.3.4]:80", 16, 80},
		{"shortest IPv6", "[::]", 4, 0},
		{"IPvFuture", "[v1F.a:b~]:1", 10, 1},

		{"nothing", "", 0, 0},
		{"no host", ":80", 0, 0},
		{"port out of range", "a:65536", 0, 0},
		{"port that wraps", "a:4294967376", 0, 0},
		{"port that is no number", "a:b", 0, 0},
		{"port with sign", "a:+1", 0, 0},
		{"two ports", "a:1:2", 0, 0},
		{"IPv6 without brackets", "::1", 0, 0},
		{"space", "a b", 0, 0},
		{"quote", `"a"`, 0, 0},
		{"slash", "a/", 0, 0},
		{"backslash", `a\`, 0, 0},
		{"above ASCII", "\xC3\xA9", 0, 0},
		{"percent alone", "%", 0, 0},
		{"percent and a digit", "a%2", 0, 0},
		{"percent and no digits", "a%gg", 0, 0},
		{"percent and no first digit", "a%g2", 0, 0},
		{"percent and no second digit", "a%2g", 0, 0},
		{"bracket alone", "[", 0, 0},
		{"empty brackets", "[]", 0, 0},
		{"one character in brackets", "[:]", 0, 0},
		{"open bracket", "[::1", 0, 0},
		{"name in brackets", "[xyz]", 0, 0},
		{"zone", "[fe80::1%25eth0]", 0, 0},
		{"behind the bracket", "[::1]x", 0, 0},
		{"IPvFuture without version", "[v.a]", 0, 0},
		{"IPvFuture without dot", "[v1]", 0, 0},
		{"IPvFuture cut", "[v1", 0, 0},
		{"IPvFuture without address", "[v1.]", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if host, port := http1.HostPort(c.in); host != c.host || port != c.port {
				t.Errorf("hostPort(%q) = %d, %d, want %d, %d", c.in, host, port, c.host, c.port)
			}
		})
	}
}
