package form_test

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/form"
	"github.com/bobtail-go/bobtail/internal/splittest"
)

const typeB = "multipart/form-data; boundary=b"

// outcome is what a Multipart says of some content: its parts, and whether it
// ends well.
func outcome(m *form.Multipart, in []byte, ends []int) (s string, err error) {
	var b strings.Builder
	inPart, over := false, false
	at, parts := 0, 0
	for _, end := range ends {
		g := splittest.Guard(in[at:end])
		at = end
		for p := g.Bytes; ; {
			ev, data, n, err := m.Next(p)
			if err != nil {
				if _, _, _, again := m.Next([]byte("x")); again != err || m.Finish() != err {
					return "", fmt.Errorf("after %v come %v and %v", err, again, m.Finish())
				}
				return b.String(), err
			}
			p = p[n:]
			if ev == form.EventNone {
				if len(p) > 0 {
					return "", fmt.Errorf("nothing is found, and %d bytes are left", len(p))
				}
				break
			}
			switch {
			case over, inPart != (ev == form.EventData || ev == form.EventPartEnd), (ev == form.EventData) != (len(data) > 0):
				return "", fmt.Errorf("event %d with %d bytes comes in the wrong place", ev, len(data))
			}
			switch ev {
			case form.EventPart:
				inPart = true
				if parts++; m.Parts() != parts {
					return "", fmt.Errorf("Parts = %d, want %d", m.Parts(), parts)
				}
				fmt.Fprintf(&b, "[%q", m.Name())
				if m.Filename() != nil {
					fmt.Fprintf(&b, " file %q", m.Filename())
				}
				if m.ContentType() != nil {
					fmt.Fprintf(&b, " type %q", m.ContentType())
				}
				b.WriteString(": ")
			case form.EventData:
				b.Write(data)
			case form.EventPartEnd:
				inPart = false
				b.WriteByte(']')
			case form.EventEnd:
				over = true
			}
		}
		if !g.Intact() || !bytes.Equal(g.Bytes, in[at-len(g.Bytes):at]) {
			return "", fmt.Errorf("the content was changed")
		}
	}
	if over != m.Done() {
		return "", fmt.Errorf("Done = %v", m.Done())
	}
	return b.String(), m.Finish()
}

// runAll gives content to a Multipart in every way, and wants the same.
func runAll(t *testing.T, name, contentType, in string, limits form.Limits, memory int) (want string, wantErr error) {
	t.Helper()
	for i, w := range splittest.Ways(len(in)) {
		mem := splittest.Guard(make([]byte, memory))
		var m form.Multipart
		if err := m.Init([]byte(contentType), mem.Bytes, limits); err != nil {
			t.Fatalf("%s: Init: %v", name, err)
		}
		got, err := outcome(&m, []byte(in), w.Ends)
		if i == 0 {
			want, wantErr = got, err
		}
		// A piece of data may have been given before or after an error was seen.
		if err != wantErr || err == nil && got != want {
			t.Errorf("%s: %s: %q is %q, %v, and whole %q, %v", name, w.Name, in, got, err, want, wantErr)
		}
		if !mem.Intact() {
			t.Fatalf("%s: %s: memory of others was changed", name, w.Name)
		}
	}
	return want, wantErr
}

// part is the header of a part named a, with more lines.
func part(more string) string {
	return "--b\r\nContent-Disposition: form-data; name=a\r\n" + more + "\r\n"
}

const end = "\r\n--b--\r\n"

var forms = []struct {
	name, in, want string
	err            error
}{
	{"a field", part("") + "1" + end, `["a": 1]`, nil},
	{"two fields", part("") + "1\r\n" + part("") + "2" + end, `["a": 1]["a": 2]`, nil},
	{"no data", part("") + end, `["a": ]`, nil},
	{"no data and no line break for it", part("") + "--b--", `["a": ]`, nil},
	{"no data twice", part("") + part("") + "--b--", `["a": ]["a": ]`, nil},
	{"no parts", "--b--\r\n", "", nil},
	{"no line break at the end", part("") + "1\r\n--b--", `["a": 1]`, nil},
	{"preamble", "to be\r\nignored --b\r\n" + part("") + "1" + end, `["a": 1]`, nil},
	{"line break first", "\r\n" + part("") + "1" + end, `["a": 1]`, nil},
	{"epilogue", part("") + "1" + end + "ignored\r\n--b\r\n\x00", `["a": 1]`, nil},
	{"blanks behind delimiters", strings.Replace(part(""), "--b", "--b \t ", 1) + "1\r\n--b-- \t\r\n", `["a": 1]`, nil},
	{"a file", part("Content-Type: image/png\r\n") + "\x89PNG\r\n\x1A\n\x00" + end, "[\"a\" type \"image/png\": \x89PNG\r\n\x1A\n\x00]", nil},
	{"line breaks in the data", part("") + "\r\n\r\n1\r\n\n\r\r\n" + end, "[\"a\": \r\n\r\n1\r\n\n\r\r\n]", nil},
	{"beginnings of the delimiter", part("") + "\r\r\n\r\n-\r\n--\r\n--a\r\n-\r\n--B--" + end, "[\"a\": \r\r\n\r\n-\r\n--\r\n--a\r\n-\r\n--B--]", nil},
	{"data begins as the delimiter without line break", part("") + "--" + end, `["a": --]`, nil},
	{"delimiter without line break", part("") + "1--b--" + end, `["a": 1--b--]`, nil},
	{"delimiter after LF alone", part("") + "1\n--b--" + end, "[\"a\": 1\n--b--]", nil},
	{"delimiter after a byte like CR", part("") + strings.Repeat("1234567\x8D\n--b\xFF\n--b\x0C\n--b\x0E\n--b", 9) + end,
		"[\"a\": " + strings.Repeat("1234567\x8D\n--b\xFF\n--b\x0C\n--b\x0E\n--b", 9) + "]", nil},
	{"delimiter after CR alone", part("") + "1\r--b--" + end, "[\"a\": 1\r--b--]", nil},

	{"names and values in either case", "--b\r\ncontent-DISPOSITION:FORM-data;NAME=a;Filename=f\r\ncontent-TYPE:\tText/Plain \r\n\r\n" + end,
		`["a" file "f" type "Text/Plain": ]`, nil},
	{"other header lines", part("X: 1\r\nContent-Length: 1\r\nY:\r\n") + "1" + end, `["a": 1]`, nil},
	{"type before disposition", "--b\r\nContent-Type: t\r\nContent-Disposition: form-data; name=a\r\n\r\n1" + end, `["a" type "t": 1]`, nil},
	{"empty type", part("Content-Type:\r\n") + "1" + end, `["a" type "": 1]`, nil},
	{"encodings that change nothing", part("Content-Transfer-Encoding: Binary\r\n") + end, `["a": ]`, nil},
	{"encoding of old", part("Content-Transfer-Encoding: 8bit\r\n") + end, `["a": ]`, nil},
	{"encoding", part("Content-Transfer-Encoding: quoted-printable\r\n") + end, "", form.ErrEncoding},

	{"empty name", disposition(`name=""`), `["": ]`, nil},
	{"quoted name", disposition(`name="a b;c=d"`), `["a b;c=d": ]`, nil},
	{"UTF-8", disposition(`name="é"; filename="日本.txt"`), `["é" file "日本.txt": ]`, nil},
	{"no file chosen", disposition(`name=a; filename=""`), `["a" file "": ]`, nil},
	{"what browsers escape", disposition(`name="%22%0D%0A"; filename="a%22b.txt"`), `["\"\r\n" file "a\"b.txt": ]`, nil},
	{"what browsers leave", disposition(`name="%41%0d%0%25%"; filename="100%.txt"`), `["%41%0d%0%25%" file "100%.txt": ]`, nil},
	{"escaped quotes", disposition(`name=a; filename="\"a\".txt"`), `["a" file "\"a\".txt": ]`, nil},
	{"escaped backslash", disposition(`name=a; filename="a\\b"`), `["a" file "a\\b": ]`, nil},
	{"backslash at the end, as browsers send it", disposition(`name="a\"; filename="b\" ; x="\"`), `["a\\" file "b\\": ]`, nil},
	{"escaped quote before blanks", disposition(`name="a\"  b"`), `["a\"  b": ]`, nil},
	{"escaped backslash at the end", disposition(`name="a\\"`), `["a\\": ]`, nil},
	{"a path of Windows", disposition(`name=a; filename="C:\new\table.txt"`), `["a" file "C:\\new\\table.txt": ]`, nil},
	{"a path upwards", disposition(`name=a; filename="../../etc/passwd"`), `["a" file "../../etc/passwd": ]`, nil},
	{"other parameters", disposition(`x=1; name=a; size="1;2"; y=2`), `["a": ]`, nil},
	{"semicolon at the end", disposition(`name=a ; `), `["a": ]`, nil},
	{"extended file name", disposition(`name=a; filename*=UTF-8''%e2%82%ac%20rates`), `["a" file "€ rates": ]`, nil},
	{"extended file name with a language", disposition(`name=a; filename*=utf-8'en'x`), `["a" file "x": ]`, nil},
	{"extended after plain", disposition(`name=a; filename="EUR"; filename*=UTF-8''%e2%82%ac`), `["a" file "€": ]`, nil},
	{"extended before plain", disposition(`name=a; filename*=UTF-8''%e2%82%ac; filename="EUR"`), `["a" file "€": ]`, nil},

	{"nothing", "", "", form.ErrTruncated},
	{"preamble alone", "no form", "", form.ErrTruncated},
	{"delimiter cut", "--", "", form.ErrTruncated},
	{"end of delimiter cut", "--b", "", form.ErrTruncated},
	{"header cut", "--b\r\nContent-Dis", "", form.ErrTruncated},
	{"header line cut", "--b\r\nContent-Disposition: form-data; name=a\r", "", form.ErrTruncated},
	{"data cut", part("") + "1", "", form.ErrTruncated},
	{"closing delimiter cut", part("") + "1\r\n--b-", "", form.ErrTruncated},
	{"something behind the delimiter", "--bc\r\n", "", form.ErrDelimiter},
	{"something behind a later delimiter", part("") + "\r\n--bc", "", form.ErrDelimiter},
	{"something behind blanks", "--b x\r\n", "", form.ErrDelimiter},
	{"LF behind the delimiter", "--b\nContent-Disposition: form-data; name=a\n\n1\n--b--", "", form.ErrDelimiter},
	{"CR behind the delimiter", "--b\r\r\n", "", form.ErrDelimiter},
	{"one dash behind the delimiter", part("") + "\r\n--b-x", "", form.ErrDelimiter},
	{"dash behind blanks", "--b --\r\n", "", form.ErrDelimiter},
	{"line break behind the closing delimiter cut", part("") + "\r\n--b--\r", "", form.ErrTruncated},
	{"something behind the closing delimiter", part("") + "\r\n--b--x", "", form.ErrDelimiter},
	{"CR behind the closing delimiter", part("") + "\r\n--b--\rx", "", form.ErrDelimiter},
	{"no header", "--b\r\n\r\n1" + end, "", form.ErrDisposition},
	{"no disposition", "--b\r\nContent-Type: text/plain\r\n\r\n1" + end, "", form.ErrDisposition},
	{"another disposition", "--b\r\nContent-Disposition: attachment; name=a\r\n\r\n1" + end, "", form.ErrDisposition},
	{"disposition that begins as form-data", "--b\r\nContent-Disposition: form-data2; name=a\r\n\r\n1" + end, "", form.ErrDisposition},
	{"no name", disposition(`filename=f`), "", form.ErrName},
	{"two dispositions", part("Content-Disposition: form-data; name=b\r\n") + end, "", form.ErrHeaderTwice},
	{"two types", part("Content-Type: a\r\nContent-Type: b\r\n") + end, "", form.ErrHeaderTwice},
	{"two names", disposition(`name=a; name=b`), "", form.ErrHeaderTwice},
	{"two file names", disposition(`name=a; filename=b; filename=c`), "", form.ErrHeaderTwice},
	{"two extended file names", disposition(`name=a; filename*=UTF-8''b; filename*=UTF-8''c`), "", form.ErrHeaderTwice},
	{"empty parameter", disposition(`name=a;; x=1`), "", form.ErrParameter},
	{"no equals sign", disposition(`name`), "", form.ErrParameter},
	{"no value", disposition(`name=`), "", form.ErrParameter},
	{"blank before the value", disposition(`name= a`), "", form.ErrParameter},
	{"no semicolon", "--b\r\nContent-Disposition: form-data name=a\r\n\r\n" + end, "", form.ErrParameter},
	{"something behind a quoted string", disposition(`name="a"b`), "", form.ErrParameter},
	{"quotes that would begin another parameter", disposition(`name=a; filename="x\"; name=\"b"`), "", form.ErrParameter},
	{"quoted string without end", disposition(`name="a`), "", form.ErrQuoted},
	{"extended without character set", disposition(`name=a; filename*=b`), "", form.ErrExtended},
	{"extended without language", disposition(`name=a; filename*=UTF-8'b`), "", form.ErrExtended},
	{"extended and quoted", disposition(`name=a; filename*="UTF-8''b"`), "", form.ErrExtended},
	{"extended with a malformed escape", disposition(`name=a; filename*=UTF-8''%4`), "", form.ErrExtended},
	{"extended in another character set", disposition(`name=a; filename*=ISO-8859-1''%E9`), "", form.ErrCharset},
	{"line without colon", part("x\r\n") + end, "", form.ErrHeaderName},
	{"line that begins with a colon", part(": 1\r\n") + end, "", form.ErrHeaderName},
	{"blank before the colon", part("X : 1\r\n") + end, "", form.ErrHeaderName},
	{"folded line", part("X: 1\r\n 2\r\n") + end, "", form.ErrFold},
	{"blank before the first line", "--b\r\n Content-Disposition: form-data; name=a\r\n\r\n" + end, "", form.ErrFold},
	{"LF ends a header line", part("X: 1\n") + end, "", form.ErrLine},
	{"CR in a header line", part("X: 1\r2\r\n") + end, "", form.ErrLine},
	{"NUL in a header line", part("X: \x00\r\n") + end, "", form.ErrHeaderByte},
	{"DEL in a header line", disposition("name=\"\x7F\""), "", form.ErrHeaderByte},
}

func disposition(parameters string) string {
	return "--b\r\nContent-Disposition: form-data; " + parameters + "\r\n\r\n" + end
}

func TestMultipart(t *testing.T) {
	for _, v := range forms {
		got, err := runAll(t, v.name, typeB, v.in, form.Limits{}, 200)
		if err != v.err || err == nil && got != v.want {
			t.Errorf("%s: %q is %s, %v, want %s, %v", v.name, v.in, got, err, v.want, v.err)
		}
	}
}

func TestMultipartLimits(t *testing.T) {
	two := part("") + "1\r\n" + part("") + "2" + end
	head := len("Content-Disposition: form-data; name=a\r\n\r\n")
	for _, v := range []struct {
		name   string
		in     string
		limits form.Limits
		memory int
		err    error
	}{
		{"as many parts", two, form.Limits{Parts: 2}, 200, nil},
		{"too many parts", two, form.Limits{Parts: 1}, 200, form.ErrParts},
		{"as many parts as by default", strings.Repeat(part("")+"\r\n", 128) + "--b--", form.Limits{}, 200, nil},
		{"more parts than by default", strings.Repeat(part("")+"\r\n", 129) + "--b--", form.Limits{}, 200, form.ErrParts},
		{"header as long", two, form.Limits{Header: head}, 200, nil},
		{"header too long", two, form.Limits{Header: head - 1}, 200, form.ErrHeaderLong},
		{"header much too long", part("X: 12345\r\n") + end, form.Limits{Header: head}, 200, form.ErrHeaderLong},
		{"blanks behind a delimiter count", "--b          \r\n", form.Limits{Header: 9}, 200, form.ErrHeaderLong},
		{"blanks behind a delimiter belong to no part", strings.Replace(two, "\r\n--b\r\n", "\r\n--b \r\n", 1), form.Limits{Header: head}, 200, nil},
		{"content as long", two, form.Limits{Total: uint64(len(two))}, 200, nil},
		{"content too long", two, form.Limits{Total: uint64(len(two)) - 1}, 200, form.ErrTotal},
		{"line as long as memory", two, form.Limits{}, 5 + head - 4, nil},
		{"line longer than memory", two, form.Limits{}, 5 + head - 5, form.ErrHeaderLong},
	} {
		if len(v.in) > 1000 {
			// Splits of it all would take long, and tell nothing new.
			var m form.Multipart
			if err := m.Init([]byte(typeB), make([]byte, v.memory), v.limits); err != nil {
				t.Fatal(err)
			}
			if _, err := outcome(&m, []byte(v.in), []int{len(v.in)}); err != v.err {
				t.Errorf("%s: %v, want %v", v.name, err, v.err)
			}
			continue
		}
		if _, err := runAll(t, v.name, typeB, v.in, v.limits, v.memory); err != v.err {
			t.Errorf("%s: %v, want %v", v.name, err, v.err)
		}
	}
}

func TestBoundary(t *testing.T) {
	long := strings.Repeat("x", 70)
	for _, v := range []struct {
		name, in, want string
		err            error
	}{
		{"token", "multipart/form-data; boundary=abc", "abc", nil},
		{"as Chromium sends it", "multipart/form-data; boundary=----WebKitFormBoundaryKF8cDbGUOl3ajBlt", "----WebKitFormBoundaryKF8cDbGUOl3ajBlt", nil},
		{"quoted", `multipart/form-data; boundary="a b:c=d?"`, "a b:c=d?", nil},
		{"in either case, without blanks", "Multipart/FORM-data;BOUNDARY=Abc", "Abc", nil},
		{"between others", "multipart/form-data; charset=utf-8; boundary=b ; x=\"boundary=c\"", "b", nil},
		{"longest", "multipart/form-data; boundary=" + long, long, nil},
		{"too long", "multipart/form-data; boundary=x" + long, "", form.ErrBoundary},
		{"empty", `multipart/form-data; boundary=""`, "", form.ErrBoundary},
		{"blank at the end", `multipart/form-data; boundary="a "`, "", form.ErrBoundary},
		{"byte that none has", `multipart/form-data; boundary="a;b"`, "", form.ErrBoundary},
		{"escaped", `multipart/form-data; boundary="a\"b"`, "", form.ErrBoundary},
		{"not ASCII", "multipart/form-data; boundary=\"\xE9\"", "", form.ErrBoundary},
		{"none", "multipart/form-data", "", form.ErrBoundaryNone},
		{"none among others", "multipart/form-data; charset=utf-8;", "", form.ErrBoundaryNone},
		{"twice", "multipart/form-data; boundary=a; boundary=a", "", form.ErrBoundaryTwice},
		{"separator in a token", "multipart/form-data; boundary=a/b", "", form.ErrParameter},
		{"equals sign in a token", "multipart/form-data; boundary=----=_Part", "", form.ErrParameter},
		{"no value", "multipart/form-data; boundary=", "", form.ErrParameter},
		{"no name", "multipart/form-data; =a", "", form.ErrParameter},
		{"no semicolon", "multipart/form-data boundary=a", "", form.ErrParameter},
		{"quote without end", `multipart/form-data; boundary="a`, "", form.ErrQuoted},
		{"another type", "multipart/mixed; boundary=a", "", form.ErrType},
		{"a longer type", "multipart/form-data2; boundary=a", "", form.ErrType},
		{"a shorter type", "multipart/form", "", form.ErrType},
		{"nothing", "", "", form.ErrType},
	} {
		g := splittest.Guard(v.in)
		dst := make([]byte, form.MaxBoundary)
		n, err := form.Boundary(dst, g.Bytes)
		if err != v.err || err == nil && string(dst[:n]) != v.want {
			t.Errorf("%s: Boundary(%q) = %q, %v, want %q, %v", v.name, v.in, dst[:n], err, v.want, v.err)
		}
		// What is accepted is so by package mime, and means the same.
		if _, p, e := mime.ParseMediaType(v.in); err == nil && (e != nil || p["boundary"] != v.want) {
			t.Errorf("%s: by mime the boundary of %q is %q, %v", v.name, v.in, p["boundary"], e)
		}
		var m form.Multipart
		if err := m.Init(g.Bytes, make([]byte, form.MinMemory), form.Limits{}); err != v.err {
			t.Errorf("%s: Init = %v", v.name, err)
		}
		if err != nil {
			continue
		}
		if _, err := form.Boundary(make([]byte, n-1), g.Bytes); err != form.ErrShort {
			t.Errorf("%s: Boundary to %d bytes = %v", v.name, n-1, err)
		}
		for _, size := range []int{0, 3, 4, n + 3} {
			if err := m.Init(g.Bytes, make([]byte, size), form.Limits{}); err != form.ErrMemory {
				t.Errorf("%s: Init with %d bytes = %v", v.name, size, err)
			}
		}
	}
	var m form.Multipart
	if _, _, _, err := m.Next([]byte("x")); err != form.ErrBoundaryNone {
		t.Errorf("Next without Init = %v", err)
	}
}

func TestIsMediaType(t *testing.T) {
	for in, want := range map[string]bool{
		"application/x-www-form-urlencoded":               true,
		"Application/X-WWW-Form-urlencoded;charset=UTF-8": true,
		"application/x-www-form-urlencoded ; a":           true,
		"application/x-www-form-urlencoded2":              false,
		"application/x-www-form":                          false,
		"application\x0Fx-www-form-urlencoded":            false,
		"":                                                false,
	} {
		if form.IsMediaType([]byte(in), form.MediaType) != want {
			t.Errorf("IsMediaType(%q) = %v", in, !want)
		}
	}
}

func TestBaseName(t *testing.T) {
	for in, want := range map[string]string{
		"a.txt":            "a.txt",
		"/tmp/a.txt":       "a.txt",
		`C:\dir\a.txt`:     "a.txt",
		`..\../a.txt`:      "a.txt",
		"é":                "é",
		".profile":         ".profile",
		"...":              "...",
		"":                 "",
		"..":               "",
		"../..":            "",
		"a/":               "",
		".":                "",
		"a\x00.txt":        "",
		"a\nb":             "",
		"a\x7F":            "",
		"a.txt:stream":     "",
		"C:a.txt":          "",
		"folder:x/a.txt":   "a.txt",
		"control\n/a.html": "a.html",
	} {
		if got := form.BaseName([]byte(in)); string(got) != want || (got == nil) != (want == "") {
			t.Errorf("BaseName(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestMultipartIsQuick gives hostile content of megabytes to a Multipart, and
// to a loop that looks at each byte once. The search may take longer than the
// loop by a factor, but not by the length of the content or the delimiter. What
// is compared is the processors' time, which other programs take none of.
func TestMultipartIsQuick(t *testing.T) {
	boundary := strings.Repeat("-", 69) + "b"
	contentType := []byte("multipart/form-data; boundary=" + boundary)
	head := "--" + boundary + "\r\nContent-Disposition: form-data; name=a\r\n\r\nx"
	const size = 4 << 20
	for name, unit := range map[string]string{
		"CR":                             "\r",
		"line breaks":                    "\r\n",
		"dashes":                         "-",
		"delimiters without the last":    "\r\n--" + boundary[:69],
		"delimiters with another last":   "\r\n--" + boundary[:69] + "c",
		"delimiters without line breaks": "--" + boundary,
	} {
		in := []byte(head + strings.Repeat(unit, size/len(unit)))
		began := used()
		var sum byte
		for range 4 {
			for _, c := range in {
				sum = sum*31 ^ c
			}
		}
		once := (used()-began)/4 + time.Millisecond
		for _, piece := range []int{len(in), 1400, 71, 1} {
			var m form.Multipart
			if err := m.Init(contentType, make([]byte, 200), form.Limits{}); err != nil {
				t.Fatal(err)
			}
			calls, data := 0, 0
			began := used()
			for b := in; len(b) > 0; {
				ev, d, n, err := m.Next(b[:min(piece, len(b))])
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				b = b[n:]
				calls++
				data += len(d)
				_ = ev
			}
			if took := used() - began; took > 100*once {
				t.Errorf("%s in pieces of %d bytes take %v, a loop over them %v", name, piece, took, once)
			}
			if calls > 2*len(in)+2 {
				t.Errorf("%s in pieces of %d bytes: %d calls for %d bytes", name, piece, calls, len(in))
			}
			if held := len(in) - (len(head) - 1) - data; held < 0 || held > len(boundary)+4 {
				t.Errorf("%s in pieces of %d bytes: %d bytes of data are not given", name, piece, held)
			}
		}
		if sum == 0 {
			t.Log("kept from being optimized away")
		}
	}
}

// standardParts reads a form by package multipart.
func standardParts(in string) (string, error) {
	var b strings.Builder
	r := multipart.NewReader(strings.NewReader(in), "b")
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
		_, parameters, err := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
		if err != nil {
			return b.String(), err
		}
		fmt.Fprintf(&b, "[%q", unescape(parameters["name"]))
		if f, ok := parameters["filename"]; ok {
			fmt.Fprintf(&b, " file %q", unescape(f))
		}
		if v := p.Header.Values("Content-Type"); v != nil {
			fmt.Fprintf(&b, " type %q", v[0])
		}
		b.WriteString(": ")
		if _, err := io.Copy(&b, p); err != nil {
			return b.String(), err
		}
		b.WriteByte(']')
	}
}

// unescape decodes what browsers encode, which package multipart leaves.
func unescape(s string) string {
	return strings.NewReplacer("%22", `"`, "%0D", "\r", "%0A", "\n").Replace(s)
}

// FuzzMultipart wants what is accepted whole to be accepted cut anywhere, and to
// mean the same to package multipart.
func FuzzMultipart(f *testing.F) {
	for _, v := range forms {
		f.Add(v.in, uint16(3))
	}
	f.Fuzz(func(t *testing.T, in string, step uint16) {
		run := func(ends []int) (string, error) {
			var m form.Multipart
			if err := m.Init([]byte(typeB), make([]byte, 300), form.Limits{}); err != nil {
				t.Fatal(err)
			}
			return outcome(&m, []byte(in), ends)
		}
		whole, err := run([]int{len(in)})
		if _, ok := err.(form.Error); err != nil && !ok {
			t.Fatal(err)
		}
		var ends []int
		for n := 0; n < len(in); {
			n = min(n+int(step)%64+1, len(in))
			ends = append(ends, n)
		}
		cut, errCut := run(ends)
		if errCut != err || err == nil && cut != whole {
			t.Fatalf("%q is %q, %v whole and %q, %v in steps", in, whole, err, cut, errCut)
		}
		lf := strings.Count(in, "\n--b") > strings.Count(in, "\r\n--b") // a line that ends in LF alone
		if err != nil || lf || strings.Contains(in, "*") || strings.Contains(in, "%") || strings.Contains(in, "\\") {
			return // these differ on purpose: see the package's comment
		}
		std, stdErr := standardParts(in)
		if stdErr != nil || std != whole {
			t.Errorf("%q is %q, by package multipart %q, %v", in, whole, std, stdErr)
		}
	})
}

func TestMultipartAsTheStandardLibrary(t *testing.T) {
	for _, v := range forms {
		if v.err != nil || strings.Contains(v.in, `\"; `) {
			continue // a backslash at the end is an error there
		}
		if got, err := standardParts(v.in); err != nil || got != v.want {
			t.Errorf("%s: by package multipart %q is %s, %v, want %s", v.name, v.in, got, err, v.want)
		}
	}
	// What its Writer writes is read.
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	w.WriteField(`a "quoted" \name`, "1\r\n2")
	p, _ := w.CreateFormFile("file", `dir\"x".bin`)
	p.Write([]byte{0, 1, 2})
	w.Close()
	got, err := runAll(t, "written", w.FormDataContentType(), b.String(), form.Limits{}, 300)
	want := "[\"a \\\"quoted\\\" \\\\name\": 1\r\n2][\"file\" file \"dir\\\\\\\"x\\\".bin\" type \"application/octet-stream\": \x00\x01\x02]"
	if err != nil || got != want {
		t.Errorf("what package multipart writes is %s, %v, want %s", got, err, want)
	}
}
