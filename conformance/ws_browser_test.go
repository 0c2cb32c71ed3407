package conformance

import (
	"strings"
	"testing"
)

// TestBrowserEchoes has a page of the server's send messages of all sizes, and
// close with a code.
func TestBrowserEchoes(t *testing.T) {
	onPaths(t, func(t *testing.T, url string) {
		b := open(t, "http"+url[len("ws"):strings.Index(url, "/ws")]+"/json")
		got := js[[]string](b, `new Promise((done, failed) => {
			const w = new WebSocket("`+url+`"), all = [], texts = [], bytes = [];
			w.binaryType = "arraybuffer";
			for (const n of [0, 1, 125, 126, 65535, 65536, 300000]) {
				texts.push("ё squid € 🦑 ".repeat(n).slice(0, n));
				bytes.push(Uint8Array.from({length: n}, (_, i) => i * 7 + (i >> 8)));
			}
			let i = 0;
			const next = () => i < texts.length ? (w.send(texts[i].toWellFormed()), w.send(bytes[i])) : w.close(4001, "squid");
			w.onopen = next;
			w.onerror = () => failed("error");
			w.onmessage = m => {
				if (typeof m.data == "string") {
					all.push("text " + m.data.length + " " + (m.data == texts[i].toWellFormed()));
					return;
				}
				const v = new Uint8Array(m.data);
				all.push("binary " + v.length + " " + v.every((x, j) => x == bytes[i][j]));
				i++;
				next();
			};
			w.onclose = c => { all.push("close " + c.code + " " + c.wasClean); done(all); };
		})`)
		var want []string
		for _, n := range []string{"0", "1", "125", "126", "65535", "65536", "300000"} {
			want = append(want, "text "+n+" true", "binary "+n+" true")
		}
		want = append(want, "close 4001 true")
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("the browser gets\n%q, want\n%q", got, want)
		}
	})
}

// TestBrowserOrigin has a page of another server try, which is refused.
func TestBrowserOrigin(t *testing.T) {
	page := start(t)
	onPaths(t, func(t *testing.T, url string) {
		b := open(t, page.url+"json")
		got := js[string](b, `new Promise(done => {
			const w = new WebSocket("`+url+`");
			w.onopen = () => done("open");
			w.onclose = c => done("close " + c.code);
		})`)
		if got != "close 1006" {
			t.Errorf("the page of another origin gets %q", got)
		}
	})
}
