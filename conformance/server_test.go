package conformance

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/auth"
	"github.com/bobtail-go/bobtail/cookie"
	"github.com/bobtail-go/bobtail/cors"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/sse"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/epoll"
	"github.com/bobtail-go/bobtail/transport/netstd"
)

// onServers runs a test against a server of its own, with every backend.
func onServers(t *testing.T, add func(t *testing.T, srv *bobtail.Server), test func(t *testing.T, url string)) {
	for name, open := range map[string]func() (transport.Backend, error){
		"epoll": func() (transport.Backend, error) { return epoll.New(epoll.Config{Lanes: 1}) },
		"net":   func() (transport.Backend, error) { return netstd.New(netstd.Config{Lanes: 1}) },
	} {
		t.Run(name, func(t *testing.T) {
			b, err := open()
			if err != nil {
				t.Fatal(err)
			}
			fields := http1.DefaultFields()
			if err := fields.Add("Cookie"); err != nil {
				t.Fatal(err)
			}
			srv, err := bobtail.New(bobtail.Config{Backend: b, Workers: 8, Fields: fields})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { srv.Close() })
			add(t, srv)
			at, err := srv.Listen("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			if err := srv.Start(); err != nil {
				t.Fatal(err)
			}
			test(t, "http://"+at.String()+"/")
		})
	}
}

func handle(t *testing.T, srv *bobtail.Server, pattern string, h bobtail.Handler) {
	t.Helper()
	if err := srv.Handle(pattern, h); err != nil {
		t.Fatal(err)
	}
}

func TestCurlBasicAuth(t *testing.T) {
	onServers(t, func(t *testing.T, srv *bobtail.Server) {
		guard, err := auth.Basic("garden", func(_ *bobtail.Request, user, password []byte) bool {
			return auth.Equal(user, "squid") && auth.Equal(password, "tenta:cle")
		})
		if err != nil {
			t.Fatal(err)
		}
		srv.Use(guard)
		handle(t, srv, "GET /{$}", func(w bobtail.Response, r *bobtail.Request) error { return w.Text("in") })
	}, func(t *testing.T, url string) {
		curl(t, "-u", "squid:tenta:cle", url).is(200, "in")
		// curl asks without, is challenged, and asks again.
		if a := curl(t, "--anyauth", "-u", "squid:tenta:cle", url); a.code != 200 || a.interim != 1 {
			t.Errorf("%s = %s after %d others, want 200 after a challenge", a.command, a.status, a.interim)
		}
		for _, wrong := range []string{"squid:wrong", "other:tenta:cle", "squid:"} {
			if a := curl(t, "-u", wrong, url).has("Www-Authenticate", `Basic realm="garden", charset="UTF-8"`); a.code != 401 {
				t.Errorf("%s = %s, want 401", a.command, a.status)
			}
		}
	})
}

// session sets a cookie at /in, and tells at /who what came back.
func session(t *testing.T, srv *bobtail.Server) {
	handle(t, srv, "GET /in", func(w bobtail.Response, r *bobtail.Request) error {
		return w.Status(200).SetCookie(cookie.Cookie{Name: "id", Value: "squid", Path: "/", HTTPOnly: true, SameSite: cookie.Lax}).Text("in")
	})
	who := func(w bobtail.Response, r *bobtail.Request) error {
		return w.Text(r.Method().String(), " ", string(r.Cookie("id")), " ", string(r.Header("Content-Type")))
	}
	handle(t, srv, "GET /who", who)
	handle(t, srv, "PUT /who", who)
	handle(t, srv, "GET /out", func(w bobtail.Response, r *bobtail.Request) error {
		return w.Status(200).SetCookie(cookie.Cookie{Name: "id", Path: "/", MaxAge: -1}).Text("out")
	})
	handle(t, srv, "GET /{$}", func(w bobtail.Response, r *bobtail.Request) error {
		return w.HTML("<!DOCTYPE html><title>Session</title>")
	})
}

func TestBrowserCookies(t *testing.T) {
	onServers(t, session, func(t *testing.T, url string) {
		b := open(t, url)
		got := js[[]string](b, `(async () => {
			const all = [], get = async p => all.push(await (await fetch(p)).text());
			await get("/who"); await get("/in"); await get("/who"); all.push(document.cookie); await get("/out"); await get("/who");
			return all;
		})()`)
		if s := strings.Join(got, "|"); s != "GET  |in|GET squid ||out|GET  " {
			t.Errorf("the browser gets %q", s)
		}
	})
}

// TestBrowserCORS has a page of one origin use a server of another: with
// credentials, with a preflight, and without permission.
func TestBrowserCORS(t *testing.T) {
	page := start(t)
	origin := strings.TrimSuffix(page.url, "/")
	onServers(t, func(t *testing.T, srv *bobtail.Server) {
		policy, err := cors.Policy{
			Origins: []string{origin}, Methods: []string{"PUT"}, Headers: []string{"Content-Type"}, Expose: []string{"X-Told"},
			Credentials: true, PrivateNetwork: true, MaxAge: 60,
		}.Handler()
		if err != nil {
			t.Fatal(err)
		}
		handle(t, srv, "GET /closed", func(w bobtail.Response, r *bobtail.Request) error { return w.Text("not for others") })
		srv.Use(policy)
		session(t, srv)
		handle(t, srv, "GET /told", func(w bobtail.Response, r *bobtail.Request) error {
			return w.Status(200).Header("X-Told", "yes").Header("X-Kept", "no").Text("told")
		})
	}, func(t *testing.T, url string) {
		b := open(t, page.url)
		got := js[[]string](b, `(async () => {
			const url = "`+url+`", all = [], with_ = {credentials: "include"};
			const get = async (path, o) => { try { all.push(await (await fetch(url + path, o)).text()); } catch (e) { all.push(e.name); } };
			await get("in", with_);
			await get("who", with_);
			await get("who", {credentials: "omit"});
			await get("who", {...with_, method: "PUT", headers: {"Content-Type": "application/json"}, body: "{}"});
			await get("who", {...with_, method: "DELETE"});
			await get("who", {...with_, headers: {"X-Other": "1"}});
			await get("closed", {});
			const r = await fetch(url + "told");
			all.push(r.headers.get("X-Told") + " " + r.headers.get("X-Kept"));
			return all;
		})()`)
		want := "in|GET squid |GET  |PUT squid application/json|TypeError|TypeError|TypeError|yes null"
		if s := strings.Join(got, "|"); s != want {
			t.Errorf("the page of another origin gets\n%q, want\n%q", s, want)
		}
		// A page of a third origin, which the policy does not know.
		other := start(t)
		b = open(t, other.url)
		if got := js[string](b, `fetch("`+url+`told").then(r => r.text(), e => e.name)`); got != "TypeError" {
			t.Errorf("the page of a third origin gets %q", got)
		}
		// What browsers ask before they let a page of the wide network in.
		a := curl(t, "-X", "OPTIONS", "-H", "Origin: "+origin, "-H", "Access-Control-Request-Method: PUT", "-H", "Access-Control-Request-Private-Network: true", url+"who")
		a.has("Access-Control-Allow-Private-Network", "true").has("Access-Control-Allow-Origin", origin).has("Access-Control-Allow-Credentials", "true")
	})
}

// TestBrowserComesAgain ends each stream after two events. EventSource connects
// again by itself and says what it has seen last.
func TestBrowserComesAgain(t *testing.T) {
	onServers(t, func(t *testing.T, srv *bobtail.Server) {
		handle(t, srv, "GET /{$}", func(w bobtail.Response, r *bobtail.Request) error {
			return w.HTML("<!DOCTYPE html><title>Events</title>")
		})
		handle(t, srv, "GET /events", func(w bobtail.Response, r *bobtail.Request) error {
			last := string(sse.LastEventID(r))
			s, err := sse.Open(w, 0)
			if err != nil {
				return err
			}
			for _, e := range []sse.Event{
				{ID: last + "a", Name: "tick", Data: []byte("after " + last), Retry: 50_000_000},
				{ID: last + "ab", Name: "tick", Data: []byte("two\nlines")},
			} {
				if err := s.Send(e); err != nil {
					return err
				}
			}
			return s.Close()
		})
	}, func(t *testing.T, url string) {
		b := open(t, url)
		got := js[[]string](b, `new Promise(done => {
			const e = new EventSource("/events"), all = [];
			e.addEventListener("tick", m => {
				all.push(m.lastEventId + ":" + m.data);
				if (all.length == 5) { e.close(); done(all); }
			});
		})`)
		want := "a:after |ab:two\nlines|aba:after ab|abab:two\nlines|ababa:after abab"
		if s := strings.Join(got, "|"); s != want {
			t.Errorf("the events are\n%q, want\n%q", s, want)
		}
	})
}
