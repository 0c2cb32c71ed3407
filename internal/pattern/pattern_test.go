package pattern_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/internal/pattern"
)

// mux adds patterns to a ServeMux, and returns what it panics with.
func mux(patterns ...string) (fault string) {
	defer func() {
		if v := recover(); v != nil {
			fault = fmt.Sprint(v)
		}
	}()
	m := http.NewServeMux()
	for _, p := range patterns {
		m.HandleFunc(p, func(http.ResponseWriter, *http.Request) {})
	}
	return ""
}

func TestParse(t *testing.T) {
	for _, text := range []string{
		"", "/", "GET /", "GET", "GET\t /a", "G,T /a", "host/", "Host.Example/a", "ho{st}/a", "ho st/a",
		"/a/{b}", "/a/{b}/", "/a/{b}c", "/a/b{c}", "/{}", "/{1}", "/{a1}", "/{é}", "/{$}", "/{$}/a", "/a/{$}",
		"/{a...}", "/{a...}/b", "/{...}", "/{a}/{a}", "/{a}/{a...}", "/a//b", "/a/../b", "/a/./b", "/a/..", "CONNECT /a/../b",
		"/%41", "/%4", "/%zz", "/a%2Fb", "/a b", "iPATCH /a",
	} {
		p, why := pattern.Parse(text)
		theirs := mux(text)
		if strings.Contains(text, "//") || strings.Contains(text, "..") && !strings.Contains(text, "{") || strings.Contains(text, "/./") {
			continue // a newer ServeMux refuses some that an older one takes
		}
		// ServeMux takes a space within a path, which no request's has, and
		// an escape that is none.
		if why == "" != (theirs == "") && text != "/a b" && !strings.Contains(text, "%") {
			t.Errorf("%q: %q; ServeMux says %q", text, why, theirs)
		}
		if why == "" && (p.Text != text || len(p.Segments) == 0) {
			t.Errorf("%q: %+v", text, p)
		}
	}
}

func TestParsed(t *testing.T) {
	for _, test := range []struct {
		text, want string
	}{
		{"/", "{[] [] [{ true true}]}"},
		{"GET Example.COM/a/{b}/{c...}", "{[GET] [example.com] [{a false false} {b true false} {c true true}]}"},
		{"/%41%2f/{$}", "{[] [] [{A/ false false} {/ false false}]}"},
		{"/%4/%zz", "{[] [] [{%4 false false} {%zz false false}]}"},
	} {
		p, why := pattern.Parse(test.text)
		if got := fmt.Sprintf("{[%s] [%s] %v}", p.Method, p.Host, p.Segments); got != test.want || why != "" {
			t.Errorf("%q: %s %s, want %s", test.text, got, why, test.want)
		}
	}
}

// TestRelate holds the relation of random pairs to what ServeMux says of them,
// and to itself the other way round.
func TestRelate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	segments := []string{"a", "b", "{x}", "{y}", "{z...}", "{$}", ""}
	methods := []string{"", "GET ", "HEAD ", "PUT "}
	hosts := []string{"", "", "h"}
	random := func() string {
		s := methods[rng.IntN(len(methods))] + hosts[rng.IntN(len(hosts))]
		for n := 1 + rng.IntN(3); n > 0; n-- {
			g := segments[rng.IntN(len(segments))]
			if s += "/" + g; g == "" || g == "{$}" || g == "{z...}" {
				break
			}
		}
		return s
	}
	seen := map[pattern.Relation]int{}
	for range 20000 {
		a, b := random(), random()
		p, why := pattern.Parse(a)
		q, why2 := pattern.Parse(b)
		if why != "" || why2 != "" {
			continue
		}
		r, back := p.Relate(&q), q.Relate(&p)
		seen[r]++
		want := r
		switch r {
		case pattern.General:
			want = pattern.Special
		case pattern.Special:
			want = pattern.General
		}
		if back != want {
			t.Fatalf("%q is %d to %q, which is %d to it", a, r, b, back)
		}
		if fault := mux(a, b); r.Conflict() != "" != strings.Contains(fault, "conflicts with") {
			t.Fatalf("%q and %q: %q; ServeMux says %q", a, b, r.Conflict(), fault)
		}
	}
	if len(seen) != 5 {
		t.Errorf("relations seen: %v", seen)
	}
}

func TestIsUnclean(t *testing.T) {
	for path, want := range map[string]bool{
		"": true, "a": true, "/": false, "/a": false, "/a/": false, "/.a": false, "/..a": false, "/...": false, "/a.": false,
		"//": true, "/a//b": true, "/.": true, "/./": true, "/a/.": true, "/..": true, "/../a": true, "/a/..": true, "/a/../b": true,
	} {
		if got := pattern.IsUnclean([]byte(path)); got != want {
			t.Errorf("%q: %v", path, got)
		}
	}
}
