package small

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/internal/childtest"
)

// valuePackages are the packages that read and write values. None has a
// constructor that allocates but the guards of auth.
var valuePackages = []string{"form", "cookie", "json", "auth", "internal/credentials"}

// TestValuesNoHeap answers requests with forms, queries, cookies and
// credentials without a heap.
func TestValuesNoHeap(t *testing.T) {
	noHeap(t, "./values")
}

// TestValuesAllocations wants no allocation in these packages, or in what
// handlers call for them.
func TestValuesAllocations(t *testing.T) {
	allocations(t, "./values", func(pkg, file string) ([]string, bool) {
		ours := slices.Contains(valuePackages, pkg) || pkg == "web" && file == "values"
		return []string{"Basic", "Bearer", "challenge"}, ours
	})
}

// TestForms sends forms to a server whose heap only grows: it must not grow
// with requests.
func TestForms(t *testing.T) {
	s := serve(t, "./form")
	c := dial(t, s.address)
	request := func(path, contentType, body string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nCookie: x=1; user=two\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", path, contentType, len(body), body)
	}
	both := request("/form", "application/x-www-form-urlencoded", "user=one&note=%20+x") +
		request("/parts", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n"+strings.Repeat("\r\n", 2000)+"\r\n--b--")
	ask := func(n int) {
		t.Helper()
		for range n {
			if _, err := io.WriteString(c.c, both); err != nil {
				t.Fatal(err)
			}
			for _, want := range [][2]string{{"user=one; HttpOnly", `{"user":"one","half":1.5}`}, {"user=two; HttpOnly", `{"user":"two","half":2000}`}} {
				r, err := http.ReadResponse(c.in, nil)
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(r.Body)
				if err != nil || string(b) != want[1] || r.Header.Get("Set-Cookie") != want[0] {
					t.Fatalf("the answer is %q with cookie %q, %v", b, r.Header.Get("Set-Cookie"), err)
				}
			}
		}
	}
	// The smallest allocation for each of them would be 160 KB.
	const times, most = 5000, 32 << 10
	ask(times / 100)
	before := childtest.Resident(t, s.pid)
	ask(times)
	if after := childtest.Resident(t, s.pid); after-before > most {
		t.Errorf("%d forms have made the server grow from %d bytes to %d", 2*times, before, after)
	} else {
		t.Logf("resident: %d bytes", after)
	}
}
