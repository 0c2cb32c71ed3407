package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
)

// described is a part in an answer.
type described struct {
	Name     string
	Filename *string
	Type     string
	Size     int
	SHA256   string
}

func start(t *testing.T, f *files) string {
	t.Helper()
	srv, err := newServer(bobtail.Config{Sockets: 2 * uploads, Workers: 1, Spare: 1, WorkerMemory: 4096, Stash: 2 * uploads}, f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	addr, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	return "http://" + addr.String()
}

// sending is an upload under way.
type sending struct {
	*multipart.Writer
	file   io.Writer
	pipe   *io.PipeWriter
	answer chan string
}

// begin sends a field, and the beginning of a file.
func begin(t *testing.T, url string) *sending {
	t.Helper()
	r, w := io.Pipe()
	s := &sending{Writer: multipart.NewWriter(w), pipe: w, answer: make(chan string, 1)}
	go func() {
		resp, err := http.Post(url, s.FormDataContentType(), r)
		r.Close() // a server that refuses does not read on
		if err != nil {
			s.answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			b = []byte(err.Error())
		}
		s.answer <- fmt.Sprint(resp.StatusCode, " ", string(b))
	}()
	if err := s.WriteField("note", "é\r\n"); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.file, err = s.CreateFormFile("file", `C:\"tentacle".bin`); err != nil {
		t.Fatal(err)
	}
	return s
}

// end sends the end, and wants an answer.
func (s *sending) end(t *testing.T, want []described) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.pipe.Close()
	answer := <-s.answer
	var got []described
	text, ok := strings.CutPrefix(answer, "200 ")
	if err := json.Unmarshal([]byte(text), &got); !ok || err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the answer is %q, %v, want %+v", answer, err, want)
	}
}

func sum(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

func TestUpload(t *testing.T) {
	url := start(t, newFiles()) + "/upload"

	// Eight uploads of two megabytes are under way at once, on one worker of
	// four kilobytes.
	const parallel, pieces = 8, 500
	piece := bytes.Repeat([]byte("\r\n--tentacle"), 350)
	name := `C:\"tentacle".bin`
	want := []described{
		{Name: "note", Size: 4, SHA256: sum([]byte("é\r\n"))},
		{Name: "file", Filename: &name, Type: "application/octet-stream", Size: pieces * len(piece), SHA256: sum(bytes.Repeat(piece, pieces))},
	}
	var all []*sending
	for range parallel {
		all = append(all, begin(t, url))
	}
	for range pieces {
		for _, s := range all {
			if _, err := s.file.Write(piece); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, s := range all {
		s.end(t, want)
	}
}

// TestTable has all uploads under way that there may be, and one more.
func TestTable(t *testing.T) {
	f := newFiles()
	url := start(t, f) + "/upload"
	var all []*sending
	piece := make([]byte, 8<<10)
	for range uploads {
		s := begin(t, url)
		if _, err := s.file.Write(piece); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	for free := 1; free > 0; runtime.Gosched() {
		f.mu.Lock()
		free = len(f.free)
		f.mu.Unlock()
	}
	post := func() (int, string) {
		t.Helper()
		resp, err := http.Post(url, "multipart/form-data; boundary=b", strings.NewReader("--b--"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	if code, text := post(); code != 503 {
		t.Errorf("one upload more is answered %d, %q", code, text)
	}
	name := `C:\"tentacle".bin`
	for _, s := range all {
		s.end(t, []described{
			{Name: "note", Size: 4, SHA256: sum([]byte("é\r\n"))},
			{Name: "file", Filename: &name, Type: "application/octet-stream", Size: len(piece), SHA256: sum(piece)},
		})
	}
	// All are free again.
	for range 2 * uploads {
		if code, text := post(); code != 200 || text != "[]" {
			t.Fatalf("no parts are answered %d, %q", code, text)
		}
	}
}

func TestRefusals(t *testing.T) {
	site := start(t, newFiles())
	const typeB = "multipart/form-data; boundary=b"
	part := "--b\r\nContent-Disposition: form-data; name=\"" + strings.Repeat("\x7E", 400) + "\"\r\n\r\n\r\n"
	for range 2 * uploads / 8 { // often enough to notice an upload that is not given back
		for _, v := range []struct {
			name, contentType, content string
			want                       int
		}{
			{"another type", "text/plain", "x", 415},
			{"no boundary", "multipart/form-data", "x", 400},
			{"nothing", typeB, "", 400},
			{"cut off", typeB, "--b\r\n", 400},
			{"malformed", typeB, "--b\r\nx\r\n\r\n", 400},
			{"too many parts", typeB, strings.Repeat("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n", maxParts+1) + "--b--", 413},
			{"names too long", typeB, strings.Repeat(part, maxParts) + "--b--", 413},
			{"longer name still", typeB, strings.Replace(part, "~", strings.Repeat("~", 1000), 1) + "--b--", 413},
		} {
			resp, err := http.Post(site+"/upload", v.contentType, strings.NewReader(v.content))
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode != v.want {
				t.Fatalf("%s is answered %d, want %d", v.name, resp.StatusCode, v.want)
			}
		}
	}
	resp, err := http.Get(site)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != page {
		t.Errorf("the page is %q, %v", b, err)
	}
}
