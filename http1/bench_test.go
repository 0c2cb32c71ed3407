package http1_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/http1"
)

// plaintext is the request of the usual load generators.
const plaintext = "GET /plaintext HTTP/1.1\r\nHost: localhost:8080\r\n\r\n"

var chunkedBody = func() http1.Body {
	var h http1.Head
	if done, err := new(http1.Parser).Parse(&h, []byte(withFields("Transfer-Encoding: chunked"))); !done || err != nil {
		panic(err)
	}
	return h.Body()
}()

// fields20 is the head of a browser that has 20 fields.
const fields20 = "GET /wp-content/uploads/2026/03/hello-kitty-darth-vader-pink.jpg HTTP/1.1\r\n" +
	"Host: www.kittyhell.com\r\n" +
	"Connection: keep-alive\r\n" +
	"Cache-Control: max-age=0\r\n" +
	"sec-ch-ua: \"Chromium\";v=\"142\", \"Not A(Brand\";v=\"99\"\r\n" +
	"sec-ch-ua-mobile: ?0\r\n" +
	"sec-ch-ua-platform: \"Linux\"\r\n" +
	"DNT: 1\r\n" +
	"Upgrade-Insecure-Requests: 1\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8\r\n" +
	"Sec-Fetch-Site: same-origin\r\n" +
	"Sec-Fetch-Mode: navigate\r\n" +
	"Sec-Fetch-User: ?1\r\n" +
	"Sec-Fetch-Dest: document\r\n" +
	"Referer: http://www.kittyhell.com/2026/03/page.html\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: en-US,en;q=0.9\r\n" +
	"If-None-Match: \"5f3e-19d2b6a3f80\"\r\n" +
	"If-Modified-Since: Mon, 02 Mar 2026 10:11:12 GMT\r\n" +
	"Cookie: wp_ozh_wsa_visits=2; wp_ozh_wsa_visit_lasttime=xxxxxxxxxx; __utma=xxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.x; __utmz=xxxxxxxxx.xxxxxxxxxx.x.x.utmccn=(referral)|utmcsr=reader.livedoor.com|utmcct=/reader/|utmcmd=referral\r\n\r\n"

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct {
		name, in string
		keep     http1.FieldSet
	}{
		{"plaintext", plaintext, http1.DefaultFields()},
		{"browser", fields20, http1.DefaultFields()},
		{"browser, all kept", fields20, http1.AllFields()},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := &http1.Parser{Keep: c.keep}
			in := []byte(c.in)
			var h http1.Head
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				h.Reset()
				if done, _ := p.Parse(&h, in); !done {
					b.Fatal("not done")
				}
			}
		})
	}
}

// Per request what is asked of the head, too.
func BenchmarkParseAndRoute(b *testing.B) {
	p := &http1.Parser{Keep: http1.DefaultFields()}
	in := []byte(plaintext)
	var h http1.Head
	b.ReportAllocs()
	for b.Loop() {
		h.Reset()
		if done, _ := p.Parse(&h, in); !done || string(h.Path(in)) != "/plaintext" || h.Method() != http1.GET || !h.KeepAlive() || h.Host(in) == nil {
			b.Fatal("not done")
		}
	}
}

func BenchmarkChunked(b *testing.B) {
	for _, c := range []struct {
		name string
		size int
	}{{"1", 1}, {"64", 64}, {"4096", 4096}} {
		b.Run(c.name, func(b *testing.B) {
			var in []byte
			var r http1.Response
			r.Init(http1.GET, http1.Version11, true)
			r.AppendStatus(nil, 200, "")
			r.AppendEnd(nil, nil)
			for range 16 {
				in, _ = r.AppendContent(in, make([]byte, c.size))
			}
			in, _ = r.AppendFinish(in)
			l := &http1.Limits{}
			b.SetBytes(int64(16 * c.size))
			b.ReportAllocs()
			for b.Loop() {
				y := chunkedBody
				rest := in
				for !y.Done() {
					_, n, err := y.Next(rest, l)
					if err != nil {
						b.Fatal(err)
					}
					rest = rest[n:]
				}
			}
		})
	}
}

func BenchmarkResponse(b *testing.B) {
	now := http1.AppendDate(nil, 784111777)
	body := []byte("Hello, World!")
	dst := make([]byte, 0, 512)
	var r http1.Response
	b.ReportAllocs()
	for b.Loop() {
		r.Init(http1.GET, http1.Version11, true)
		w, _ := r.AppendStatus(dst, 200, "")
		w, _ = r.AppendField(w, "Content-Type", "text/plain; charset=utf-8")
		w, _ = r.AppendLength(w, uint64(len(body)))
		w, _ = r.AppendEnd(w, now)
		w, _ = r.AppendContent(w, body)
		if _, err := r.AppendFinish(w); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendDate(b *testing.B) {
	dst := make([]byte, 0, 64)
	for b.Loop() {
		http1.AppendDate(dst, 784111777)
	}
}
