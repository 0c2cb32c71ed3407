package static

import "github.com/bobtail-go/bobtail/internal/ascii"

// Octets is the media type of what is not known: no browser shows it.
const Octets = "application/octet-stream"

const text = "; charset=utf-8"

// mediaTypes are the types of extensions, which are sorted. Text is in UTF-8.
// What is missing is Octets: content is never looked at to guess, since a
// guess turns what somebody has uploaded into a page of the site.
var mediaTypes = [...]struct{ ext, mediaType string }{
	{"7z", "application/x-7z-compressed"},
	{"aac", "audio/aac"},
	{"apng", "image/apng"},
	{"atom", "application/atom+xml"},
	{"avif", "image/avif"},
	{"bmp", "image/bmp"},
	{"br", Octets},
	{"bz2", "application/x-bzip2"},
	{"css", "text/css" + text},
	{"csv", "text/csv" + text},
	{"epub", "application/epub+zip"},
	{"flac", "audio/flac"},
	{"gif", "image/gif"},
	{"glb", "model/gltf-binary"},
	{"gltf", "model/gltf+json"},
	{"gz", "application/gzip"},
	{"htm", "text/html" + text},
	{"html", "text/html" + text},
	{"ico", "image/vnd.microsoft.icon"},
	{"ics", "text/calendar" + text},
	{"jpeg", "image/jpeg"},
	{"jpg", "image/jpeg"},
	{"js", "text/javascript" + text}, // RFC 9239
	{"json", "application/json"},
	{"jsonld", "application/ld+json"},
	{"jxl", "image/jxl"},
	{"log", "text/plain" + text},
	{"m3u8", "application/vnd.apple.mpegurl"},
	{"m4a", "audio/mp4"},
	{"map", "application/json"},
	{"md", "text/markdown" + text},
	{"mjs", "text/javascript" + text},
	{"mov", "video/quicktime"},
	{"mp3", "audio/mpeg"},
	{"mp4", "video/mp4"},
	{"oga", "audio/ogg"},
	{"ogg", "audio/ogg"},
	{"ogv", "video/ogg"},
	{"opus", "audio/ogg"},
	{"otf", "font/otf"},
	{"pdf", "application/pdf"},
	{"png", "image/png"},
	{"rss", "application/rss+xml"},
	{"svg", "image/svg+xml"},
	{"tar", "application/x-tar"},
	{"ts", "video/mp2t"},
	{"ttf", "font/ttf"},
	{"txt", "text/plain" + text},
	{"vtt", "text/vtt" + text},
	{"wasm", "application/wasm"},
	{"wav", "audio/wav"},
	{"weba", "audio/webm"},
	{"webm", "video/webm"},
	{"webmanifest", "application/manifest+json"},
	{"webp", "image/webp"},
	{"woff", "font/woff"},
	{"woff2", "font/woff2"},
	{"xhtml", "application/xhtml+xml"},
	{"xml", "text/xml" + text},
	{"xz", "application/x-xz"},
	{"yaml", "application/yaml"}, // RFC 9512
	{"yml", "application/yaml"},
	{"zip", "application/zip"},
	{"zst", "application/zstd"}, // RFC 8878
}

// TypeOf is the media type of a file by the extension of its name, in upper or
// lower case, and Octets if that is not known.
func TypeOf(name string) string {
	i := len(name)
	for i > 0 && name[i-1] != '.' && name[i-1] != '/' {
		i--
	}
	if i == 0 || name[i-1] != '.' {
		return Octets
	}
	ext := name[i:]
	low, high := 0, len(mediaTypes)
	for low < high {
		mid := int(uint(low+high) >> 1)
		switch c := compareFold(ext, mediaTypes[mid].ext); {
		case c == 0:
			return mediaTypes[mid].mediaType
		case c < 0:
			high = mid
		default:
			low = mid + 1
		}
	}
	return Octets
}

// compareFold compares a in any case with b in lower case.
func compareFold(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if c := ascii.Lower(a[i]); c != b[i] {
			return int(c) - int(b[i])
		}
	}
	return len(a) - len(b)
}

// maxType is the longest media type that is taken, in bytes, so that it fits
// into the head of a part.
const maxType = 127

// validType reports whether s can be sent as a media type.
func validType(s string) bool {
	if len(s) > maxType {
		return false
	}
	slash := false
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
		slash = slash || s[i] == '/' && i > 0 && i < len(s)-1
	}
	return slash || s == ""
}
