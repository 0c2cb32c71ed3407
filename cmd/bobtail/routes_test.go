package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/transport/secure"
)

// folder is a folder with an index at its top and none below.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"index.html":     "<h1>top</h1>",
		"docs/one.txt":   "one",
		"docs/two & 3":   "two",
		"docs/.hidden":   "not to be served",
		".git/config":    "not to be served",
		"docs/sub/a.css": "a {}",
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFolder(t *testing.T) {
	dir := folder(t)
	onBackends(t, func(t *testing.T, backend string) {
		p := start(t, "-backend", backend, dir)
		if !strings.Contains(p.greets, " from "+dir+" over ") {
			t.Errorf("the first line is %q", p.greets)
		}
		c := client(t)
		want(t, c, "GET", p.url, 200, "text/html; charset=utf-8", "<h1>top</h1>")
		want(t, c, "HEAD", p.url, 200, "text/html; charset=utf-8", "")
		want(t, c, "GET", p.url+"docs/one.txt", 200, "text/plain; charset=utf-8", "one")
		want(t, c, "GET", p.url+"docs/two%20&%203", 200, "*", "two")
		list := want(t, c, "GET", p.url+"docs/", 200, "text/html; charset=utf-8", "*")
		for _, name := range []string{"one.txt", "two &amp; 3", "sub/"} {
			if !strings.Contains(list, ">"+name+"<") {
				t.Errorf("the list has no %s:\n%s", name, list)
			}
		}
		if strings.Contains(list, "hidden") {
			t.Errorf("the list has what is hidden:\n%s", list)
		}
		for _, path := range []string{"docs/.hidden", ".git/config", "none", "plaintext", "stats"} {
			want(t, c, "GET", p.url+path, 404, "*", "*")
		}
		want(t, c, "POST", p.url, 405, "*", "*")
		if got := p.stop(); got.status != 0 || !strings.Contains(got.stdout, "of the folder") {
			t.Errorf("the end = %+v, want status 0, and what the folder takes", got)
		}
	})
	// The folder may come first, and lists can be had without.
	p := &program{t: t}
	r := bufio.NewReader(p.launch("serve", dir, "-addr", "127.0.0.1:0", "-no-list"))
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	p.collect(r)
	_, url, _ := strings.Cut(line, "serving ")
	url, _, _ = strings.Cut(url, " ")
	c := client(t)
	want(t, c, "GET", url, 200, "*", "<h1>top</h1>")
	want(t, c, "GET", url+"docs/", 404, "*", "*")
}

func TestHello(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := start(t, "-backend", backend)
		c := client(t)
		const kind = "text/plain; charset=utf-8"
		want(t, c, "GET", p.url+"hello/squid", 200, kind, "Hello, squid!\n")
		want(t, c, "GET", p.url+"hello/%3Cb%3E%20%C3%9F", 200, kind, "Hello, <b> ß!\n")
		want(t, c, "GET", p.url+"hello/a/b", 404, "*", "*")
		want(t, c, "POST", p.url+"hello/a", 405, "*", "*")
	})
}

func TestFiles(t *testing.T) {
	p := start(t)
	c := client(t)
	for name, size := range map[string]int{"10k.txt": 10 << 10, "1m.txt": 1 << 20} {
		b := want(t, c, "GET", p.url+"files/"+name, 200, "text/plain; charset=utf-8", "*")
		if len(b) != size || b[63] != '\n' || b[:8] != "0000000 " || !strings.HasPrefix(b[size-64:], fmt.Sprintf("%07d ", size/64-1)) {
			t.Errorf("%s has %d bytes, want %d in numbered lines of 64", name, len(b), size)
		}
	}
	want(t, c, "GET", p.url+"files/none", 404, "*", "*")
}

func TestEvents(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := start(t, "-backend", backend, "-workers", "1", "-spare", "0")
		// next reads an event's ID and data.
		next := func(r *bufio.Reader) (id, data string) {
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
				switch {
				case name == "id":
					id = value
				case name == "data":
					data = value
				case name == "" && data != "":
					return id, data
				}
			}
		}
		var conns []net.Conn
		listen := func(last string) *bufio.Reader {
			conn := dial(t, p)
			conns = append(conns, conn)
			io.WriteString(conn, "GET /events HTTP/1.1\r\nHost: a\r\n"+last+"\r\n")
			if h := head(t, conn); !strings.HasPrefix(h, "HTTP/1.1 200 ") || !strings.Contains(h, "\r\nContent-Type: text/event-stream") {
				t.Fatalf("the head is %q", h)
			}
			return bufio.NewReader(conn)
		}
		first := listen("")
		id1, data := next(first)
		id2, _ := next(first)
		if len(data) != len("15:04:05") || id1 == "" || id1 == id2 {
			t.Errorf("the first event is %q at %q, the next at %q", data, id1, id2)
		}
		// Who comes again gets what was missed at once, and nobody holds the
		// one worker.
		again := listen("Last-Event-ID: " + id1 + "\r\n")
		if id, _ := next(again); id != id2 {
			t.Errorf("after %q comes %q, want %q", id1, id, id2)
		}
		want(t, client(t), "GET", p.url+"plaintext", 200, "*", hello)
		// The end of the program is one of the content, in order.
		p.signal(os.Interrupt)
		for _, r := range []*bufio.Reader{first, again} {
			if b, err := io.ReadAll(r); err != nil {
				t.Errorf("a listener sees %q and %v, want the end", b, err)
			}
		}
		for _, c := range conns {
			c.Close()
		}
		if got := p.end(); got.status != 0 || !regexp.MustCompile(`timeouts +0\n`).MatchString(got.stdout) {
			t.Errorf("the end = %+v, want status 0 and no timeout", got)
		}
	})
}

func TestUpload(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := start(t, "-backend", backend, "-workers", "1", "-spare", "0", "-worker-memory", "4k")
		c := client(t)
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		w.WriteField("note", "squid")
		long := bytes.Repeat([]byte("tentacle\r\n--"), 200_000)
		f, err := w.CreateFormFile("file", `a "b".bin`)
		if err != nil {
			t.Fatal(err)
		}
		f.Write(long)
		w.CreateFormFile("file", "empty")
		w.Close()
		resp, err := c.Post(p.url+"upload", w.FormDataContentType(), &b)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var parts []struct {
			Name, Filename, Type, SHA256 string
			Size                         int
		}
		if err := json.NewDecoder(resp.Body).Decode(&parts); err != nil || resp.StatusCode != 200 || len(parts) != 3 {
			t.Fatalf("%s, %v, %+v", resp.Status, err, parts)
		}
		for i, x := range []struct {
			name string
			data []byte
		}{{"", []byte("squid")}, {`a "b".bin`, long}, {"empty", nil}} {
			if got := parts[i]; got.Filename != x.name || got.Size != len(x.data) || got.SHA256 != fmt.Sprintf("%x", sha256.Sum256(x.data)) {
				t.Errorf("part %d is %+v, want %q with %d bytes", i, got, x.name, len(x.data))
			}
		}
		for _, x := range []struct {
			name, kind, content string
			code                int
		}{
			{"no form", "text/plain", "squid", 415},
			{"no delimiter given", "multipart/form-data", "squid", 400},
			{"cut off", "multipart/form-data; boundary=b", "--b\r\n", 400},
			{"nothing", "multipart/form-data; boundary=b", "", 400},
		} {
			resp, err := c.Post(p.url+"upload", x.kind, strings.NewReader(x.content))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != x.code {
				t.Errorf("%s: %s, want %d", x.name, resp.Status, x.code)
			}
		}
	})
}

// TestSlowForms has more uploads under way than there are workers, and one more
// than there may be, which is told to come back later. Those who leave make
// room.
func TestSlowForms(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := start(t, "-backend", backend, "-workers", "1", "-spare", "0")
		const text = "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 63\r\n\r\n" +
			"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nsqu"
		const rest = "id\r\n--b--\r\n"
		var slow []*bufio.ReadWriter
		for range mostUploads {
			conn := dial(t, p)
			io.WriteString(conn, text)
			slow = append(slow, bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn)))
		}
		conn := dial(t, p)
		r := bufio.NewReader(conn)
		p.watch(conn, r, func(now map[string]int) bool { return now["stash"] == mostUploads })
		late := dial(t, p)
		io.WriteString(late, text+rest)
		if h := head(t, late); !strings.HasPrefix(h, "HTTP/1.1 503 ") {
			t.Errorf("one more is answered %q, want 503", h)
		}
		for _, s := range slow {
			s.WriteString(rest)
			s.Flush()
			resp, err := http.ReadResponse(s.Reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			if b, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 || !strings.Contains(string(b), `"size":5`) {
				t.Errorf("a slow one is answered %s, %s", resp.Status, b)
			}
		}
		again := dial(t, p)
		io.WriteString(again, text+rest)
		if h := head(t, again); !strings.HasPrefix(h, "HTTP/1.1 200 ") {
			t.Errorf("after them, one is answered %q, want 200", h)
		}
	})
}

func TestHTTPS(t *testing.T) {
	made, err := secure.SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, made, cert, keyFile)
	onBackends(t, func(t *testing.T, backend string) {
		for _, args := range [][]string{{"-tls-self"}, {"-tls-cert", cert, "-tls-key", keyFile}} {
			p := start(t, append(args, "-backend", backend)...)
			if !strings.HasPrefix(p.url, "https://127.0.0.1:") {
				t.Fatalf("the first line is %q", p.greets)
			}
			c := client(t)
			var seen string
			c.Transport.(*http.Transport).TLSClientConfig = &tls.Config{
				InsecureSkipVerify: true, // the certificate is looked at here
				VerifyConnection: func(s tls.ConnectionState) error {
					seen = secure.Fingerprint(tls.Certificate{Certificate: [][]byte{s.PeerCertificates[0].Raw}})
					return s.PeerCertificates[0].VerifyHostname("127.0.0.1")
				},
			}
			page := want(t, c, "GET", p.url, 200, "*", "*")
			if !strings.Contains(page, "curl -d 'squid' "+p.url+"echo") {
				t.Errorf("the page does not have its address")
			}
			echoes(t, c, p.url, 300_000, true)
			want(t, c, "GET", p.url+"files/1m.txt", 200, "*", "*")
			got := p.stop()
			if got.status != 0 || strings.Contains(got.stdout, seen) != (args[0] == "-tls-self") {
				t.Errorf("the end = %+v, want status 0, and the fingerprint %s of what was made", got, seen)
			}
		}
	})
}

// writePair writes a certificate and its key as PEM.
func writePair(t *testing.T, c tls.Certificate, cert, key string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: c.Certificate[0]},
		key:  {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
