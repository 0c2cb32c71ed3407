package micro

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
	"github.com/valyala/fasthttp"
)

// The requests of a load generator and of a browser.
const (
	shortRequest = "GET /plaintext HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"

	browserRequest = "GET /wp-content/uploads/2026/03/hello-kitty-darth-vader-pink.jpg HTTP/1.1\r\n" +
		"Host: www.kittyhell.com\r\n" +
		"Connection: keep-alive\r\n" +
		"Cache-Control: max-age=0\r\n" +
		"Sec-Ch-Ua: \"Chromium\";v=\"142\", \"Not A(Brand\";v=\"99\"\r\n" +
		"Sec-Ch-Ua-Mobile: ?0\r\n" +
		"Sec-Ch-Ua-Platform: \"Linux\"\r\n" +
		"Dnt: 1\r\n" +
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
)

// endless gives the same bytes for ever, once a read.
type endless []byte

func (e endless) Read(p []byte) (int, error) { return copy(p, e), nil }

// headOf is a head in words: method and target, then its fields in the order of
// their names.
func headOf(method, target string, fields []string) string {
	slices.Sort(fields)
	return method + " " + target + "\n" + strings.Join(fields, "\n")
}

func ourHead(keep http1.FieldSet, in []byte) side {
	p := &http1.Parser{Keep: keep}
	var h http1.Head
	return side{
		loop: func(n int) error {
			for range n {
				h.Reset()
				if done, err := p.Parse(&h, in); err != nil || !done {
					return fmt.Errorf("not done: %v", err)
				}
			}
			return nil
		},
		gave: func() (string, error) {
			fields := []string{"Host: " + string(h.Host(in))}
			for i := range h.NumFields() {
				name, value := h.Field(in, i)
				if string(name) != "Host" {
					fields = append(fields, string(name)+": "+string(value))
				}
			}
			return headOf(string(h.MethodName(in)), string(h.Target(in)), fields), nil
		},
	}
}

func heads(testing.TB) (all []comparison) {
	for _, c := range []struct{ name, text string }{{"in=short", shortRequest}, {"in=browser", browserRequest}} {
		in := []byte(c.text)
		every, some := ourHead(http1.AllFields(), in), ourHead(http1.DefaultFields(), in)
		every.by, some.by, some.part = "bobtail-all-fields", "bobtail", true

		var fast fasthttp.RequestHeader
		fastIn := bufio.NewReader(endless(in))
		var std *http.Request
		stdIn := bufio.NewReader(endless(in))
		all = append(all, comparison{c.name, len(in), []side{every, some, {
			by: "fasthttp",
			loop: func(n int) error {
				for range n {
					if err := fast.Read(fastIn); err != nil {
						return err
					}
				}
				return nil
			},
			gave: func() (string, error) {
				var fields []string
				for name, value := range fast.All() {
					fields = append(fields, string(name)+": "+string(value))
				}
				return headOf(string(fast.Method()), string(fast.RequestURI()), fields), nil
			},
		}, {
			by: "net-http",
			loop: func(n int) (err error) {
				for range n {
					if std, err = http.ReadRequest(stdIn); err != nil {
						return err
					}
				}
				return nil
			},
			gave: func() (string, error) {
				if len(std.Header["Host"]) > 0 {
					return "", errors.New("Host is still a field")
				}
				fields := []string{"Host: " + std.Host}
				for name, values := range std.Header {
					for _, value := range values {
						fields = append(fields, name+": "+value)
					}
				}
				return headOf(std.Method, std.RequestURI, fields), nil
			},
		}}})
	}
	return all
}

func TestHeads(t *testing.T)      { same(t, heads(t)) }
func BenchmarkHeads(b *testing.B) { measure(b, heads(b)) }

// TestHeadsAreWhole holds the check of heads to what was sent.
func TestHeadsAreWhole(t *testing.T) {
	for _, c := range heads(t) {
		text := map[string]string{"in=short": shortRequest, "in=browser": browserRequest}[c.name]
		if err := c.sides[0].loop(1); err != nil {
			t.Fatal(err)
		}
		got, err := c.sides[0].gave()
		if err != nil {
			t.Fatal(err)
		}
		line, fields, _ := strings.Cut(strings.TrimSuffix(text, "\r\n\r\n"), "\r\n")
		want := headOf("GET", strings.Fields(line)[1], strings.Split(fields, "\r\n"))
		if got != want {
			t.Errorf("%s: %q, want %q", c.name, got, want)
		}
	}
}
