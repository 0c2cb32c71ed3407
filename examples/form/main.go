// Form serves a page at http://127.0.0.1:8080/ that asks for a user and a
// password, and greets who has given them, until they log out or an hour has
// passed.
//
//	PASSWORD=secret form -user squid
//
// What the browser keeps is a cookie with the user's name, when it ends, and a
// signature of both (HMAC-SHA256) by a key that is made anew each time the
// program starts. So the server remembers nobody, and nobody can make a session
// of their own.
//
// A program with many users keeps their passwords as slow salted hashes (package
// crypto/pbkdf2), and one that is reached by TLS, as it should be, sets Secure
// and names its cookie __Host-session.
package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"hash"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/auth"
	"github.com/bobtail-go/bobtail/cookie"
	"github.com/bobtail-go/bobtail/http1"
)

const (
	head = `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Form</title>`

	asks = head + `
<form method="post" action="/login">
<label>User <input name="user" autocomplete="username" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button>
</form>
`
	greets = head + `<p>Hello, `
	lets   = `!</p>
<form method="post" action="/logout"><button>Log out</button></form>
`
)

// site is what all workers have in common.
type site struct {
	user, password string
	key            [32]byte
	life           time.Duration
}

// worker is the site on one worker: the hash is its own, so that it need not be
// made for each request.
type worker struct {
	*site
	mac hash.Hash
	sum [sha256.Size]byte
}

const cookieName = "session"

// home greets who is logged in, and asks others to.
func (s *worker) home(w bobtail.Response, r *bobtail.Request) error {
	user := s.check(r.Cookie(cookieName), time.Now().Unix())
	page := w.Status(200).Header("Cache-Control", "no-store")
	if user == nil {
		return page.HTML(asks)
	}
	// The name is one that the program was started with: others, which people
	// choose, would be escaped here.
	return page.HTML(greets, s.user, lets)
}

// login takes the form of the page.
func (s *worker) login(w bobtail.Response, r *bobtail.Request) error {
	f, err := r.Form(1024) // more is answered 413, another content type 415
	if err != nil {
		return err
	}
	// Both are compared, so that the time does not tell which one is wrong.
	user, password := auth.Equal(f.Get("user"), s.user), auth.Equal(f.Get("password"), s.password)
	if !user || !password {
		return w.Status(403).HTML(head, "<p>No, that is not it.</p><a href=\"/\">Back</a>\n")
	}
	b, err := r.Alloc(len(s.user) + 1 + 20 + 1 + 2*sha256.Size) // of the worker's memory, for this request
	if err != nil {
		return err
	}
	until := time.Now().Add(s.life).Unix()
	err = w.WithCookie(cookie.Cookie{
		Name:     cookieName,
		Bytes:    s.sign(b[:0], s.user, until),
		Path:     "/",
		MaxAge:   int(s.life / time.Second),
		HTTPOnly: true,       // no script needs it
		SameSite: cookie.Lax, // no form of another site has it
	})
	if err != nil {
		return err
	}
	return w.Redirect(303, "/") // so that a reload does not send the password again
}

// logout has the browser forget. It is a POST, which other sites cannot make
// with the cookie.
func (s *worker) logout(w bobtail.Response, r *bobtail.Request) error {
	if err := w.WithCookie(cookie.Cookie{Name: cookieName, Path: "/", MaxAge: -1}); err != nil {
		return err
	}
	return w.Redirect(303, "/")
}

// sign appends a session: USER.UNTIL.SIGNATURE, the second in seconds since
// 1970, the last in hexadecimal digits.
func (s *worker) sign(dst []byte, user string, until int64) []byte {
	at := len(dst)
	dst = append(dst, user...)
	dst = append(dst, '.')
	dst = strconv.AppendInt(dst, until, 10)
	sum := s.hash(dst[at:])
	dst = append(dst, '.')
	return hex.AppendEncode(dst, sum)
}

// check returns the user of a session, and nil if it is not one that was signed
// here, or has ended.
func (s *worker) check(session []byte, now int64) []byte {
	const digits = 2 * sha256.Size
	n := len(session) - digits - 1
	if n < 0 || session[n] != '.' {
		return nil
	}
	var want [digits]byte
	hex.Encode(want[:], s.hash(session[:n]))
	if !auth.Equal(session[n+1:], want[:]) {
		return nil
	}
	// From here on it is what sign has written.
	for i := n - 1; i > 0; i-- {
		if session[i] == '.' {
			until, err := strconv.ParseInt(string(session[i+1:n]), 10, 64)
			if err != nil || now >= until {
				return nil
			}
			return session[:i]
		}
	}
	return nil
}

func (s *worker) hash(b []byte) []byte {
	s.mac.Reset()
	s.mac.Write(b)
	return s.mac.Sum(s.sum[:0])
}

// newServer makes a server for one user.
func newServer(user, password string, life time.Duration) (*bobtail.Server, error) {
	s := &site{user: user, password: password, life: life}
	if err := (cookie.Cookie{Name: cookieName, Value: user}).Validate(); err != nil {
		return nil, err // the name is part of the cookie
	}
	rand.Read(s.key[:])

	// Cookies are long, and most programs need none: whoever does says so.
	fields := http1.DefaultFields()
	if err := fields.Add("Cookie"); err != nil {
		return nil, err
	}
	srv, err := bobtail.New(bobtail.Config{Fields: fields})
	if err != nil {
		return nil, err
	}
	for pattern, method := range map[string]func(*worker, bobtail.Response, *bobtail.Request) error{
		"GET /{$}":     (*worker).home,
		"POST /login":  (*worker).login,
		"POST /logout": (*worker).logout,
	} {
		err := srv.HandleEach(pattern, func(int) bobtail.Handler {
			wk := &worker{site: s, mac: hmac.New(sha256.New, s.key[:])}
			return func(w bobtail.Response, r *bobtail.Request) error { return method(wk, w, r) }
		})
		if err != nil {
			return nil, err
		}
	}
	return srv, nil
}

func main() {
	user := flag.String("user", "squid", "who may log in")
	flag.Parse()
	password := os.Getenv("PASSWORD")
	if password == "" {
		log.Fatal("form: set PASSWORD")
	}
	srv, err := newServer(*user, password, time.Hour)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(srv.ListenAndServe("127.0.0.1:8080"))
}
