package http1_test

import (
	"reflect"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
)

func TestFields(t *testing.T) {
	var h http1.Head
	b := []byte("GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB:\r\na: 2\r\nAb: 3\r\nA: 4\r\n\r\n")
	if done, err := keepAll().Parse(&h, b); !done || err != nil {
		t.Fatal(done, err)
	}
	for _, c := range []struct {
		name string
		want []byte
	}{
		{"A", []byte("1")}, {"a", []byte("1")}, {"aB", []byte("3")}, {"B", []byte{}}, {"HOST", []byte("x")},
		{"C", nil}, {"", nil}, {"Abc", nil},
	} {
		if got := h.Get(b, c.name); !reflect.DeepEqual(got, c.want) {
			t.Errorf("Get(%q) = %q, want %q", c.name, got, c.want)
		}
	}
	var all []string
	for i := h.Next(b, "a", 0); i >= 0; i = h.Next(b, "a", i+1) {
		n, v := h.Field(b, i)
		all = append(all, string(n)+string(v))
	}
	if want := []string{"A1", "a2", "A4"}; !reflect.DeepEqual(all, want) {
		t.Errorf("Next finds %v, want %v", all, want)
	}
}

func TestEmpty(t *testing.T) {
	p := keepAll()
	for _, c := range []struct {
		in   string
		want bool
	}{
		{"", true}, {"\r", true}, {"\r\n", true}, {"\r\n\r", true}, {"\r\nG", false}, {"G", false},
		{"\x16", false}, {"GET / HTTP/1.0\r\n\r\n", false},
	} {
		var h http1.Head
		p.Parse(&h, []byte(c.in))
		if h.Empty() != c.want {
			t.Errorf("Empty after %q = %v, want %v", c.in, h.Empty(), c.want)
		}
	}
}

// A Head that is used again knows nothing of what it was.
func TestReset(t *testing.T) {
	for _, in := range []string{
		"GET / HTTP/1.0\r\n\r\n", "GET /a?b HTTP/1.1\r\nHost: y\r\n\r\n", "GET http://z HTTP/1.1\r\nHost: y\r\n\r\n",
		"\r\nOPTIONS * HTTP/1.1\r\nHost: y\r\n\r\n", "CONNECT y:1 HTTP/1.0\r\n\r\n", "POST / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"\r\n\r\nGET / HTTP/1.1\r\nHost: y\r\nExpect: 100-continue\r\n\r\n",
	} {
		var fresh http1.Head
		used := rubbish()
		used.Reset()
		if !used.Empty() || used.Scanned() != 0 || used.Target(nil) != nil || used.Query(nil) != nil ||
			len(used.MethodName(nil)) != 0 || len(used.Path(nil)) != 0 || used.NumFields() != 0 || used.Host(nil) != nil {
			t.Error("a Head that was reset is not empty")
		}
		b := []byte(in)
		p := keepAll()
		p.Limits.Head = len(in) // nothing dropped before counts
		p.Parse(&fresh, b)
		p.Parse(used, b)
		if got, want := describe(used, b), describe(&fresh, b); got != want {
			t.Errorf("%q in a used Head\n got %s\nwant %s", in, got, want)
		}
		if y := used.Body(); !y.Done() {
			t.Errorf("%q in a used Head has content", in)
		}
	}
}

// What is known before the head is complete can be asked for, for an error's
// log line.
func TestEarlyViews(t *testing.T) {
	const in = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
	for i := range len(in) + 1 {
		var h http1.Head
		b := []byte(in[:i])
		keepAll().Parse(&h, b)
		m, target := http1.MethodUnset, ""
		if i > 3 {
			m = http1.GET
		}
		if i > 6 {
			target = "/a"
		}
		if h.Method() != m || string(h.Target(b)) != target {
			t.Errorf("after %d bytes: %v %q, want %v %q", i, h.Method(), h.Target(b), m, target)
		}
		// None of these may panic, whatever was seen.
		describe(&h, b)
	}
}
