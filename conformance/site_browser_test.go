package conformance

import "testing"

func TestBrowserPage(t *testing.T) {
	onBackends(t, func(t *testing.T, p *program) {
		b := open(t, p.url)
		if title := js[string](b, `document.title`); title != "Bobtail" {
			t.Errorf("the title is %q", title)
		}
		if kind := js[string](b, `document.contentType + " " + document.characterSet`); kind != "text/html UTF-8" {
			t.Errorf("the page is %s", kind)
		}
		got := js[string](b, `fetch("/echo", {method: "POST", body: "squid".repeat(100000)}).then(r => r.text()).then(t => t.length + t.slice(0, 5))`)
		if got != "500000squid" {
			t.Errorf("the echo is %q", got)
		}
	})
}
