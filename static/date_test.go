package static

import (
	"net/http"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/http1"
)

func TestParseDate(t *testing.T) {
	for _, v := range []struct {
		name, in string
		want     int64 // -1 is no date
	}{
		{"RFC 9110's example", "Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
		{"RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
		{"RFC 850 with the longest day", "Wednesday, 09-Nov-94 08:49:37 GMT", 784370977},
		{"asctime", "Sun Nov  6 08:49:37 1994", 784111777},
		{"asctime with two digits", "Wed Nov 16 08:49:37 1994", 784975777},
		{"wrong day of the week is one all the same", "Mon, 06 Nov 1994 08:49:37 GMT", 784111777},
		{"epoch", "Thu, 01 Jan 1970 00:00:00 GMT", 0},
		{"leap day", "Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
		{"leap second", "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},
		{"leap century", "Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
		{"two digits of this century", "Sunday, 06-Nov-68 08:49:37 GMT", 3119417377},
		{"two digits of the last", "Sunday, 06-Nov-69 08:49:37 GMT", -4806623},
		{"no leap day", "Wed, 29 Feb 2023 00:00:00 GMT", -1},
		{"no leap century", "Thu, 29 Feb 1900 00:00:00 GMT", -1},
		{"day 0", "Thu, 00 Jan 1970 00:00:00 GMT", -1},
		{"day 31 of April", "Thu, 31 Apr 1970 00:00:00 GMT", -1},
		{"hour 24", "Thu, 01 Jan 1970 24:00:00 GMT", -1},
		{"minute 60", "Thu, 01 Jan 1970 00:60:00 GMT", -1},
		{"second 61", "Thu, 01 Jan 1970 00:00:61 GMT", -1},
		{"other zone", "Sun, 06 Nov 1994 08:49:37 UTC", -1},
		{"lower case", "sun, 06 nov 1994 08:49:37 gmt", -1},
		{"no day", "Sux, 06 Nov 1994 08:49:37 GMT", -1},
		{"no month", "Sun, 06 Nox 1994 08:49:37 GMT", -1},
		{"sign", "Sun, 06 Nov +994 08:49:37 GMT", -1},
		{"two dates", "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", -1},
		{"space at the end", "Sun, 06 Nov 1994 08:49:37 GMT ", -1},
		{"nothing", "", -1},
		{"number", "784111777", -1},
	} {
		got, ok := parseDate([]byte(v.in))
		if ok != (v.want != -1) || ok && got != v.want {
			t.Errorf("%s: parseDate(%q) = %d, %v, want %d", v.name, v.in, got, ok, v.want)
		}
	}
}

// TestDateRoundTrip reads what AppendDate writes, one day of each month of all
// years that there can be.
func TestDateRoundTrip(t *testing.T) {
	for unix := int64(-62167219200); unix <= 253402300799; unix += 86400*29 + 7919 {
		b := http1.AppendDate(nil, unix)
		if got, ok := parseDate(b); !ok || got != unix {
			t.Fatalf("parseDate(%q) = %d, %v, want %d", b, got, ok, unix)
		}
	}
}

// FuzzDate reads no date that package http does not, but for leap seconds, and
// the same time.
func FuzzDate(f *testing.F) {
	for _, s := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun Nov 06 08:49:37 1994"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseDate([]byte(s))
		want, err := http.ParseTime(s)
		if leap := len(s) >= 24 && (s[len(s)-6:len(s)-4] == "60" || s[17:19] == "60"); !leap && ok && (err != nil || want.Unix() != got) {
			t.Errorf("parseDate(%q) = %d, and package http says %v, %v", s, got, want, err)
		}
		if err == nil && !ok && want.UTC().Format(http.TimeFormat) == s {
			t.Errorf("parseDate(%q) takes no IMF-fixdate", s)
		}
		_ = time.UTC
	})
}
