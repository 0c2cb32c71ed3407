package static

import (
	"fmt"
	"hash/fnv"
	"testing"
)

func TestHash(t *testing.T) {
	for _, s := range []string{"", "a", "foobar", large} {
		h := newHash()
		h.add(s)
		want := fnv.New128a()
		want.Write([]byte(s))
		if got := fmt.Sprintf("%016x%016x", h.high, h.low); got != fmt.Sprintf("%x", want.Sum(nil)) {
			t.Errorf("%.10q: %s, want %x", s, got, want.Sum(nil))
		}
	}
}

func TestTagOf(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range [][3]string{{"", "", ""}, {"a", "", ""}, {"", "a", ""}, {"", "", "a"}, {"ab", "", ""}, {"a", "b", ""}, {"a", "b", "c"}} {
		tag := TagOf(s[0], s[1], s[2])
		if !validTag(tag) || seen[tag] || len(tag) != 34 {
			t.Errorf("%q: %s", s, tag)
		}
		seen[tag] = true
	}
}
