package flat

import "testing"

func TestCopy(t *testing.T) {
	type s struct {
		a [3]int
		p *int
		f func() int
	}
	n := 5
	from := s{[3]int{1, 2, 3}, &n, func() int { return n }}
	var to s
	Copy(&to, &from)
	if to.a != from.a || to.p != &n || to.f() != 5 {
		t.Errorf("copied %+v of %+v", to, from)
	}
}
