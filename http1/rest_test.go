//go:build !tinygo

package http1_test

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
)

// TestAppendRest holds the rest of a response in one step to the steps, for every
// kind of response, and sees that it takes those that most are, and no others.
func TestAppendRest(t *testing.T) {
	date := string(http1.AppendDate(nil, 784111777))
	for _, method := range []http1.Method{http1.GET, http1.HEAD, http1.CONNECT, http1.MethodUnset} {
		for _, version := range []http1.Version{http1.VersionUnset, http1.Version10, http1.Version11} {
			for _, code := range []int{200, 201, 204, 205, 304, 404, 999} {
				for _, field := range []string{"", "Date", "Connection", "Content-Length", "content-type", "X-Own"} {
					for _, date := range []string{"", date, date[1:], "\x01" + date[1:], date[:28] + "\n"} {
						for _, parts := range [][]string{nil, {""}, {"a"}, {"123456789"}, {"1234567890"}, {"a", "b"}, {strings.Repeat("c", 99)}, {strings.Repeat("c", 99), "d"}} {
							for _, keep := range []bool{true, false} {
								compareRest(t, method, version, code, field, date, parts, keep)
							}
						}
					}
				}
			}
		}
	}
}

func compareRest(t *testing.T, method http1.Method, version http1.Version, code int, field, date string, parts []string, keep bool) {
	t.Helper()
	var d []byte
	if date != "" {
		d = []byte(date)
	}
	var r http1.Response
	r.Init(method, version, keep)
	head, err := r.AppendStatus(nil, code, "")
	if err != nil {
		t.Fatal(err)
	}
	if field != "" {
		value := map[string]string{"Date": strings.Repeat("d", 29), "Connection": "close", "Content-Length": "1"}[field]
		if head, err = r.AppendField(head, field, value); err != nil {
			return // there is no such response
		}
	}
	steps := r
	got, ok := r.AppendRest(head[:len(head):len(head)], d, parts...)
	usual := method != http1.HEAD && version != http1.Version10 && keep && code != 204 && code != 205 && code != 304 && !(method == http1.CONNECT && code < 300) &&
		(field == "" || field == "content-type" || field == "X-Own") && (date == "" || len(date) == 29 && date[0] == 'S' && date[28] == 'T')
	if ok != usual {
		t.Fatalf("%v %v %d %q %q %q: %v", method, version, code, field, date, parts, ok)
	}
	if !ok {
		if r != steps || len(got) != len(head) {
			t.Fatalf("%v %v %d %q: changed what it does not take", method, version, code, field)
		}
		return
	}
	content := strings.Join(parts, "")
	want, err := steps.AppendLength(head[:len(head):len(head)], uint64(len(content)))
	if err == nil {
		want, err = steps.AppendEnd(want, d)
	}
	if err == nil {
		want, err = steps.AppendContent(want, []byte(content))
	}
	if err == nil {
		want, err = steps.AppendFinish(want)
	}
	if err != nil || string(got) != string(want) || r != steps {
		t.Fatalf("%q %+v, want %q %+v, %v", got, r, want, steps, err)
	}
}

func BenchmarkAppendRest(b *testing.B) {
	date := http1.AppendDate(nil, 784111777)
	dst := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		var r http1.Response
		r.Init(http1.GET, http1.Version11, true)
		w, _ := r.AppendStatus(dst, 200, "")
		w, _ = r.AppendField(w, "Content-Type", "text/plain; charset=utf-8")
		if _, ok := r.AppendRest(w, date, "Hello, World!"); !ok {
			b.Fatal("not taken")
		}
	}
}
