package cookie_test

import (
	"fmt"

	"github.com/bobtail-go/bobtail/cookie"
)

func ExampleCookie() {
	c := cookie.Cookie{Name: "__Host-session", Value: "abc", Path: "/", MaxAge: 3600, Secure: true, HTTPOnly: true, SameSite: cookie.Lax}
	b, err := c.AppendTo(nil)
	fmt.Printf("%s %v\n", b, err)

	c.Secure = false
	_, err = c.AppendTo(nil)
	fmt.Println(err)
	// Output:
	// __Host-session=abc; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax <nil>
	// cookie: __Host- without Secure and Path=/, or with Domain
}

func ExamplePairs() {
	p := cookie.NewPairs([]byte(`a=1; broken; b="2"`))
	for p.Next() {
		fmt.Printf("%s is %s\n", p.Name(), p.Value())
	}
	fmt.Println(p.Err())
	// Output:
	// a is 1
	// b is 2
	// cookie: pair without equals sign
}
