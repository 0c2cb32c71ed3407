package http1_test

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
)

// The table of known names is perfect, and says what it must be if it is not.
func TestKnownIndex(t *testing.T) {
	var want [128]int
	for id := 1; id < http1.NumIDs; id++ {
		name := http1.KnownNames[id]
		h := http1.HashName(name)
		if want[h] != 0 {
			t.Fatalf("%s and %s collide: search for other factors", name, http1.KnownNames[want[h]])
		}
		want[h] = id
		for _, n := range []string{name, strings.ToUpper(name)} {
			if got := http1.Lookup(n); got != id {
				t.Errorf("lookup(%q) = %d, want %d", n, got, id)
			}
		}
		if name != strings.ToLower(name) || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") != "" {
			t.Errorf("%q has other characters than small letters and hyphens", name)
		}
		// One byte changed is another name.
		for i := range len(name) {
			for c := range 128 {
				b := []byte(name)
				b[i] = byte(c)
				if !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) && !('0' <= c && c <= '9') {
					continue
				}
				if c != int(name[i]) && http1.Lookup(string(b)) == id {
					t.Errorf("lookup(%q) is that of %q", b, name)
				}
			}
		}
	}
	for h, id := range http1.KnownIndex {
		if int(id) != want[h] {
			t.Fatalf("knownIndex must be %v", want)
		}
	}
}

func TestFieldSet(t *testing.T) {
	def, all, none := http1.DefaultFields(), http1.AllFields(), http1.FieldSet{}
	for _, c := range []struct {
		name string
		def  bool
	}{
		{"Content-Type", true}, {"content-encoding", true}, {"Content-Language", true}, {"Authorization", true},
		{"Origin", true}, {"If-Match", true}, {"If-None-Match", true}, {"If-Modified-Since", true},
		{"If-Unmodified-Since", true}, {"If-Range", true}, {"Range", true}, {"Last-Event-ID", true},
		{"Upgrade", true}, {"Sec-WebSocket-Key", true}, {"Sec-WebSocket-Version", true},
		{"Sec-WebSocket-Protocol", true}, {"Sec-WebSocket-Extensions", true}, {"Accept-Encoding", true},
		{"Access-Control-Request-Method", true}, {"Access-Control-Request-Headers", true},
		{"Access-Control-Request-Private-Network", true},
		{"Cookie", false}, {"User-Agent", false}, {"Accept", false}, {"Accept-Language", false},
		{"Referer", false}, {"Sec-Fetch-Mode", false}, {"Connection", false}, {"Content-Length", false},
		{"Transfer-Encoding", false}, {"Expect", false}, {"X-Anything", false}, {"Date", false},
	} {
		if def.Has(c.name) != c.def {
			t.Errorf("DefaultFields has %s: %v", c.name, !c.def)
		}
		if !all.Has(c.name) {
			t.Errorf("AllFields has no %s", c.name)
		}
		if none.Has(c.name) {
			t.Errorf("the empty set has %s", c.name)
		}
		if err := none.Add(); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "a b", "a:", "\x80"} {
		if all.Has(name) {
			t.Errorf("AllFields has %q, which is no name", name)
		}
	}
}

func TestFieldSetAdd(t *testing.T) {
	var s http1.FieldSet
	if err := s.Add("Cookie", "X-Token", "x-token", strings.Repeat("n", 64+7)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"cookie": true, "X-TOKEN": true, "X-Tokem": false, "X-Tokens": false,
		strings.Repeat("N", 64+7): true, strings.Repeat("n", 7): false,
	} {
		if s.Has(name) != want {
			t.Errorf("Has(%q) = %v", name, !want)
		}
	}
	for _, name := range []string{"", "a b", "a:", "a\r\n", "\xC3\xA9", strings.Repeat("n", http1.MaxFieldName+1)} {
		if err := s.Add(name); err != http1.ErrFieldName {
			t.Errorf("Add(%q) = %v, want %v", name, err, http1.ErrFieldName)
		}
	}
	for i := 2; i < http1.MaxOtherNames; i++ {
		if err := s.Add("N-" + string(rune('a'+i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Add("One-More"); err != http1.ErrFieldSetFull {
		t.Errorf("Add to a full set = %v, want %v", err, http1.ErrFieldSetFull)
	}
	if err := s.Add("Accept", "x-token"); err != nil {
		t.Errorf("Add of a known name and one that is there = %v", err)
	}
}

func TestKeep(t *testing.T) {
	p := &http1.Parser{}
	if err := p.Keep.Add("Cookie", "X-Token"); err != nil {
		t.Fatal(err)
	}
	accept(t, p, "GET / HTTP/1.1\r\nA: b\r\nCOOKIE: c\r\nAccept: d\r\nX-Other: e\r\nx-token: f\r\nX-TokeN: g\r\nX-Tokem: h\r\nHost: x\r\n\r\n",
		`GET HTTP/1.1 origin "/" path "/" host "x" keep-alive|COOKIE=c|x-token=f|X-TokeN=g|Host=x`)
}
