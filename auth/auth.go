// Package auth asks for credentials: a guard around handlers that lets in who
// has a user and a password (Basic, RFC 7617) or a token (Bearer, RFC 6750),
// and answers 401 with a challenge to others.
//
//	guard, err := auth.Basic("garden", func(r *web.Request, user, password []byte) bool {
//		return auth.Equal(password, secretOf(user))
//	})
//	srv.Use(guard)
//
// Both send what they have as it is: without TLS anybody on the way can read it.
// Nothing allocates for a request. Handlers that need no guard of their own have
// Request.BasicAuth and Request.Bearer.
package auth

import (
	"github.com/bobtail-go/bobtail/internal/credentials"
	"github.com/bobtail-go/bobtail/web"
)

// Error is an error of this package. Its values are constants.
type Error uint8

// The errors.
const (
	_        Error = iota
	ErrRealm       // control, or a byte that is not ASCII, in a realm
	ErrCheck       // no check was given
	ErrToken       // for a check of Bearer: the token is unknown, revoked or has expired
	ErrScope       // for a check of Bearer: the token is good, but not for this
	numErrors
)

var errorTable = [numErrors]struct {
	text   string
	status int
}{
	ErrRealm: {"auth: realm is not printable ASCII", 500},
	ErrCheck: {"auth: no check", 500},
	ErrToken: {"auth: token not valid", 401},
	ErrScope: {"auth: token not valid for this", 403},
}

// Is reports whether err is e.
func (e Error) Is(err error) bool {
	x, ok := err.(Error)
	return ok && x == e
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e < numErrors && errorTable[e].text != "" {
		return errorTable[e].text
	}
	return "auth: unknown error"
}

// Status is the status that the guard answers.
func (e Error) Status() int {
	if e < numErrors && errorTable[e].status != 0 {
		return errorTable[e].status
	}
	return 500
}

// Equal reports whether what a peer has given is a secret. The time that it
// takes depends on the length of what was given, which the peer knows, and on
// nothing of the secret, its length included. An empty secret equals nothing:
// whoever has forgotten to set one lets nobody in.
func Equal[T string | []byte](given []byte, secret T) bool { return credentials.Equal(given, secret) }

// Basic makes a guard that lets in whom check lets in, and asks others for a
// user and a password for a realm, which browsers show. check runs on the
// worker of the request, from several goroutines at once, and must compare
// with Equal, or hash first; user and password are valid as the request is.
// They are in UTF-8 (RFC 7617 section 2.1). It fails with ErrRealm and
// ErrCheck.
func Basic(realm string, check func(r *web.Request, user, password []byte) bool) (func(web.Handler) web.Handler, error) {
	if check == nil {
		return nil, ErrCheck
	}
	challenge, err := challenge("Basic", realm)
	if err != nil {
		return nil, err
	}
	challenge += `, charset="UTF-8"`
	return func(inner web.Handler) web.Handler {
		return func(w web.Response, r *web.Request) error {
			user, password, ok := r.BasicAuth()
			if !ok || !check(r, user, password) {
				return refuse(w, 401, challenge)
			}
			return inner(w, r)
		}
	}, nil
}

// Bearer makes a guard that lets in who has a token for which check returns
// nil. For ErrToken it answers 401, for ErrScope 403, both with what RFC 6750
// section 3.1 has for it, and 401 without an error if there is no token at all;
// another error is the request's, as one that a handler returns. check runs as
// that of Basic does. It fails with ErrRealm and ErrCheck.
func Bearer(realm string, check func(r *web.Request, token []byte) error) (func(web.Handler) web.Handler, error) {
	if check == nil {
		return nil, ErrCheck
	}
	plain, err := challenge("Bearer", realm)
	if err != nil {
		return nil, err
	}
	var (
		malformed = plain + `, error="invalid_request"`
		token     = plain + `, error="invalid_token"`
		scope     = plain + `, error="insufficient_scope"`
	)
	return func(inner web.Handler) web.Handler {
		return func(w web.Response, r *web.Request) error {
			b := r.Bearer()
			if b == nil {
				if credentials.IsScheme(r.Header("Authorization"), "bearer") {
					return refuse(w, 400, malformed)
				}
				return refuse(w, 401, plain)
			}
			switch err := check(r, b); {
			case err == nil:
				return inner(w, r)
			case ErrToken.Is(err):
				return refuse(w, 401, token)
			case ErrScope.Is(err):
				return refuse(w, 403, scope)
			default:
				return err
			}
		}
	}, nil
}

// refuse answers with a challenge (RFC 9110 section 11.6.1).
func refuse(w web.Response, code int, challenge string) error {
	text := "Unauthorized\n"
	switch code {
	case 400:
		text = "Bad Request\n"
	case 403:
		text = "Forbidden\n"
	}
	return w.Status(code).Header("WWW-Authenticate", challenge).Text(text)
}

// challenge is a scheme and a realm in quotes (RFC 9110 section 11.5).
func challenge(scheme, realm string) (string, error) {
	b := append([]byte(scheme), ` realm="`...)
	for i := range len(realm) {
		c := realm[i]
		if c < ' ' || c >= 0x7F {
			return "", ErrRealm
		}
		if c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return string(append(b, '"')), nil
}
