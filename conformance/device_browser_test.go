package conformance

import (
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestBrowserDevice has two pages of a device of five sockets show its state and
// switch its LED, and come back by themselves when it does.
func TestBrowserDevice(t *testing.T) {
	program, addr := buildExample(t, "device"), freeAddr(t)
	coap := []string{"-coap", "127.0.0.1:0"}
	url, stop := startExample(t, program, addr, coap...)

	one, other := open(t, url), open(t, url)
	for _, b := range []*tab{one, other} {
		b.until(`document.body.className === "" && document.getElementById("board").textContent === "Desktop"`)
		b.until(`document.querySelectorAll("#sockets i").length === 5 && document.querySelectorAll("#workers i").length === 2`)
		b.until(`document.getElementById("led").textContent === "LED is off"`)
	}
	js[bool](one, `document.getElementById("led").click(), true`)
	for _, b := range []*tab{one, other} {
		b.until(`document.getElementById("led").textContent === "LED is on"`)
	}
	js[bool](other, `document.getElementById("led").click(), true`)
	one.until(`document.getElementById("led").textContent === "LED is off"`)
	if text := js[string](one, `document.body.innerText`); len(text) < 100 {
		t.Errorf("the page says %q", text)
	}
	// What a browser opens besides finds a socket, however many are open.
	if got := js[int](one, `Promise.all(Array.from({ length: 12 }, (_, i) => fetch("/plaintext?" + i).then(r => r.ok))).then(all => all.filter(ok => ok).length)`); got != 12 {
		t.Errorf("%d of 12 requests at once are answered", got)
	}
	if file := os.Getenv("BOBTAIL_SCREENSHOT"); file != "" {
		png, err := chromedp.Run(one.ctx, chromedp.FullScreenshot(90))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	one.until(`document.body.className === "off"`)
	startExample(t, program, addr, coap...)
	one.until(`document.body.className === ""`)
}
