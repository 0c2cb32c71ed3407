// Middleware serves a small API at http://127.0.0.1:8080/ whose handlers know
// nothing of logs, of other sites and of tokens: handlers around them do.
//
//	curl -i -H 'Authorization: Bearer squid' http://127.0.0.1:8080/me
//
// Middleware is a function from a handler to a handler. Server.Use puts it
// around all routes that are added after it, and around the server's own
// answers, such as 404. What it wants to say in every answer it says by
// Response.With, and what it has found out it leaves for the handlers inside by
// Request.SetValue.
package main

import (
	"log"
	"strconv"
	"sync/atomic"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/auth"
	"github.com/bobtail-go/bobtail/cors"
)

// user is who a token belongs to. The handlers inside get a pointer, which
// costs no allocation.
type user struct{ name, token string }

var users = []user{{"Squid", "squid"}, {"Octopus", "octopus"}}

// numbered numbers the answers, so that those who complain can say which.
func numbered(h bobtail.Handler) bobtail.Handler {
	var n atomic.Uint64
	return func(w bobtail.Response, r *bobtail.Request) error {
		var b [20]byte
		if err := w.WithBytes("X-Request-Id", strconv.AppendUint(b[:0], n.Add(1), 10)); err != nil {
			return err
		}
		return h(w, r)
	}
}

// logged logs what the handlers inside have failed with. (Who has asked for
// what, and how long it took, is better told by Config.Access.)
func logged(h bobtail.Handler) bobtail.Handler {
	return func(w bobtail.Response, r *bobtail.Request) error {
		err := h(w, r)
		if err != nil {
			log.Printf("%s %s: %v", r.MethodName(), r.Target(), err)
		}
		return err
	}
}

// known lets in who has a token of a user.
func known(r *bobtail.Request, token []byte) error {
	for i := range users {
		if auth.Equal(token, users[i].token) {
			r.SetValue(&users[i])
			return nil
		}
	}
	return auth.ErrToken
}

func me(w bobtail.Response, r *bobtail.Request) error {
	return w.JSON([]byte(`{"name":"` + r.Value().(*user).name + `"}`))
}

func mount(srv *bobtail.Server) error {
	guard, err := auth.Bearer("api", known)
	if err != nil {
		return err
	}
	others, err := cors.Policy{
		Origins: []string{"https://example.org", "http://localhost:3000"},
		Headers: []string{"Authorization"},
		MaxAge:  600,
	}.Handler()
	if err != nil {
		return err
	}
	srv.Use(numbered, logged, others) // the first is outermost
	srv.Handle("GET /{$}", func(w bobtail.Response, r *bobtail.Request) error {
		return w.Text("Ask for /me with a token.\n")
	})
	// A guard that is for some routes stands around these alone.
	return srv.Handle("GET /me", guard(me))
}

func main() {
	srv, err := bobtail.New(bobtail.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := mount(srv); err != nil {
		log.Fatal(err)
	}
	log.Fatal(srv.ListenAndServe("127.0.0.1:8080"))
}
