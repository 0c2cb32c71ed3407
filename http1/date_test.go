package http1_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/http1"
)

func TestAppendDate(t *testing.T) {
	if got := string(http1.AppendDate([]byte("a"), 784111777)); got != "a"+date {
		t.Errorf("AppendDate = %q", got)
	}
	// Every day of 400 years around now, and the ends.
	const day = 86400
	for unix := int64(-200 * 365 * day); unix < 250*365*day; unix += day + 37 {
		want := time.Unix(unix, 0).UTC().Format(http.TimeFormat)
		if got := string(http1.AppendDate(nil, unix)); got != want {
			t.Fatalf("AppendDate(%d) = %q, want %q", unix, got, want)
		}
	}
	for unix, want := range map[int64]string{
		-62167219200: "Sat, 01 Jan 0000 00:00:00 GMT",
		-1 << 63:     "Sat, 01 Jan 0000 00:00:00 GMT",
		-62135596801: "Sun, 31 Dec 0000 23:59:59 GMT",
		-1:           "Wed, 31 Dec 1969 23:59:59 GMT",
		0:            "Thu, 01 Jan 1970 00:00:00 GMT",
		951782400:    "Tue, 29 Feb 2000 00:00:00 GMT",
		253402300799: "Fri, 31 Dec 9999 23:59:59 GMT",
		1<<63 - 1:    "Fri, 31 Dec 9999 23:59:59 GMT",
	} {
		if got := string(http1.AppendDate(nil, unix)); got != want || len(got) != http1.DateSize {
			t.Errorf("AppendDate(%d) = %q, want %q", unix, got, want)
		}
	}
}
