package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"
)

// start runs a server and returns its address.
func start(t *testing.T, life time.Duration) string {
	t.Helper()
	srv, err := newServer("squid", "tentacle 8", life)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	return "http://" + addr.String()
}

func read(t *testing.T, resp *http.Response, err error) (int, string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

const hello = "Hello, squid!"

// TestForm does what a browser does.
func TestForm(t *testing.T) {
	site := start(t, time.Hour)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	get := func() string {
		t.Helper()
		resp, err := browser.Get(site + "/")
		code, page := read(t, resp, err)
		if code != 200 {
			t.Fatalf("the page is answered %d, %q", code, page)
		}
		return page
	}
	post := func(path, user, password string) (int, string) {
		t.Helper()
		resp, err := browser.PostForm(site+path, url.Values{"user": {user}, "password": {password}})
		return read(t, resp, err)
	}
	if page := get(); page != asks {
		t.Errorf("at first there is %q", page)
	}
	for _, v := range [][2]string{{"squid", "tentacle"}, {"squid", ""}, {"", ""}, {"octopus", "tentacle 8"}} {
		if code, page := post("/login", v[0], v[1]); code != 403 || strings.Contains(page, hello) {
			t.Errorf("%q is answered %d, %q", v, code, page)
		}
	}
	if page := get(); page != asks {
		t.Errorf("after wrong passwords there is %q", page)
	}
	if code, page := post("/login", "squid", "tentacle 8"); code != 200 || !strings.Contains(page, hello) {
		t.Errorf("the right password is answered %d, %q", code, page)
	}
	if page := get(); !strings.Contains(page, hello) {
		t.Errorf("then there is %q", page)
	}
	address, err := url.Parse(site)
	if err != nil {
		t.Fatal(err)
	}
	kept := jar.Cookies(address)[0]
	if code, page := post("/logout", "", ""); code != 200 || page != asks || len(jar.Cookies(address)) != 0 {
		t.Errorf("after logging out there is %d, %q", code, page)
	}

	// A cookie that was changed is none.
	for i := range len(kept.Value) {
		changed := []byte(kept.Value)
		changed[i] ^= 1
		jar.SetCookies(address, []*http.Cookie{{Name: cookieName, Value: string(changed)}})
		if page := get(); page != asks {
			t.Errorf("with %q for %q there is %q", changed, kept.Value, page)
		}
	}
}

func TestLoginRefusals(t *testing.T) {
	site := start(t, time.Hour)
	for _, v := range []struct {
		name, contentType, content string
		want                       int
	}{
		{"another type", "text/plain", "user=squid", 415},
		{"malformed", "application/x-www-form-urlencoded", "user=%", 400},
		{"too long", "application/x-www-form-urlencoded", "user=" + strings.Repeat("x", 1024), 413},
	} {
		resp, err := http.Post(site+"/login", v.contentType, strings.NewReader(v.content))
		if code, page := read(t, resp, err); code != v.want {
			t.Errorf("%s is answered %d, %q, want %d", v.name, code, page, v.want)
		}
	}
}

func TestSessionEnds(t *testing.T) {
	s := &worker{site: &site{}, mac: hmac.New(sha256.New, []byte("key"))}
	session := s.sign(nil, "a.b", 1000)
	if user := s.check(session, 999); string(user) != "a.b" {
		t.Errorf("before its end %q is of %q", session, user)
	}
	if user := s.check(session, 1000); user != nil {
		t.Errorf("at its end %q is of %q", session, user)
	}
	other := &worker{site: &site{}, mac: hmac.New(sha256.New, []byte("another key"))}
	for _, b := range []string{string(other.sign(nil, "a.b", 1000)), "", ".", strings.Repeat("0", 64), "." + strings.Repeat("0", 64)} {
		if user := s.check([]byte(b), 0); user != nil {
			t.Errorf("%q is of %q", b, user)
		}
	}
	if _, err := newServer("a;b", "c", time.Hour); err == nil {
		t.Error("a name that no cookie has is accepted")
	}
}
