package static

import (
	"mime"
	"slices"
	"testing"
)

func TestTypeOf(t *testing.T) {
	for name, want := range map[string]string{
		"a.html": "text/html; charset=utf-8", "a.HTML": "text/html; charset=utf-8", "dir.html/a": Octets, "a": Octets, "": Octets, ".": Octets, "a.": Octets,
		"a.b.css": "text/css; charset=utf-8", "a.7z": "application/x-7z-compressed", "a.zst": "application/zstd", "a.unknown": Octets, ".html": "text/html; charset=utf-8",
		"a.jsonx": Octets, "a.jso": Octets, "html": Octets, "a.woff2": "font/woff2",
	} {
		if got := TypeOf(name); got != want {
			t.Errorf("TypeOf(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestMediaTypes are sorted, and can be sent.
func TestMediaTypes(t *testing.T) {
	for i, m := range mediaTypes {
		if i > 0 && m.ext <= mediaTypes[i-1].ext {
			t.Errorf("%q is out of order", m.ext)
		}
		if _, _, err := mime.ParseMediaType(m.mediaType); err != nil || !validType(m.mediaType) {
			t.Errorf("%q: %q: %v", m.ext, m.mediaType, err)
		}
		if TypeOf("x."+m.ext) != m.mediaType {
			t.Errorf("%q is not found", m.ext)
		}
	}
	if !slices.ContainsFunc(mediaTypes[:], func(m struct{ ext, mediaType string }) bool { return m.ext == "html" }) {
		t.Error("no HTML")
	}
}
