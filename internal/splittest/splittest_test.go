package splittest

import "testing"

func TestWays(t *testing.T) {
	for n := range 6 {
		ways := Ways(n)
		want := 1
		if n > 1 {
			want = 2 + n - 1
		}
		if len(ways) != want {
			t.Errorf("Ways(%d) has %d ways, want %d", n, len(ways), want)
		}
		for _, w := range ways {
			last := -1
			for _, e := range w.Ends {
				if e <= last {
					t.Errorf("Ways(%d) %s: ends %v do not grow", n, w.Name, w.Ends)
				}
				last = e
			}
			if last != n {
				t.Errorf("Ways(%d) %s: ends at %d", n, w.Name, last)
			}
		}
	}
}

func TestGuard(t *testing.T) {
	g := Guard("abc")
	if string(g.Bytes) != "abc" || cap(g.Bytes) != 3 || !g.Intact() {
		t.Fatalf("Guard = %q, cap %d, intact %v", g.Bytes, cap(g.Bytes), g.Intact())
	}
	copy(g.Bytes, "xyz")
	if !g.Intact() {
		t.Error("writing inside is seen as damage")
	}
	for _, i := range []int{len(canary) - 1, len(canary) + 3} {
		g := Guard([]byte("abc"))
		g.whole[i] ^= 1
		if g.Intact() {
			t.Errorf("damage at %d is not seen", i)
		}
	}
}
