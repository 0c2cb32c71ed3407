package static

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/http1"
)

// The entry that the tables ask for.
const (
	tag      = `"abc"`
	modified = 784111777
	imf      = "Sun, 06 Nov 1994 08:49:37 GMT"
	before   = "Sun, 06 Nov 1994 08:49:36 GMT"
	after    = "Sun, 06 Nov 1994 08:49:38 GMT"
)

// asked are the values of fields that the tables put together; "" is a field
// that is not sent.
var asked = map[string][]string{
	"Range": {
		"", "bytes=0-", "bytes=0-0", "bytes=0-9", "bytes=2-5", "bytes=5-", "bytes=9-", "bytes=9-100", "bytes=-1", "bytes=-5", "bytes=-10", "bytes=-11",
		"bytes=0-100", "bytes=0-99999999999999999999", "bytes=99999999999999999999-", "bytes=10-", "bytes=10-20", "bytes=-0", "bytes=-00", "bytes=5-4", "bytes=5-04", "bytes=05-6", "bytes=-", "bytes=",
		"bytes", "bytes=a-b", "bytes=1-2x", "bytes=1", "bytes=--1", "bytes=+1-2", "lines=1-2", "Bytes=1-2", "bytes =1-2", " bytes=1-2", "bytes= 1-2", "bytes=1 -2", "bytes=1- 2",
		"bytes=1-2 ", "bytes=,1-2", "bytes=1-2,", "bytes=1-2,,3-4", "bytes=0-0,2-2", "bytes=0-0, 2-2", "bytes=2-2,0-0", "bytes=0-0,-1", "bytes=0-0,20-", "bytes=20-,30-",
		"bytes=0-5,2-3", "bytes=0-4,5-9", "bytes=0-9,0-9", "bytes=0-0,0-0", "bytes=0-0,0-0,0-0", "bytes=0-1,1-2,2-3", "bytes=0-0,1-1,2-2,3-3", "bytes=0-0,x", "bytes=0-0,-0",
		"bytes=" + strings.TrimSuffix(strings.Repeat("0-0,", 17), ","), "bytes=" + strings.TrimSuffix(strings.Repeat("20-,", 17), ","),
	},
	"If-Range":            {"", tag, `"abd"`, `W/"abc"`, imf, before, after, "x", tag + ", " + tag, `"abc`},
	"If-Match":            {"", "*", tag, `W/"abc"`, `"x"`, `"x", "abc"`, `"x","abc"`, `"x" "abc"`, "abc", ` ,"abc"`, `"ab`, `"a b", "abc"`, "*x"},
	"If-None-Match":       {"", "*", tag, `W/"abc"`, `"x"`, `"x", "abc"`, `"x",W/"abc","y"`, `"x" "abc"`, "abc", `,,"abc"`, `"ab`, `"a,b", "abc"`, `"abcd"`, `w/"abc"`, "*x", `"x",*`},
	"If-Modified-Since":   {"", imf, before, after, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:36 1994", "x", imf + ", " + imf},
	"If-Unmodified-Since": {"", imf, before, after, "Sunday, 06-Nov-94 08:49:36 GMT", "Sun Nov  6 08:49:38 1994", "x"},
}

// set puts a field where Decide wants it.
func set(c *Conditions, name, value string) {
	if value == "" {
		return
	}
	to := map[string]*[]byte{
		"Range": &c.Range, "If-Range": &c.IfRange, "If-Match": &c.IfMatch, "If-None-Match": &c.IfNoneMatch,
		"If-Modified-Since": &c.IfModifiedSince, "If-Unmodified-Since": &c.IfUnmodifiedSince, "Accept-Encoding": &c.AcceptEncoding,
	}[name]
	*to = bytes.Clone([]byte(value)) // cap is len
}

func trim(s string) string { return strings.Trim(s, " \t") }

// differs is why package http answers otherwise, "" if it must not. RFC 9110
// is the judge.
func differs(method string, h http.Header, size int) string {
	r := h.Get("Range")
	switch unit, set, found := strings.Cut(r, "="); {
	case r == "":
	case method == "HEAD":
		return "14.2: ranges are defined for GET alone; package http has them for HEAD"
	case !strings.EqualFold(unit, "bytes") || !found:
		return "14.2: a unit that is not understood must be ignored; package http answers 416"
	case size == 0 && strings.Contains(set, "-"):
		return "14.1.2: nothing of no bytes is satisfiable, and the whole is sent; package http sends a part of no bytes for a suffix"
	case unit != "bytes":
		return "14.1: names of units are case-insensitive; package http answers 416"
	case strings.Trim(set, ", \t") == "":
		return "14.2: an invalid specifier may be ignored; package http sends the whole, too, or an empty answer"
	case emptySuffix(set):
		return "14.1.2: a suffix of no bytes is unsatisfiable; package http sends a part of no bytes"
	case badRange(set):
		return "14.2: an invalid specifier may be ignored, so the client gets on; package http answers 416"
	case strings.Count(set, ",") >= MaxRanges, overlapping(set, size) > 1:
		return "14.2: many overlapping or small ranges are ignored; package http bounds their sum alone"
	case strings.Contains(set, " -"), strings.Contains(set, "- "):
		return "14.1.2: no white space is in a range; package http trims it"
	}
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if v := h.Get(name); v != "*" && strings.Contains(v, "*") {
			return "13.1.1: * stands alone; package http takes whatever begins with it, also in a list"
		}
	}
	if v := h.Get("If-Range"); v != "" && (scanTag([]byte(v)) != len(v)) {
		if _, ok := parseDate([]byte(v)); !ok {
			return "13.1.5: If-Range is one tag or date; package http looks at the first tag"
		}
	}
	return ""
}

func emptySuffix(set string) bool {
	for s := range strings.SplitSeq(set, ",") {
		if s = trim(s); strings.HasPrefix(s, "-0") && strings.Trim(s[1:], "0") == "" {
			return true
		}
	}
	return false
}

// badRange judges by other means than the code.
func badRange(set string) bool {
	for s := range strings.SplitSeq(set, ",") {
		if s = trim(s); s == "" {
			continue
		}
		first, last, ok := strings.Cut(s, "-")
		if !ok || strings.Trim(first, "0123456789") != "" || strings.Trim(last, "0123456789") != "" || first+last == "" {
			return true
		}
		ends := first != "" && last != ""
		first, last = strings.TrimLeft(first, "0"), strings.TrimLeft(last, "0")
		if ends && (len(first) > len(last) || len(first) == len(last) && first > last) {
			return true
		}
		if len(first) > 18 || len(last) > 18 {
			return true // package http cannot read it
		}
	}
	return false
}

func overlapping(set string, size int) (n int) {
	count := make([]int, size)
	for s := range strings.SplitSeq(set, ",") {
		first, last, _ := strings.Cut(trim(s), "-")
		a, b := 0, size-1
		if first == "" {
			fmt.Sscan(last, &a)
			a = max(size-a, 0)
		} else {
			fmt.Sscan(first, &a)
			if last != "" {
				fmt.Sscan(last, &b)
			}
		}
		for ; a <= b && a < size; a++ {
			count[a]++
		}
	}
	for _, c := range count {
		if c > 2 {
			return 3
		}
		if c == 2 {
			n++
		}
	}
	return min(n, 2)
}

// oracle is what package http answers.
func oracle(method string, h http.Header, content string) *http.Response {
	req := httptest.NewRequest(method, "/a.txt", nil)
	req.Header = h
	rec := httptest.NewRecorder()
	rec.Header().Set("Etag", tag)
	rec.Header().Set("Content-Type", "text/plain")
	http.ServeContent(rec, req, "a.txt", time.Unix(modified, 0), strings.NewReader(content))
	return rec.Result()
}

// compareOracle compares Decide with package http.
func compareOracle(t *testing.T, method string, h http.Header, content string) (differed string) {
	t.Helper()
	var c Conditions
	for name := range asked {
		set(&c, name, h.Get(name))
	}
	e := Entry{Type: "text/plain", ETag: tag, Modified: modified, Length: [NumForms]int64{int64(len(content)), -1, -1}}
	a := Decide(http1.MethodOf([]byte(method)), &c, &e)
	if a.Ranges == 1 && (a.Range.Off < 0 || a.Range.Len < 1 || a.Range.Off+a.Range.Len > a.Size) {
		t.Errorf("%s %v: range %v of %d", method, h, a.Range, a.Size)
	}
	want := oracle(method, h, content)
	if a.Status == want.StatusCode {
		switch cr := want.Header.Get("Content-Range"); {
		case a.Ranges == 1:
			if got := string(appendContentRange(nil, a.Range, a.Size)); got != cr {
				if why := differs(method, h, len(content)); why != "" {
					return why
				}
				t.Errorf("%s %v: range %q, want %q", method, h, got, cr)
			}
		case a.Ranges > 1 != strings.HasPrefix(want.Header.Get("Content-Type"), "multipart/byteranges"):
			if why := differs(method, h, len(content)); why != "" {
				return why
			}
			t.Errorf("%s %v: %d ranges, want %q", method, h, a.Ranges, want.Header.Get("Content-Type"))
		}
		return ""
	}
	if why := differs(method, h, len(content)); why != "" {
		return why
	}
	t.Errorf("%s %v of %d bytes: %d, want %d", method, h, len(content), a.Status, want.StatusCode)
	return ""
}

// TestDecideAsServeContent compares with package http every Range with every
// If-Range, every combination of the four conditions, and some of all.
func TestDecideAsServeContent(t *testing.T) {
	reasons := map[string]int{}
	n := 0
	ask := func(method string, h http.Header, content string) {
		n++
		if why := compareOracle(t, method, h, content); why != "" {
			reasons[why]++
		}
	}
	with := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] != "" {
				h.Set(pairs[i], trim(pairs[i+1])) // as every server does before a handler sees it
			}
		}
		return h
	}
	for _, method := range []string{"GET", "HEAD"} {
		for _, content := range []string{"", "0", "0123456789"} {
			for _, r := range asked["Range"] {
				for _, ir := range asked["If-Range"] {
					ask(method, with("Range", r, "If-Range", ir), content)
				}
			}
		}
		for _, im := range asked["If-Match"] {
			for _, inm := range asked["If-None-Match"] {
				for _, ims := range asked["If-Modified-Since"] {
					for _, ius := range asked["If-Unmodified-Since"] {
						ask(method, with("If-Match", im, "If-None-Match", inm, "If-Modified-Since", ims, "If-Unmodified-Since", ius), "0123456789")
					}
				}
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		var pairs []string
		for _, name := range []string{"Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
			pairs = append(pairs, name, asked[name][random.IntN(len(asked[name]))])
		}
		ask("GET", with(pairs...), "0123456789")
	}
	for why, k := range reasons {
		t.Logf("%d of %d: %s", k, n, why)
	}
}

// TestDecide has what package http does not do, and what it does not say.
func TestDecide(t *testing.T) {
	all := Entry{ETag: tag, Modified: modified, Length: [NumForms]int64{100, 40, 30}}
	plain := Entry{ETag: tag, Modified: modified, Length: [NumForms]int64{100, -1, -1}}
	weak := Entry{ETag: `W/"abc"`, Modified: modified, Length: [NumForms]int64{100, -1, -1}}
	packed := Entry{ETag: tag, Length: [NumForms]int64{-1, 40, -1}}
	bare := Entry{Length: [NumForms]int64{100, -1, -1}}
	for _, v := range []struct {
		name   string
		e      *Entry
		fields string
		status int
		form   Form
		ranges int
		r      Range
	}{
		{"no field", &all, "", 200, Identity, 0, Range{0, 100}},
		{"gzip only", &all, "Accept-Encoding: gzip", 200, Gzip, 0, Range{0, 40}},
		{"the shortest of equals", &all, "Accept-Encoding: gzip, br", 200, Brotli, 0, Range{0, 30}},
		{"by weight", &all, "Accept-Encoding: gzip;q=1, br;q=0.9", 200, Gzip, 0, Range{0, 40}},
		{"by a weight of three digits", &all, "Accept-Encoding: gzip;q=0.901, br;q=0.9", 200, Gzip, 0, Range{0, 40}},
		{"identity by weight", &all, "Accept-Encoding: gzip;q=0.5, identity", 200, Identity, 0, Range{0, 100}},
		{"identity is less than what is named", &all, "Accept-Encoding: gzip;q=0.001", 200, Gzip, 0, Range{0, 40}},
		{"star", &all, "Accept-Encoding: *", 200, Brotli, 0, Range{0, 30}},
		{"star without one", &all, "Accept-Encoding: *, br;q=0", 200, Gzip, 0, Range{0, 40}},
		{"refused star", &all, "Accept-Encoding: *;q=0", 200, Identity, 0, Range{0, 100}},
		{"no identity", &all, "Accept-Encoding: gzip, identity;q=0", 200, Gzip, 0, Range{0, 40}},
		{"nothing is acceptable, and identity is sent", &plain, "Accept-Encoding: identity;q=0", 200, Identity, 0, Range{0, 100}},
		{"other codings", &all, "Accept-Encoding: zstd, compress", 200, Identity, 0, Range{0, 100}},
		{"empty list", &all, "Accept-Encoding: ,", 200, Identity, 0, Range{0, 100}},
		{"x-gzip", &all, "Accept-Encoding: x-gzip", 200, Gzip, 0, Range{0, 40}},
		{"any case", &all, "Accept-Encoding: GZIP ; Q=0.5", 200, Gzip, 0, Range{0, 40}},
		{"refused gzip", &all, "Accept-Encoding: gzip;q=0.000", 200, Identity, 0, Range{0, 100}},
		{"malformed weight says nothing", &all, "Accept-Encoding: gzip;q=2, br;q=x", 200, Identity, 0, Range{0, 100}},
		{"weight above 1 says nothing", &all, "Accept-Encoding: gzip;q=1.001", 200, Identity, 0, Range{0, 100}},
		{"weight of four digits says nothing", &all, "Accept-Encoding: gzip;q=0.1234", 200, Identity, 0, Range{0, 100}},
		{"a longer name is another", &all, "Accept-Encoding: gzipped, brx, b", 200, Identity, 0, Range{0, 100}},
		{"compressed only", &packed, "Accept-Encoding: gzip", 200, Gzip, 0, Range{0, 40}},
		{"compressed only, not taken", &packed, "", 406, 0, 0, Range{}},
		{"compressed only, refused", &packed, "Accept-Encoding: gzip;q=0, *", 406, 0, 0, Range{}},

		{"tag of the form", &all, "Accept-Encoding: gzip|If-None-Match: \"abc-gz\"", 304, Gzip, 0, Range{}},
		{"tag of another form", &all, "Accept-Encoding: gzip|If-None-Match: \"abc\"", 200, Gzip, 0, Range{0, 40}},
		{"tag of another form, too", &all, "If-None-Match: \"abc-gz\"", 200, Identity, 0, Range{0, 100}},
		{"weak tag of the form", &all, "Accept-Encoding: br|If-None-Match: W/\"abc-br\"", 304, Brotli, 0, Range{}},
		{"range of the form", &all, "Accept-Encoding: br|Range: bytes=20-50", 206, Brotli, 1, Range{20, 10}},
		{"range beyond the form", &all, "Accept-Encoding: br|Range: bytes=30-", 416, Brotli, 0, Range{}},
		{"range if it is the form", &all, "Accept-Encoding: br|Range: bytes=20-|If-Range: \"abc-br\"", 206, Brotli, 1, Range{20, 10}},
		{"range if it is another form", &all, "Accept-Encoding: br|Range: bytes=20-|If-Range: \"abc\"", 200, Brotli, 0, Range{0, 30}},

		{"weak entry is known", &weak, "If-None-Match: \"abc\"", 304, Identity, 0, Range{}},
		{"weak entry is not required", &weak, "If-Match: W/\"abc\"", 412, Identity, 0, Range{}},
		{"nor by a strong tag", &weak, "If-Match: \"abc\"", 412, Identity, 0, Range{}},
		{"* stands alone", &plain, "If-None-Match: *x", 200, Identity, 0, Range{0, 100}},
		{"* stands alone, too", &plain, "If-Match: *, \"abc\"", 412, Identity, 0, Range{}},
		{"tag of the third form", &all, "Accept-Encoding: gzip|If-None-Match: \"abc-br\"", 200, Gzip, 0, Range{0, 40}},
		{"If-Range is one tag", &plain, "Range: bytes=1-2|If-Range: \"abc\", \"abc\"", 200, Identity, 0, Range{0, 100}},
		{"first beyond all numbers", &plain, "Range: bytes=18446744073709551616-", 416, Identity, 0, Range{}},
		{"last beyond all numbers", &plain, "Range: bytes=1-18446744073709551616", 206, Identity, 1, Range{1, 99}},
		{"suffix beyond all numbers", &plain, "Range: bytes=-18446744073709551617", 206, Identity, 1, Range{0, 100}},
		{"too many beyond the end", &plain, "Range: bytes=" + strings.Repeat("200-,", 17), 200, Identity, 0, Range{0, 100}},
		{"as many as there may be beyond the end", &plain, "Range: bytes=" + strings.Repeat("200-,", 16), 416, Identity, 0, Range{}},
		{"weak entry has no safe part", &weak, "Range: bytes=1-|If-Range: W/\"abc\"", 200, Identity, 0, Range{0, 100}},
		{"nor by its date", &weak, "Range: bytes=1-|If-Range: " + imf, 200, Identity, 0, Range{0, 100}},
		{"but a part without a condition", &weak, "Range: bytes=1-", 206, Identity, 1, Range{1, 99}},

		{"nothing is known of it", &bare, "If-None-Match: \"\"|If-Modified-Since: " + after, 200, Identity, 0, Range{0, 100}},
		{"it exists", &bare, "If-Match: *", 200, Identity, 0, Range{0, 100}},
		{"and is known, since anything is", &bare, "If-None-Match: *", 304, Identity, 0, Range{}},
		{"date without a date", &bare, "If-Unmodified-Since: " + before, 200, Identity, 0, Range{0, 100}},
		{"range of a date without one", &bare, "Range: bytes=1-|If-Range: Thu, 01 Jan 1970 00:00:00 GMT", 200, Identity, 0, Range{0, 100}},

		{"required first", &plain, "If-Match: \"x\"|If-None-Match: \"abc\"", 412, Identity, 0, Range{}},
		{"a tag outdoes a date", &plain, "If-Match: \"abc\"|If-Unmodified-Since: " + before, 200, Identity, 0, Range{0, 100}},
		{"known before ranges", &plain, "If-None-Match: \"abc\"|Range: bytes=1-2", 304, Identity, 0, Range{}},
		{"overlapping once", &plain, "Range: bytes=0-9,5-14", 206, Identity, 2, Range{0, 10}},
		{"overlapping twice", &plain, "Range: bytes=0-9,5-14,6-6", 200, Identity, 0, Range{0, 100}},
		{"as many as there may be", &plain, "Range: bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,24-24,26-26,28-28,30-30", 206, Identity, 16, Range{0, 1}},
		{"one more", &plain, "Range: bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16,18-18,20-20,22-22,24-24,26-26,28-28,30-30,32-32", 200, Identity, 0, Range{0, 100}},
		{"one is left", &plain, "Range: bytes=1000-,5-9", 206, Identity, 1, Range{5, 5}},
	} {
		var c Conditions
		for line := range strings.SplitSeq(v.fields, "|") {
			name, value, _ := strings.Cut(line, ": ")
			if name != "" {
				set(&c, name, value)
			}
		}
		a := Decide(http1.GET, &c, v.e)
		if a.Status != v.status || a.Form != v.form || a.Ranges != v.ranges || a.Range != v.r {
			t.Errorf("%s: %d, form %d, %d ranges, %v; want %d, form %d, %d, %v", v.name, a.Status, a.Form, a.Ranges, a.Range, v.status, v.form, v.ranges, v.r)
		}
	}
}

// FuzzRange compares with package http whatever a client says, and holds the
// ranges to the content.
func FuzzRange(f *testing.F) {
	for _, s := range asked["Range"] {
		f.Add(s, uint16(10))
	}
	f.Fuzz(func(t *testing.T, s string, size uint16) {
		n, first := choose([]byte(s), int64(size))
		if n > MaxRanges || n > 0 && (first.Off < 0 || first.Len < 1 || first.Off+first.Len > int64(size)) {
			t.Errorf("choose(%q, %d) = %d, %v", s, size, n, first)
		}
		if strings.ContainsAny(s, "\r\n\x00") || !validValue(s) {
			return
		}
		h := http.Header{}
		h.Set("Range", trim(s))
		compareOracle(t, "GET", h, strings.Repeat("x", int(size%32)))
	})
}

// FuzzConditions compares with package http what clients say of tags.
func FuzzConditions(f *testing.F) {
	for _, m := range asked["If-Match"] {
		for _, n := range asked["If-None-Match"] {
			f.Add(m, n)
		}
	}
	f.Fuzz(func(t *testing.T, m, n string) {
		if !validValue(m) || !validValue(n) {
			return
		}
		h := http.Header{}
		h.Set("If-Match", trim(m))
		h.Set("If-None-Match", trim(n))
		compareOracle(t, "GET", h, "0123456789")
	})
}

// FuzzAcceptEncoding chooses a form that is there, and one that the client has
// named, if any.
func FuzzAcceptEncoding(f *testing.F) {
	for _, s := range []string{"", "gzip", "gzip, deflate, br, zstd", "*;q=0", "identity;q=0, gzip;q=0.5", "x-gzip;q=1.000,*", "br ; q=0.", ";", ";q=1", "gzip;q=0.0001"} {
		f.Add(s, true, true, true)
	}
	f.Fuzz(func(t *testing.T, s string, identity, gzip, brotli bool) {
		e := Entry{Length: [NumForms]int64{-1, -1, -1}}
		for i, there := range []bool{identity, gzip, brotli} {
			if there {
				e.Length[i] = int64(100 - i)
			}
		}
		form, ok := negotiate([]byte(s), &e)
		if !ok {
			if identity {
				t.Errorf("%q: nothing, where identity is there", s)
			}
			return
		}
		if e.Length[form] < 0 {
			t.Errorf("%q: form %d, which is not there", s, form)
		}
		if l := strings.ToLower(s); form != Identity && !strings.Contains(l, form.Coding()) && !strings.Contains(l, "*") {
			t.Errorf("%q: %s, which is not named", s, form.Coding())
		}
		// Order does not matter.
		parts := strings.Split(s, ",")
		for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
			parts[i], parts[j] = parts[j], parts[i]
		}
		if other, _ := negotiate([]byte(strings.Join(parts, ",")), &e); other != form {
			t.Errorf("%q: form %d, and %d in the other order", s, form, other)
		}
	})
}
