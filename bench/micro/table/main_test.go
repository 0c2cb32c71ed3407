package main

import (
	"strings"
	"testing"
)

const printed = `goos: linux
pkg: github.com/bobtail-go/bobtail/bench/micro
BenchmarkMasks/bytes=64/by=bobtail-2         	  100	        10.00 ns/op	6400.00 MB/s	       0 B/op	       0 allocs/op
BenchmarkMasks/bytes=64/by=bobtail-2         	  100	         8.00 ns/op	8000.00 MB/s	       0 B/op	       0 allocs/op
BenchmarkMasks/bytes=64/by=bobtail-2         	  100	         9.00 ns/op	7111.00 MB/s	       0 B/op	       0 allocs/op
BenchmarkMasks/bytes=64/by=go-coap-2         	  100	       400.40 ns/op	 160.00 MB/s	      64 B/op	       1 allocs/op
BenchmarkMasks/bytes=1024/by=bobtail-2       	  100	        81.26 ns/op	12600.00 MB/s	       0 B/op	       0 allocs/op
BenchmarkDeadlines/connections=10/why=x/by=heap	  100	         5.41 ns/op	       0 B/op	       0 allocs/op
BenchmarkOther-2	  100	         5.41 ns/op	       0 B/op	       0 allocs/op
BenchmarkMasks/bytes=64/by=broken-2	  100	         x ns/op	       0 B/op	       0 allocs/op
PASS
`

const made = `| Masks      |      bobtail |     go-coap |
|------------|-------------:|------------:|
| bytes=64   |     8 (8000) | 400 (160) * |
| bytes=1024 | 81.3 (12600) |           - |

| Deadlines             | heap |
|-----------------------|-----:|
| connections=10, why=x | 5.41 |
`

func TestTables(t *testing.T) {
	var b strings.Builder
	if err := tables(strings.NewReader(printed), &b); err != nil || b.String() != made {
		t.Errorf("the tables are\n%s\nwant\n%s\n%v", b.String(), made, err)
	}
	for name, in := range map[string]string{"nothing": "", "a line that is no benchmark": "PASS\n", "a line without end": strings.Repeat("x", 1<<20)} {
		if err := tables(strings.NewReader(in), &b); err == nil {
			t.Errorf("%s gives no error", name)
		}
	}
}
