package coap_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/coap"
)

// RFC 7641 section 3.4.
func TestNewer(t *testing.T) {
	const limit, late = 128e9, 128e9 + 1
	for _, c := range []struct {
		name    string
		v1, v2  uint32
		elapsed int64
		want    bool
	}{
		{"next", 1, 2, 0, true},
		{"same", 2, 2, 0, false},
		{"before", 2, 1, 0, false},
		{"just less than half way round", 0, 1<<23 - 1, 0, true},
		{"half way round", 0, 1 << 23, 0, false},
		{"more than half way round", 0, 1<<23 + 1, 0, false},
		{"wrapped around", 1<<24 - 1, 0, 0, true},
		{"wrapped around half way", 1 << 23, 0, 0, false},
		{"wrapped around just less than half way", 1<<23 + 1, 0, 0, true},
		{"after, both large", 5e6, 9e6, 0, true},
		{"before, both large", 9e6, 8e6, 0, false},
		{"before, after 128 s", 2, 1, limit, false},
		{"before, after more", 2, 1, late, true},
		{"same, after more", 2, 2, late, true},
	} {
		if got := coap.Newer(c.v1, c.v2, c.elapsed); got != c.want {
			t.Errorf("%s: Newer(%d, %d, %d) = %v", c.name, c.v1, c.v2, c.elapsed, got)
		}
	}
}
