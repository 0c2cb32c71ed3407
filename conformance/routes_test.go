package conformance

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// paths are those of the site that answer GET.
var paths = []string{"", "plaintext", "json", "sleep?ms=0", "stats", "hello/squid", "files/10k.txt", "files/1m.txt"}

func TestCurlOptions(t *testing.T) {
	onBackends(t, func(t *testing.T, p *program) {
		for _, path := range paths {
			if a := curl(t, "-X", "OPTIONS", p.url+path); a.code/100 != 2 || !strings.HasPrefix(a.head.Get("Allow"), "GET, HEAD") {
				t.Errorf("%s = %s, Allow %q", a.command, a.status, a.head.Get("Allow"))
			}
		}
		if a := curl(t, "-X", "OPTIONS", "--request-target", "*", p.url); a.code/100 != 2 {
			t.Errorf("%s = %s", a.command, a.status)
		}
		curl(t, "--path-as-is", "-L", p.url+"a/../hello//squid").is(200, "Hello, squid!\n")
	})
}

// sum is the SHA-256 of a text, as the site tells it.
func sum(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

func TestCurlForm(t *testing.T) {
	long := text(1 << 20)
	file := write(t, t.TempDir(), "a file.txt", long)
	onBackends(t, func(t *testing.T, p *program) {
		a := curl(t, "-F", "note=squid", "-F", "file=@"+file, p.url+"upload").has("Content-Type", "application/json")
		want := `[{"name":"note","size":5,"sha256":"` + sum("squid") + `"},{"name":"file","filename":"a file.txt","type":"text/plain","size":1048576,"sha256":"` + sum(long) + `"}]`
		a.is(200, want)
		curl(t, "-H", "Transfer-Encoding: chunked", "-F", "note=squid", "-F", "file=@"+file, p.url+"upload").is(200, want)
		curl(t, "-H", "Expect: 100-continue", "-F", "note=squid", "-F", "file=@"+file, p.url+"upload").is(200, want)
		if a := curl(t, "-d", "a=b", p.url+"upload"); a.code != 415 {
			t.Errorf("%s = %s, want 415", a.command, a.status)
		}
	})
}

func TestCurlEvents(t *testing.T) {
	onBackends(t, func(t *testing.T, p *program) {
		a := tryCurl(t, "-N", "-m", "2.5", p.url+"events")
		const timedOut = 28
		if a.exit != timedOut || a.code != 200 || !strings.HasPrefix(a.head.Get("Content-Type"), "text/event-stream") || strings.Count(a.body, "\ndata: ") < 1 {
			t.Errorf("%s = %s, %q, ends with %d", a.command, a.status, a.body, a.exit)
		}
	})
}

func TestCurlTLS(t *testing.T) {
	onBackends(t, func(t *testing.T, p *program) {
		curl(t, "-k", p.url+"plaintext").is(200, hello)
		curl(t, "-k", p.url+"files/1m.txt").is(200, text(1<<20))
		curl(t, "-k", "-d", "squid", p.url+"echo").is(200, "squid")
		if a := tryCurl(t, p.url+"plaintext"); a.exit != 60 {
			t.Errorf("a certificate that nobody has signed: %s ends with %d, want 60", a.command, a.exit)
		}
		// Who speaks plain HTTP is told so.
		if a := curl(t, strings.Replace(p.url, "https", "http", 1)); a.code != 400 {
			t.Errorf("%s = %s, want 400", a.command, a.status)
		}
	}, "-tls-self")
}

func TestBrowserUpload(t *testing.T) {
	long := text(1 << 20)
	file := write(t, t.TempDir(), "text.txt", long)
	for _, args := range [][]string{nil, {"-tls-self"}} {
		onBackends(t, func(t *testing.T, p *program) {
			b := open(t, p.url)
			got := js[string](b, `(() => {
				const f = new FormData();
				f.append("note", "squid");
				f.append("file", new Blob(["tentacle".repeat(100000)]), 'a "b" ß.bin');
				return fetch("/upload", {method: "POST", body: f}).then(r => r.text());
			})()`)
			want := `[{"name":"note","size":5,"sha256":"` + sum("squid") + `"},{"name":"file","filename":"a %22b%22 ß.bin","type":"application/octet-stream","size":800000,"sha256":"` + sum(strings.Repeat("tentacle", 100_000)) + `"}]`
			if got = strings.ReplaceAll(got, `a \"b\" ß`, `a %22b%22 ß`); got != want {
				t.Errorf("fetch uploads\n%s, want\n%s", got, want)
			}
			// A form of the page, with a file that was chosen. The answer is
			// shown in a frame.
			js[bool](b, `(() => {
				document.body.innerHTML = '<form method="post" action="/upload" enctype="multipart/form-data" target="answer">' +
					'<input id="file" name="file" type="file"><button id="send">Send</button></form><iframe name="answer"></iframe>';
				const f = document.querySelector("iframe");
				window.answered = new Promise(done => {
					f.onload = () => { if (f.contentWindow.location.pathname == "/upload") done(f.contentDocument.body.innerText); };
				});
				return true;
			})()`)
			b.do(chromedp.SetUploadFiles("#file", []string{file}), chromedp.Click("#send"))
			got = js[string](b, `window.answered`)
			if !strings.Contains(got, `"size":1048576,"sha256":"`+sum(long)+`"`) || !strings.Contains(got, `"filename":"text.txt"`) {
				t.Errorf("the form uploads %s", got)
			}
		}, args...)
	}
}

// TestBrowserEvents listens to the site, and comes again with what it has seen.
func TestBrowserEvents(t *testing.T) {
	for _, args := range [][]string{nil, {"-tls-self"}} {
		onBackends(t, func(t *testing.T, p *program) {
			b := open(t, p.url)
			ids := js[[]string](b, `new Promise((done, failed) => {
				const e = new EventSource("/events"), ids = [];
				e.onmessage = m => {
					if (!/^\d\d:\d\d:\d\d$/.test(m.data)) failed(new Error(m.data));
					ids.push(m.lastEventId);
					if (ids.length == 3) { e.close(); done(ids); }
				};
			})`)
			if ids[0] == "" || ids[0] == ids[1] || ids[1] == ids[2] {
				t.Errorf("the IDs are %q", ids)
			}
		}, args...)
	}
}
