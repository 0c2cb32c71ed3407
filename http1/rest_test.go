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
	content := strings.Join(parts, "")
	room := http1.MaxLengthSize + http1.MaxEndSize + len(content)
	var e http1.Ending
	e.Set([]byte("Thu, 01 Jan 1970 00:00:00 GMT"))
	if len(parts) > 0 { // it has ended others
		before := steps
		before.AppendRest(make([]byte, 0, 500), &e, parts[1:]...)
	}
	if e.Set(d) != (date == "" || date[0] == 'S' && date[len(date)-1] == 'T') {
		t.Fatalf("a date of %q", date)
	}
	if _, ok := r.AppendRest(append(make([]byte, 0, len(head)+room-1), head...), &e, parts...); ok || r != steps {
		t.Fatalf("%v %v %d %q: taken without room for it", method, version, code, parts)
	}
	if _, ok := r.AppendRest(append(make([]byte, 0, len(head)+room), head...), new(http1.Ending), parts...); ok || r != steps {
		t.Fatalf("%v %v %d %q: taken without an end", method, version, code, parts)
	}
	got, ok := r.AppendRest(append(make([]byte, 0, len(head)+room), head...), &e, parts...)
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

// TestAppendType holds a Content-Type, which has a way of its own, to one with a name
// that has none.
func TestAppendType(t *testing.T) {
	values := []string{"", "a", "a/b", "text/css", "text/html", "text/html; charset=utf-8", "a\tb; c=d", strings.Repeat("v", 500)}
	for n := range 40 {
		for i := range n {
			for _, c := range "\x00\t\n\r\x1f\x7f\u0080" {
				values = append(values, strings.Repeat("v", i)+string(c)+strings.Repeat("v", n-i-1))
			}
		}
	}
	for _, v := range values {
		for _, room := range []int{0, len("Content-Type: \r\n") + len(v) - 1, len("Content-Type: \r\n") + len(v), 1000} {
			for _, code := range []int{0, 103, 200} {
				got, err := typed(t, "Content-Type", v, code, room)
				want, wantErr := typed(t, "content-type", v, code, room)
				if err != wantErr || !strings.EqualFold(got, want) || strings.Contains(got, "content-type") {
					t.Fatalf("%q: %q %v, want %q %v", v, got, err, want, wantErr)
				}
			}
		}
	}
}

func typed(t *testing.T, name, value string, code, room int) (string, error) {
	t.Helper()
	var r http1.Response
	r.Init(http1.GET, http1.Version11, true)
	var head []byte
	var err error
	switch code {
	case 103:
		head, err = r.AppendInformational(nil, code, "")
	case 200:
		head, err = r.AppendStatus(nil, code, "")
	}
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 0, len(head)+room)
	head, err = r.AppendField(append(b, head...), name, value)
	return string(head), err
}

func BenchmarkAppendRest(b *testing.B) {
	date := http1.AppendDate(nil, 784111777)
	dst := make([]byte, 0, 512)
	var e http1.Ending
	b.ReportAllocs()
	for b.Loop() {
		e.Set(date)
		var r http1.Response
		r.Init(http1.GET, http1.Version11, true)
		w, _ := r.AppendStatus(dst, 200, "")
		w, _ = r.AppendField(w, "Content-Type", "text/plain; charset=utf-8")
		if _, ok := r.AppendRest(w, &e, "Hello, World!"); !ok {
			b.Fatal("not taken")
		}
	}
}
