package conformance

import (
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// until waits until an expression in the tab is true.
func (b *tab) until(condition string) {
	b.t.Helper()
	js[bool](b, `new Promise(done => { const look = () => (`+condition+`) ? done(true) : setTimeout(look, 20); look() })`)
}

// TestBrowserLive has the page show what its buttons make of the server: idle
// connections, a burst of requests, a slow sender.
func TestBrowserLive(t *testing.T) {
	onBackends(t, func(t *testing.T, p *program) {
		b := open(t, p.url)
		b.until(`document.querySelectorAll("#cells i").length === 64`)
		// The page's own socket.
		b.until(`document.querySelectorAll("#cells i.w, #cells i.r").length >= 1`)
		b.until(`document.querySelectorAll("#workers li").length > 2`)

		js[bool](b, `document.getElementById("idle").click(), true`)
		b.until(`document.querySelectorAll("#cells i.w").length >= 10`)
		if label := js[string](b, `document.getElementById("cells").getAttribute("aria-label")`); label == "" {
			t.Error("the cells have no text for who does not see them")
		}

		before := js[float64](b, `last.served`)
		js[bool](b, `document.getElementById("burst").click(), true`)
		b.until(`last.served >= ` + fmt.Sprint(before+1000))
		b.until(`Math.max(...rates) > 0`)

		// A slow sender has a socket and no worker: its cell is that of HTTP.
		js[bool](b, `fetch("/slow", {method: "POST"}).then(r => r.status === 202)`)
		b.until(`document.querySelectorAll("#cells i.h").length >= 1`)

		if file := os.Getenv("BOBTAIL_SCREENSHOT"); file != "" {
			b.until(`rates.length > 20`)
			png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(90))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, png, 0o644); err != nil {
				t.Fatal(err)
			}
		}

		js[bool](b, `document.getElementById("close").click(), true`)
		b.until(`document.querySelectorAll("#cells i.w").length < 10`)
	}, "-sockets", "64")
}

// TestBrowserReconnects ends the server under the page and starts another at the
// same address: the page comes back by itself.
func TestBrowserReconnects(t *testing.T) {
	first := start(t, "-sockets", "64")
	b := open(t, first.url)
	b.until(`!document.body.classList.contains("off")`)
	first.stop()
	b.until(`document.body.classList.contains("off")`)
	second := start(t, "-sockets", "32", "-addr", first.addr)
	if _, err := (&http.Client{Timeout: 10 * time.Second}).Get(second.url); err != nil {
		t.Fatal(err)
	}
	b.until(`!document.body.classList.contains("off") && document.querySelectorAll("#cells i").length === 32`)
}
