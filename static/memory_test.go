//go:build !race && !tinygo

package static

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// held is how many bytes what f returns holds, and what f returns.
func held[T any](f func() T) (n int, v T) {
	var before, after runtime.MemStats
	for range 3 {
		runtime.GC() // what is pooled goes with the second
	}
	runtime.ReadMemStats(&before)
	v = f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int(after.HeapAlloc) - int(before.HeapAlloc), v
}

// slack is for what is not counted: names, sizes of blocks, the runtime's own.
const slack = 16 << 10

func TestMemory(t *testing.T) {
	for _, parts := range []int{-1, 1, 100} {
		files := tree()
		n, tab := held(func() *Table {
			tab, err := NewTable(files, Options{Parts: parts})
			if err != nil {
				t.Fatal(err)
			}
			return tab
		})
		if m := tab.Memory(); n > m+slack || n < m-slack {
			t.Errorf("%d parts: the table holds %d bytes, and says %d", parts, n, m)
		}
	}
	content := map[string]string{}
	for i := range 100 {
		for _, end := range []string{"", ".gz", ".br"} {
			content[fmt.Sprintf("%d.txt%s", i, end)] = strings.Repeat("x", 8192)
		}
	}
	dir := folder(t, content)
	n, d := held(func() *Dir {
		d := openDir(t, dir, DirOptions{Files: 50, Small: 8192})
		for i := range 100 {
			n, err := d.get(fmt.Appendf(nil, "%d.txt", i))
			if err != nil {
				t.Fatal(err)
			}
			n.release()
		}
		return d
	})
	if m := d.Memory(); n > m+slack || n < m*9/10 {
		t.Errorf("the folder holds %d bytes, and says %d", n, m)
	}
	runtime.KeepAlive(d)
}
