package conformance

import (
	"bytes"
	"compress/gzip"
	put "encoding/binary"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/chromedp/chromedp"
)

// text is what the long files have: numbered lines of 64 bytes.
func text(size int) string {
	var b strings.Builder
	for i := range size / 64 {
		fmt.Fprintf(&b, "%07d %-55s\n", i, "a bobtail squid, lit from below, casts no shadow")
	}
	return b.String()
}

// write writes a file below a folder.
func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// folder has a text with its compressed forms, and one without.
func folder(t *testing.T) string {
	dir := t.TempDir()
	var gz, br bytes.Buffer
	g := gzip.NewWriter(&gz)
	g.Write([]byte(text(10 << 10)))
	g.Close()
	b := brotli.NewWriter(&br)
	b.Write([]byte(text(10 << 10)))
	b.Close()
	write(t, dir, "plain.txt", text(100<<10))
	old := time.Now().Add(-time.Hour)
	for name, content := range map[string]string{"packed.txt": text(10 << 10), "packed.txt.gz": gz.String(), "packed.txt.br": br.String()} {
		if err := os.Chtimes(write(t, dir, name, content), old, old); err != nil {
			t.Fatal(err)
		}
	}
	// A tag is strong when the file has not changed for a while.
	if err := os.Chtimes(filepath.Join(dir, "plain.txt"), old, old); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestCurlRanges(t *testing.T) {
	all := text(100 << 10)
	onBackends(t, func(t *testing.T, p *program) {
		url := p.url + "plain.txt"
		curl(t, url).is(200, all).has("Accept-Ranges", "bytes").has("Content-Type", "text/plain; charset=utf-8")
		curl(t, "-I", url).has("Content-Length", "102400").has("Accept-Ranges", "bytes")
		curl(t, "-r", "64-127", url).is(206, all[64:128]).has("Content-Range", "bytes 64-127/102400")
		curl(t, "-r", "102336-", url).is(206, all[102336:]).has("Content-Range", "bytes 102336-102399/102400")
		curl(t, "-r", "-64", url).is(206, all[102336:])
		curl(t, "-r", "102400-", url).has("Content-Range", "bytes */102400")
		if a := curl(t, "-r", "102400-", url); a.code != 416 {
			t.Errorf("%s = %s, want 416", a.command, a.status)
		}
		a := curl(t, "-r", "0-63,640-703", url)
		kind, boundary, _ := strings.Cut(a.head.Get("Content-Type"), "; boundary=")
		if a.code != 206 || kind != "multipart/byteranges" || !strings.Contains(a.body, "bytes 640-703/102400\r\n\r\n"+all[640:704]+"\r\n--"+strings.Trim(boundary, `"`)+"--") {
			t.Errorf("%s = %s %s %q", a.command, a.status, kind, a.body)
		}
		// A download that broke off is gone on with.
		part := write(t, t.TempDir(), "part", all[:50_000])
		curl(t, "-C", "-", "-o", part, url)
		if b, err := os.ReadFile(part); err != nil || string(b) != all {
			t.Errorf("gone on with, the file has %d bytes, %v", len(b), err)
		}
	}, folder(t))
}

func TestCurlConditions(t *testing.T) {
	onBackends(t, func(t *testing.T, p *program) {
		url := p.url + "plain.txt"
		tag := filepath.Join(t.TempDir(), "tag")
		curl(t, "--etag-save", tag, "-o", os.DevNull, url)
		if b, err := os.ReadFile(tag); err != nil || !strings.HasPrefix(string(b), `"`) {
			t.Fatalf("the tag is %q, %v", b, err)
		}
		curl(t, "--etag-compare", tag, url).is(304, "")
		write(t, filepath.Dir(tag), "tag", `"another"`)
		curl(t, "--etag-compare", tag, url).is(200, text(100<<10))
		at := curl(t, "-I", url).head.Get("Last-Modified")
		curl(t, "-z", at, url).is(304, "")
		when, err := http.ParseTime(at)
		if err != nil {
			t.Fatal(err)
		}
		curl(t, "-z", when.Add(-time.Minute).Format(http.TimeFormat), url).is(200, text(100<<10))
	}, folder(t))
}

func TestCurlCompressed(t *testing.T) {
	onBackends(t, func(t *testing.T, p *program) {
		url := p.url + "packed.txt"
		curl(t, url).is(200, text(10<<10)).has("Vary", "Accept-Encoding").has("Content-Encoding", "")
		for _, coding := range []string{"gzip", "br"} {
			curl(t, "--compressed", "-H", "Accept-Encoding: "+coding, url).is(200, text(10<<10)).has("Content-Encoding", coding)
			curl(t, "-I", "-H", "Accept-Encoding: "+coding, url).has("Content-Encoding", coding)
		}
		if a := curl(t, "--compressed", url).is(200, text(10<<10)); a.head.Get("Content-Encoding") == "" {
			t.Errorf("%s comes as it is", a.command)
		}
		curl(t, "--compressed", p.url+"plain.txt").is(200, text(100<<10)).has("Content-Encoding", "").has("Vary", "")
	}, folder(t))
}

// TestBrowserCompressed has the browser unpack what it says it takes: gzip, and
// over TLS Brotli too.
func TestBrowserCompressed(t *testing.T) {
	dir := folder(t)
	for _, args := range [][]string{{dir}, {dir, "-tls-self"}} {
		onBackends(t, func(t *testing.T, p *program) {
			b := open(t, p.url)
			got := js[[]string](b, `fetch("/packed.txt").then(async r => [await r.text(), r.headers.get("Content-Encoding"), r.url])`)
			if got[0] != text(10<<10) || got[1] != "br" && got[1] != "gzip" || len(args) > 1 && got[1] != "br" {
				t.Errorf("%s comes with %d characters, Content-Encoding %q", got[2], len(got[0]), got[1])
			}
			// The list of the folder leads to the file.
			b.do(chromedp.Click(`a[href="plain.txt"], a[href="./plain.txt"]`), chromedp.WaitReady("pre"))
			if n := js[int](b, `document.body.innerText.length`); n < 100_000 {
				t.Errorf("the file that was clicked on has %d characters", n)
			}
		}, args...)
	}
}

// TestBrowserSeeks plays the beginning of a sound and jumps to its end, which
// was not received yet: the browser asks for a range.
func TestBrowserSeeks(t *testing.T) {
	const rate, seconds = 44100, 300
	const size = seconds * rate * 4
	dir := t.TempDir()
	var head bytes.Buffer
	head.WriteString("RIFF")
	put.Write(&head, put.LittleEndian, uint32(36+size))
	head.WriteString("WAVEfmt ")
	for _, v := range []any{uint32(16), uint16(1), uint16(2), uint32(rate), uint32(rate * 4), uint16(4), uint16(16)} {
		put.Write(&head, put.LittleEndian, v)
	}
	head.WriteString("data")
	put.Write(&head, put.LittleEndian, uint32(size))
	// Silence is a hole in the file.
	if err := os.Truncate(write(t, dir, "sound.wav", head.String()), int64(head.Len()+size)); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "index.html", `<!DOCTYPE html><title>Sound</title><audio id="a" preload="metadata" src="sound.wav"></audio>`)
	onBackends(t, func(t *testing.T, p *program) {
		b := open(t, p.url)
		got := js[[]float64](b, `new Promise((done, failed) => {
			const a = document.getElementById("a"), at = [];
			a.onerror = () => failed(new Error(a.error.message));
			const jump = () => {
				at.push(a.duration);
				a.onseeked = () => {
					at.push(a.currentTime);
					if (at.length == 3) { done(at); return; }
					a.currentTime = 10;
				};
				a.currentTime = 290;
			};
			if (a.readyState >= 1) jump(); else a.onloadedmetadata = jump;
		})`)
		if len(got) != 3 || got[0] != seconds || got[1] != 290 || got[2] != 10 {
			t.Errorf("the sound's length and where it was are %v, want 300, 290 and 10", got)
		}
		if log := p.log.String(); strings.Count(log, "GET /sound.wav 206 ") < 1 {
			t.Errorf("no range was answered:\n%s", log)
		}
	}, dir, "-log")
}
