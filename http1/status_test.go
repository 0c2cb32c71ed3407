package http1_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/bobtail-go/bobtail/http1"
)

func TestStatusText(t *testing.T) {
	// net/http differs from RFC 9110 in these.
	differ := map[int]string{
		302: "Found", 413: "Content Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable",
		422: "Unprocessable Content", 418: "I'm a teapot",
	}
	var named []int
	for code := -1; code <= 1000; code++ {
		want := http.StatusText(code)
		if d, ok := differ[code]; ok {
			want = d
		}
		got := http1.StatusText(code)
		if got != want {
			t.Errorf("StatusText(%d) = %q, want %q", code, got, want)
		}
		if got != "" {
			named = append(named, code)
		}
	}
	if len(named) != 62 || !reflect.DeepEqual(named[:4], []int{100, 101, 102, 103}) {
		t.Errorf("%d codes have a reason: %v", len(named), named)
	}
}
